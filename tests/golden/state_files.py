"""Golden bytes of one kind of state: a file for every format that was ever released, and for fields that joined it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.golden.conftest import HERE


@dataclass(frozen=True)
class StateFiles:
    """The files of a folder, the format that this release writes, and what each format's bytes mean.

    A field that joins a format leaves its bytes as they are: `joined` are further states of the present one, by
    name, and `earlier` those of the formats before it, by file.
    """

    folder: str
    current: int
    expected: Mapping[int, Any]
    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]
    joined: Mapping[str, Any] = field(default_factory=dict)
    earlier: Mapping[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """The folder of the files."""
        return HERE / self.folder

    @property
    def names(self) -> dict[str, Any]:
        """What the bytes of each file mean, by its name."""
        formats = {f"format_{number}": one for number, one in self.expected.items()}
        return {**formats, **self.earlier, **self.of_this_release}

    @property
    def of_this_release(self) -> dict[str, Any]:
        """The part of `names` that this release writes."""
        present = f"format_{self.current}"
        return {present: self.expected[self.current]} | {f"{present}_{name}": one for name, one in self.joined.items()}

    def bytes_of(self, name: str) -> bytes:
        """Return the bytes of a file."""
        return bytes.fromhex((self.path / f"{name}.hex").read_text(encoding="utf-8"))

    def write_if_new(self) -> None:
        """Write the files of this release's format that are not there: one that exists is out there."""
        for name, state in self.of_this_release.items():
            path = self.path / f"{name}.hex"
            if not path.exists():
                path.parent.mkdir(exist_ok=True)
                lines = re.findall(r".{1,64}", self.encode(state).hex())
                path.write_text("\n".join(lines) + "\n", encoding="utf-8")
