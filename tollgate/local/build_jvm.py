"""Builds the JVM module with its tests: `python -m tollgate.local.build_jvm`, for `make test`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tollgate.local.errors import StackError
from tollgate.local.layout import Layout
from tollgate.local.prerequisites import find_maven


def main() -> None:
    """Run Maven in the foreground, tests included, then verify the jars' checksums; exits as they do."""
    layout = Layout.of(Path(__file__).parents[2])
    try:
        maven = [str(find_maven(os.environ)), "-B", "-q", "-f", str(layout.project / "jvm" / "pom.xml"), "package"]
    except StackError as error:
        sys.exit(f"tollgate: {error.cause}. Remedy: {error.remedy}")
    for command in (maven, [str(layout.project / "jvm" / "verify-jars")]):
        code = subprocess.run(command, check=False).returncode
        if code:
            sys.exit(code)


if __name__ == "__main__":
    main()
