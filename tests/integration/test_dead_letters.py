"""Bad input through the running job: one dead letter each, the right reason, nothing else lost, no restart."""

import base64

import pytest

from tests.integration.conftest import Tollgate, usage
from tollgate.jobs import live_job
from wire.usage import decode_usage
from wire.v1 import pricing_pb2, usage_pb2

DAY_MS = 86_400_000
GARBAGE = base64.b64encode(b"\xff\xff not a message").decode()


def said(event_id: str, at_ms: int, **measure: object) -> dict[str, dict[str, object]]:
    """Return an event of dora with another measure than a quantity."""
    fields = {**usage("dora", event_id, 1, at_ms)["usage"], **measure}
    del fields["quantity"]
    return {"usage": fields}


@pytest.mark.row(12, 13)
def test_every_reason_is_told_with_position_and_bytes(tollgate: Tollgate, now_ms: int) -> None:
    good = usage("dora", "d1", 5, now_ms)
    lines = {
        "MALFORMED": {"raw_base64": GARBAGE, "key": "dora"},
        "INVALID_FIELD": usage("dora", "d2", 0, now_ms),
        "FUTURE_EVENT_TIME": usage("dora", "d3", 1, now_ms + 3_600_000),
        "TOO_OLD": usage("dora", "d4", 1, now_ms - 60 * DAY_MS),
        "CONFLICTING_DUPLICATE": usage("dora", "d1", 6, now_ms),
        "UNKNOWN_METER": usage("dora", "d5", 1, now_ms, meter="sms.outbund"),
        "WRONG_MEASURE": said("d6", now_ms, session={"session_id": "s", "phase": "START"}),
        "RETRACTION_UNKNOWN_EVENT": said("d7", now_ms - DAY_MS, retraction={"event_id": "d0"}),
        "WRONG_PARTITION": usage("dora", "d8", 1, now_ms),
    }
    misplaced = lines.pop("WRONG_PARTITION")
    tollgate.produce([good, good, *lines.values()])
    tollgate.ok("wait")
    _send_elsewhere(tollgate, misplaced)
    tollgate.ok("wait")

    found = [one for one in tollgate.json("deadletters", "list") if one["key"] == base64.b64encode(b"dora").decode()]
    assert [one["reason"] for one in found if one["reason"] != "WRONG_PARTITION"] == list(lines)
    assert sum(one["reason"] == "WRONG_PARTITION" for one in found) == 1
    assert all(one["source"]["topic"] == "usage.events" and one["detail"] for one in found)
    assert found[0]["raw"] == GARBAGE
    offsets = [int(one["source"]["offset"]) for one in found if one["reason"] != "WRONG_PARTITION"]
    assert offsets == list(range(offsets[0], offsets[0] + len(lines))), "in the order they were sent"
    assert [one["quantity"] for one in tollgate.json("records", "dora")] == ["5"], "nothing else was billed"
    job = live_job(tollgate.context, "usage-rating")
    assert job is not None
    assert tollgate.context.stack.rest.restarts(job.id) == 0
    assert "verified" in tollgate.ok("verify")


def _send_elsewhere(tollgate: Tollgate, line: dict[str, dict[str, object]]) -> None:
    """Write an event into a partition that Kafka's partitioner would not choose."""
    from google.protobuf.json_format import ParseDict

    value = ParseDict(line["usage"], usage_pb2.UsageEvent()).SerializeToString()
    context = tollgate.context
    other = (context.log.partition_of("usage.events", "dora") + 1) % 4
    with context.log.producer() as producer:
        producer.send("usage.events", key=b"dora", value=value, partition=other)


def test_a_bad_price_book_is_refused_with_all_its_errors(tollgate: Tollgate, tmp_path: object) -> None:
    from pathlib import Path

    bad = Path(str(tmp_path)) / "bad.yaml"
    bad.write_text("price_book: demo\nversion: 2\neffective_from: soon\ncurrency: XXX\nmeters: {a: {unit: u}}\n")
    before = tollgate.json("prices", "show")
    done = tollgate.run("prices", "publish", str(bad))
    assert done.returncode == 1
    for line in ("bad.yaml:3: effective_from", "bad.yaml:4: currency", "bad.yaml:5: meters.a: price is missing"):
        assert line in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert tollgate.json("prices", "show") == before


