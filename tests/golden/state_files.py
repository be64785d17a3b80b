"""Golden bytes of one kind of state: a file for every format that was ever released."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.golden.conftest import HERE


@dataclass(frozen=True)
class StateFiles:
    """The files of a folder, the format that this release writes, and what each format's bytes mean."""

    folder: str
    current: int
    expected: Mapping[int, Any]
    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]

    @property
    def path(self) -> Path:
        """The folder of the files."""
        return HERE / self.folder

    def bytes_of(self, number: int) -> bytes:
        """Return the bytes of a format."""
        return bytes.fromhex((self.path / f"format_{number}.hex").read_text(encoding="utf-8"))

    def write_if_new(self) -> None:
        """Write the file of this release's format where there is none: one that exists is out there."""
        path = self.path / f"format_{self.current}.hex"
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            lines = re.findall(r".{1,64}", self.encode(self.expected[self.current]).hex())
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
