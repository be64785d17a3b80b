"""Runs `tollgate` in processes that are forked from one which has imported it: most of a command's time is importing.

The entry point, the arguments, the environment, the standard streams and the exit code are those of a command
that a shell starts; only the interpreter is warm.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.integration.loaded_commands"])


def run_command(
    arguments: Sequence[str], environment: Mapping[str, str], text: str, timeout_seconds: float
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end; raises subprocess.TimeoutExpired as `subprocess.run` does."""
    with TemporaryDirectory() as folder:
        streams = [Path(folder) / name for name in ("stdin", "stdout", "stderr")]
        streams[0].write_text(text)
        process = _CONTEXT.Process(target=_command, args=(list(arguments), dict(environment), streams))
        process.start()
        process.join(timeout_seconds)
        if process.is_alive():
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(["tollgate", *arguments], timeout_seconds)
        out, err = (stream.read_text() if stream.exists() else "" for stream in streams[1:])
        assert process.exitcode is not None
        return subprocess.CompletedProcess(["tollgate", *arguments], process.exitcode, out, err)


def _command(arguments: list[str], environment: dict[str, str], streams: list[Path]) -> None:
    from tollgate.cli import main

    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["tollgate", *arguments]
    with ExitStack() as opened:
        for number, (stream, mode) in enumerate(zip(streams, "rww", strict=True)):
            file = opened.enter_context(stream.open(mode))
            os.dup2(file.fileno(), number)
        sys.stdin, sys.stdout, sys.stderr = (os.fdopen(number, mode) for number, mode in enumerate("rww"))
        main()