@pytest.mark.row(14)
def test_a_bad_price_book_on_the_topic_is_dead_lettered_and_the_last_good_one_stays(
    tollgate: Tollgate, now_ms: int
) -> None:
    book = pricing_pb2.PriceBook(price_book="bench", version=2, effective_from="2020-01-01T00:00:00Z", currency="EUR")
    context = tollgate.context
    (end,) = context.log.ends("pricing.books", committed=True).values()
    with context.log.producer() as producer:
        producer.send("pricing.books", key=b"bench@2", value=book.SerializeToString())
        producer.send("pricing.books", key=b"noise", value=b"\xff\xff")
    tollgate.ok("wait")
    refused = [one for one in tollgate.json("deadletters", "list") if one["reason"] == "INVALID_PRICE_BOOK"]
    assert len(refused) == 2, "once each, although every subtask reads every book"
    details = " ".join(one["detail"] for one in refused)
    assert "meters" in details
    assert "the bytes are no tollgate.v1.PriceBook" in details
    tollgate.produce([usage("erin", "e1", 40, now_ms)])
    tollgate.ok("wait")
    (record,) = tollgate.json("records", "erin")
    assert record["price_book"] == {"id": "bench", "version": 1}
    assert (record["amount"], record["books_offset"]) == ("0.158", str(end + 2))


@pytest.mark.row(12)
def test_every_truncation_of_a_message_is_judged_as_the_python_parser_judges_it(
    tollgate: Tollgate, now_ms: int
) -> None:
    event = usage_pb2.UsageEvent(
        event_id="tr1", customer_id="trudy", meter="mms.outbound", quantity=300, event_time_ms=now_ms,
        dimensions={"region": "eu", "carrier": "x"}, source="gateway-7",
    )  # fmt: skip
    whole = event.SerializeToString()
    cut = [whole[:length] for length in range(len(whole))]
    tollgate.produce([{"raw_base64": base64.b64encode(value).decode(), "key": "trudy"} for value in cut])
    tollgate.ok("wait")
    letters = [one for one in tollgate.json("deadletters", "list") if base64.b64decode(one["key"]) == b"trudy"]
    unreadable = [base64.b64encode(value).decode() for value in cut if decode_usage(value) is None]
    assert [one["raw"] for one in letters if one["reason"] == "MALFORMED"] == unreadable
    assert len(unreadable) > len(cut) // 2
    assert "verified" in tollgate.ok("verify"), "the JVM's clocks agree with the Python parser's"


@pytest.mark.row(12)
def test_the_largest_records_are_dead_lettered_whole(tollgate: Tollgate, now_ms: int) -> None:
    id_of_a_megabyte = "x" * 900_000
    huge = usage("hugo", "h1", 1, now_ms, customer_id=id_of_a_megabyte)
    noise = bytes(range(256)) * 7000  # 1.8 MB
    tollgate.produce(
        [
            huge,
            {"raw_base64": base64.b64encode(noise).decode(), "key": "hugo"},
            usage("hugo", "h2", 1, now_ms, meter="\U0001f4a9" * 400_000),
            usage("hugo", "h3", 1, now_ms),
        ]
    )
    tollgate.ok("wait")
    found = {one["reason"]: one for one in tollgate.json("deadletters", "list") if len(one["raw"]) > 1_000_000}
    assert set(found) == {"INVALID_FIELD", "MALFORMED", "UNKNOWN_METER"}
    assert base64.b64decode(found["MALFORMED"]["raw"]) == noise
    assert len(found["INVALID_FIELD"]["key"]) > 1_000_000
    assert [one["event_id"] for one in tollgate.json("records", "hugo")] == ["h3"]
    assert "verified" in tollgate.ok("verify")
