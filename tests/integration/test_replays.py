"""What is sent again through the running job: history changes nothing, and a dead letter is billed once it can be."""

import json
from pathlib import Path

import pytest

from tests.integration.conftest import Tollgate, usage


def instant(time_ms: int) -> str:
    from billing.instants import format_instant

    return format_instant(time_ms)


@pytest.mark.row(16, 10)
def test_history_sent_again_changes_no_total(tollgate: Tollgate, now_ms: int) -> None:
    tollgate.produce([usage("ruth", f"r{number}", number + 1, now_ms + number) for number in range(50)])
    tollgate.ok("wait")
    before = tollgate.json("records", "ruth")
    said = tollgate.ok("replay", "--from", instant(now_ms), "--to", instant(now_ms + 50), "--rate", "0")
    assert "50 events sent again" in said
    tollgate.ok("wait")
    assert tollgate.json("records", "ruth") == before
    again = tollgate.json("replay", "--from", instant(now_ms), "--to", instant(now_ms + 50), "--rate", "0")
    assert again == {"sent": 50}, "replays are not replayed themselves"
    tollgate.ok("wait")
    assert tollgate.json("records", "ruth") == before
    assert "verified" in tollgate.ok("verify")


def test_a_mended_dead_letter_is_billed_once(tollgate: Tollgate, now_ms: int, tmp_path: Path) -> None:
    tollgate.produce([usage("rita", "m1", 3, now_ms, meter="sms.outbund")])
    tollgate.ok("wait")
    (name,) = [one["dead_letter"] for one in tollgate.json("deadletters", "list") if one["customer_id"] == "rita"]
    assert any(name in line and "rita" in line for line in tollgate.ok("deadletters", "list").splitlines())
    file = tmp_path / "mended.jsonl"
    file.write_text(json.dumps(usage("rita", "m1", 3, now_ms) | {"dead_letter": name}) + "\n")
    assert "1 dead letters would be sent again" in tollgate.ok(
        "deadletters", "replay", "--mended", str(file), "--dry-run"
    )
    assert "1 dead letters sent again" in tollgate.ok("deadletters", "replay", "--mended", str(file))
    tollgate.ok("wait")
    assert [one["quantity"] for one in tollgate.json("records", "rita")] == ["3"]
    assert "0 dead letters sent again, 1 had been before" in tollgate.ok("deadletters", "replay", name)
    counts = {"sent": 0, "sent_before": 1, "left_alone": 0, "dry_run": False}
    assert tollgate.json("deadletters", "replay", name) == counts
    assert "verified" in tollgate.ok("verify")


def test_a_letter_that_is_not_there_is_said_in_one_line(tollgate: Tollgate) -> None:
    done = tollgate.run("deadletters", "replay", "0/999999")
    assert done.returncode == 2
    assert done.stderr == "tollgate: there is no dead letter 0/999999. Remedy: see `tollgate deadletters list`\n"
