"""The harness can fail: each safeguard is taken out of a copy of the jobs' code, one at a time.

Only what the cluster runs is changed (the bundle, or the jar); `verify` is the real one.
"""

import os
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from shutil import copy

import pytest

from tests.faults.harness import inject
from tollgate import jobs
from tollgate.local import stack
from tollgate.local.flink_home import distribution
from tollgate.local.jars import Jars, ensure_jars
from tollgate.local.layout import Layout
from tollgate.settings import REPOSITORY

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]

BUNDLED = {
    "no_dedup_index": (
        "udfs/frame_memory.py",
        "        self._changed_ids[identity] = None\n",
        "        pass\n",
        "replay-storm",
    ),
    "no_sequence_guard": (
        "sinks/redis.py",
        "local live = new.live_sequence >= have_live\n",
        "local live = true\n",
        "kill-taskmanager",
    ),
}
COMPILED = {
    "no_flush_before_the_barrier": (
        "UsageFramer.java",
        "  public void prepareSnapshotPreBarrier(long checkpointId) throws IOException {\n    flush();\n",
        "  public void prepareSnapshotPreBarrier(long checkpointId) throws IOException {\n",
    ),
    "no_transactions": (
        "UsageJobParts.java",
        "DeliveryGuarantee.EXACTLY_ONCE",
        "DeliveryGuarantee.AT_LEAST_ONCE",
    ),
}


def mutated(text: str, old: str, new: str) -> str:
    """Replace what stands there; a mutation that no longer applies is an error, not a survivor."""
    assert old in text, f"nothing left to mutate: {old!r}"
    return text.replace(old, new)


def replaced_in_zip(archive: Path, name: str, change: Callable[[str], str]) -> Path:
    """Write the archive anew with one file changed."""
    with zipfile.ZipFile(archive) as before:
        contents = {one: before.read(one) for one in before.namelist()}
    contents[name] = change(contents[name].decode()).encode()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as after:
        for one, content in contents.items():
            after.writestr(zipfile.ZipInfo(one, (2026, 1, 1, 0, 0, 0)), content)
    return archive


@pytest.mark.parametrize("name", BUNDLED)
def test_python_without_a_safeguard_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    file, old, new, faults = BUNDLED[name]
    whole = jobs.bundle

    def bundle(home: Path) -> Path:
        return replaced_in_zip(whole(home), file, lambda text: mutated(text, old, new))

    monkeypatch.setattr(jobs, "bundle", bundle)
    results = inject(tmp_path / "stack", faults, seed=2, minutes=1)
    assert results.report is not None
    assert not results.report.passed or results.went_back, results.as_plain()


@pytest.mark.parametrize("name", COMPILED)
def test_java_without_a_safeguard_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    file, old, new = COMPILED[name]
    jars = mutated_jars(tmp_path, file, old, new)
    monkeypatch.setattr(stack, "ensure_jars", lambda *_: jars)
    results = inject(tmp_path / "stack", "kill-taskmanager", seed=2, minutes=1.5)
    assert results.report is not None
    assert not results.report.passed, results.as_plain()


def mutated_jars(scratch: Path, file: str, old: str, new: str) -> Jars:
    """Compile one class anew into a copy of our jar."""
    whole = ensure_jars(Layout.of(REPOSITORY, scratch / "build"), os.environ, print)
    source = scratch / file
    original = REPOSITORY / "jvm" / "src" / "main" / "java" / "tollgate" / "jvm" / file
    source.write_text(mutated(original.read_text(), old, new))
    jar = Path(copy(whole.flink[0], scratch / "tollgate-jvm.jar"))
    flink = distribution()
    classpath = os.pathsep.join([str(jar), f"{flink}/lib/*", f"{flink}/opt/*"])
    classes = scratch / "classes"
    subprocess.run(["javac", "-nowarn", "-cp", classpath, "-d", str(classes), str(source)], check=True)
    subprocess.run(["jar", "uf", str(jar), "-C", str(classes), "."], check=True)
    return Jars((jar,), whole.kafka)
