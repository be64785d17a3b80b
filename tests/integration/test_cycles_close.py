"""Cycles close by event time, for customers who are silent too."""

import pytest

from billing.instants import parse_instant
from tests.integration.conftest import Tollgate, usage

SEPTEMBER = parse_instant("2026-09-20T12:00:00Z")
OCTOBER = parse_instant("2026-10-01T02:00:00Z")


@pytest.mark.row(11)
def test_silent_and_busy_customers_get_one_close_each_and_late_usage_is_corrected(tollgate: Tollgate) -> None:
    busy = [usage("busy", "b1", 100, SEPTEMBER), usage("busy", "b2", 7, OCTOBER)]
    tollgate.produce([usage("silent", "s1", 30, SEPTEMBER), *busy], "--advance-to", "2026-10-01T02:59:59.999Z")
    tollgate.ok("wait")
    assert [one["kind"] for one in tollgate.json("records", "silent")] == ["USAGE"]

    tollgate.produce([], "--advance-to", "2026-10-01T03:00:00Z")
    tollgate.ok("wait")
    silent = tollgate.json("records", "silent")
    assert [(one["kind"], one["cycle"], one["amount"]) for one in silent] == [
        ("USAGE", "2026-09", "0.079"),  # 30 less 20 free, at 0.0079
        ("CYCLE_CLOSE", "2026-09", "0"),
    ]
    assert silent[1]["cycle_total"] == "0.079"
    assert silent[1]["meter_totals"] == [{"meter": "sms.outbound", "quantity": "30", "amount": "0.079"}]

    tollgate.produce([usage("silent", "s2", 10, SEPTEMBER), usage("busy", "b3", 1, OCTOBER)])
    tollgate.ok("wait")
    late = tollgate.json("records", "silent")[-1]
    assert (late["kind"], late["cycle"], late["corrects_cycle"]) == ("LATE_CORRECTION", "2026-10", "2026-09")
    assert (late["amount"], late["slices"][0]["from"]) == ("0.079", "11"), "priced at September's counter"
    kinds = [(one["kind"], one["cycle"]) for one in tollgate.json("records", "busy")]
    assert kinds == [("USAGE", "2026-09"), ("USAGE", "2026-10"), ("CYCLE_CLOSE", "2026-09"), ("USAGE", "2026-10")]
    assert "verified" in tollgate.ok("verify")
