"""`verify` of subscriptions on topics in memory: what is right passes, and every tampering is found and named."""

from typing import Any

import pytest

from flink_jobs.topics import ALERTS, CHARGES, DEAD_LETTERS
from tests.unit.tollgate.subscriptions_in_memory import Subscriptions, decided
from tollgate.commands.verify import describe_subscriptions
from wire.v1 import billing_pb2

START = {"event": "e1", "type": "START", "version": "1", "plan": "basic", "at": "2026-11-01T00:00:00Z"}
UPDATE = {"event": "e2", "type": "UPDATE", "version": "2", "plan": "premium", "at": "2026-11-10T00:00:00Z"}
CANCEL = {"event": "e3", "type": "CANCEL", "version": "3", "at": "2026-11-20T00:00:00Z"}
WRONG = {**CANCEL, "event": "e4", "version": "3", "subscription": "nothing"}
LONELY = {**CANCEL, "customer": "adam", "version": "2"}
END = {"at": "2026-12-01T00:00:00Z"}


def lived() -> Subscriptions:
    """Return topics with every kind of outcome: e3 was held before e2 came, adam waits for his START."""
    return decided(START, CANCEL, START, UPDATE, WRONG, LONELY, END)


def test_what_the_job_wrote_passes_and_every_event_is_accounted_for() -> None:
    report = lived().verify_subscriptions()
    assert report.differences == []
    assert (report.events, report.charged, report.duplicates, report.dead_lettered, report.held) == (6, 3, 1, 1, 1)
    assert (report.heartbeats, report.charges, report.customers, report.alerts, report.alerts_due) == (1, 4, 2, 1, 0)
    assert report.dead_letters_by_reason == {"VERSION_CONFLICT": 1}


ALTERED: dict[str, Any] = {
    "price": "11", "plan": "gold", "valid_from_ms": 1, "valid_to_ms": 1, "supersedes": "x", "currency": "EUR",
    "interval": "year", "quantity": 2, "version": 2, "terms_event_id": "e9", "clock_ms": 9, "replay": True,
    "contract_discount": "5", "subscription_id": "s9", "event_id": "e9", "charge_id": "other",
}  # fmt: skip


@pytest.mark.parametrize("name", ALTERED)
def test_an_altered_field_of_a_charge_is_named(name: str) -> None:
    found = lived().tamper(CHARGES, 0, lambda one: setattr(one, name, ALTERED[name]))
    assert f"subscription.events 0/0: charge differs: {name} is {ALTERED[name]}" in found.differences()


def test_a_missing_charge_is_named() -> None:
    found = lived()
    del found.topics[CHARGES][0]
    text = found.differences()
    assert "subscription.events 0/0: charge missing: zoe #1 s1 basic 10" in text
    assert "zoe has number 2, not 1" in text


def test_a_charge_that_stands_there_twice_is_named() -> None:
    found = lived()
    found.topics[CHARGES].append(found.topics[CHARGES][0]._replace(offset=9))
    text = found.differences()
    assert "stands there twice" in text
    assert "charge committed that should not exist: zoe #1" in text


def test_a_charge_of_no_event_and_one_of_an_event_that_waits_are_named() -> None:
    nowhere = lived().tamper(CHARGES, 3, lambda one: setattr(one.source, "offset", 99))
    assert "subscription.events 0/99: charge committed, and no event led to it" in nowhere.differences()
    waits = lived().tamper(CHARGES, 3, lambda one: setattr(one.source, "offset", 5))
    assert "subscription.events 0/5: charge committed, and its event is still held" in waits.differences()


def test_a_missing_letter_and_an_altered_one_are_named() -> None:
    missing = lived()
    del missing.topics[DEAD_LETTERS][0]
    assert "subscription.events 0/4: dead letter missing: VERSION_CONFLICT" in missing.differences()
    altered = lived().tamper(DEAD_LETTERS, 0, lambda one: setattr(one, "raw", b"x"))
    assert "subscription.events 0/4: dead letter differs: raw is" in altered.differences()


def test_the_header_of_a_replayed_charge_is_checked() -> None:
    found = decided({**START, "replay": "true"})
    assert found.verify_subscriptions().passed
    found.topics[CHARGES][0] = found.topics[CHARGES][0]._replace(headers=())
    assert "the header `replay` and the field do not agree" in found.differences()


def test_another_key_is_named() -> None:
    found = lived()
    found.topics[CHARGES][0] = found.topics[CHARGES][0]._replace(key=b"adam")
    assert "the key b'adam' is not the customer zoe" in found.differences()


def test_an_alert_without_a_gap_is_named_and_one_that_is_due_is_counted() -> None:
    stray = lived().tamper(ALERTS, 0, lambda one: setattr(one, "alert_id", "other"))
    assert "alert other of adam: no version was overdue" in stray.differences()
    missing = lived()
    missing.topics[ALERTS].clear()
    report = missing.verify_subscriptions()
    assert (report.passed, report.alerts_due) == (True, 1), "a timer may be waiting for another partition"


def test_an_alert_that_an_event_must_have_found_is_missed() -> None:
    found = decided(LONELY, END, {**LONELY, "event": "e9", "version": "3"})
    assert found.verify_subscriptions().passed
    found.topics[ALERTS].clear()
    assert "alert missing: adam: version 1 has not come" in found.differences()


def test_what_the_job_has_not_reported_may_be_there_or_not_and_is_right_where_it_is() -> None:
    found = lived()
    found.committed[0] = 3
    report = found.verify_subscriptions()
    assert (report.differences, report.unsettled, report.customers_unsettled) == ([], 4, 2)
    assert "the invariants of 2 subscribers are checked once they are" in " ".join(describe_subscriptions(report))
    del found.topics[CHARGES][1:]
    found.topics[DEAD_LETTERS].clear()
    found.topics[ALERTS].clear()
    assert found.verify_subscriptions().differences == []
    wrong = lived()
    wrong.committed[0] = 3
    assert "price is 1" in wrong.tamper(CHARGES, 2, lambda one: setattr(one, "price", "1")).differences()


def test_a_customer_who_is_settled_is_checked_while_others_are_not() -> None:
    other = {**START, "customer": "bob", "partition": 1}
    found = decided(START, UPDATE, other, partitions=2)
    found.committed[1] = 0
    report = found.verify_subscriptions()
    assert (report.differences, report.customers_unsettled) == ([], 1)


def test_charges_whose_invariants_are_broken_fail_though_the_core_would_write_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A bug of the core would be in both; the invariants know nothing of it."""
    monkeypatch.setattr("billing.subscriptions.timeline._endings", lambda *_: [])
    assert "hold at one time" in decided(START, UPDATE).differences()


def test_a_customer_in_another_partition_than_its_own_is_judged_by_the_log_alone() -> None:
    found = decided({**START, "partition": 1}, {**UPDATE, "partition": 0}, partitions=2)
    assert found.verify_subscriptions().passed
    (letter,) = found.job.letters
    assert letter.reason == billing_pb2.DeadLetter.WRONG_PARTITION


def test_a_verification_in_words() -> None:
    assert describe_subscriptions(lived().verify_subscriptions()) == [
        "subscription events 6 = charged 3 + duplicates 1 + dead-lettered 1 + held 1",
        "2 subscribers, 4 charges: one valid at a time, of the newest version",
        "dead letters of subscriptions: VERSION_CONFLICT 1",
    ]
    assert describe_subscriptions(decided().verify_subscriptions()) == []
