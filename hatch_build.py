"""Build hook: compiles proto/ to typed Python classes in wire/v1/ (not committed).

protoc names modules by their path below proto/ (``tollgate/v1``), which would clash with
the package of the command line; the imports are rewritten to ``wire.v1``.
"""

import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from grpc_tools import protoc
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_PACKAGE = "tollgate/v1"


def generate(root: Path) -> list[Path]:
    """Compile every .proto below root/proto into root/wire/v1; returns what was written."""
    sources = sorted((root / "proto").rglob("*.proto"))
    target = root / "wire" / "v1"
    with tempfile.TemporaryDirectory() as scratch:
        arguments = ["protoc", f"-I{root / 'proto'}", f"--python_out={scratch}", f"--pyi_out={scratch}"]
        arguments += [f"--descriptor_set_out={scratch}/descriptors.binpb"]
        if protoc.main([*arguments, *map(str, sources)]) != 0:
            sys.exit("the messages in proto/ do not compile: see protoc's lines above")
        return [_place(path, target) for path in sorted(Path(scratch, _PACKAGE).iterdir())] + [
            _write(target / "__init__.py", '"""Generated from proto/: do not edit."""\n')
        ]


def _place(generated: Path, target: Path) -> Path:
    text = generated.read_text(encoding="utf-8")
    text = re.sub(r"\bfrom tollgate\.v1 import\b", "from wire.v1 import", text)
    return _write(target / generated.name, text)


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
    return path


class GenerateMessages(BuildHookInterface):
    """Runs before every wheel and every editable install."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Generate the classes and add them to the wheel."""
        root = Path(self.root)
        build_data["artifacts"] += [str(path.relative_to(root)) for path in generate(root)]
