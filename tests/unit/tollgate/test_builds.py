"""What jobs were submitted with is kept by its content, so that it can be submitted again."""

import os
import zipfile
from pathlib import Path

from tollgate.builds import KEPT, Build, builds_below, keep_build


def archive(folder: Path, code: str, name: str = "a.zip") -> Path:
    """Return an archive of two packages."""
    path = folder / name
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("billing/rating.py", code)
        file.writestr("flink_jobs/usage_rating.py", "main()")
    return path


def jar(folder: Path, content: bytes = b"classes") -> Path:
    path = folder / "tollgate-jvm.jar"
    path.write_bytes(content)
    return path


def test_a_build_holds_archive_program_and_jar(tmp_path: Path) -> None:
    source = archive(tmp_path, "x = 1")
    build = keep_build(tmp_path / "home", source, [jar(tmp_path)])
    source.unlink()
    assert zipfile.ZipFile(build.archive).read("billing/rating.py") == b"x = 1"
    assert build.program("flink_jobs/usage_rating.py").read_text() == "main()"
    assert [one.read_bytes() for one in build.jars] == [b"classes"]
    assert not (build.directory / "billing").exists(), "programs alone are unpacked"


def test_the_same_content_is_kept_once_and_any_other_by_itself(tmp_path: Path) -> None:
    first = keep_build(tmp_path, archive(tmp_path, "x = 1"), [jar(tmp_path)])
    assert keep_build(tmp_path, archive(tmp_path, "x = 1", "other.zip"), [jar(tmp_path)]) == first
    assert keep_build(tmp_path, archive(tmp_path, "x = 2"), [jar(tmp_path)]) != first
    assert keep_build(tmp_path, archive(tmp_path, "x = 1"), [jar(tmp_path, b"others")]) != first


def test_those_used_last_stay(tmp_path: Path) -> None:
    first = keep_build(tmp_path, archive(tmp_path, "x = 0"), [])
    for number in range(1, KEPT + 2):
        build = keep_build(tmp_path, archive(tmp_path, f"x = {number}"), [])
        os.utime(build.directory, ns=(number, number))
        first.touch()
    assert first.directory.is_dir()
    assert len(list(builds_below(tmp_path).iterdir())) <= KEPT + 1
    assert not any(Build(one).id.startswith(".") for one in builds_below(tmp_path).iterdir())
