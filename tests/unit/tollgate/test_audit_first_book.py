"""`verify` of what happened before the first price book was published."""

from tests import engine
from tests.oracle.example import Log, book
from tests.unit.tollgate.books_in_memory import rated
from wire.frames import pack_incoming
from wire.records import ReadSoFar

DEFAULT_SKEW_MS = 600_000
SENT, HALF_AN_HOUR_LATER = "2026-11-10T12:00:00Z", "2026-11-10T12:30:00Z"


def rated_before_and_after_the_first_book(log: Log, plain: dict[str, object], before: int = 1) -> engine.Engine:
    """What the job makes of the first events without a book, and of the others with it; the framer knows no skew."""
    job = engine.Engine(engine.PriceCatalog([engine.parse(plain)]))
    framed, _ = engine.framed_partition(0, log.partitions[0], DEFAULT_SKEW_MS)
    for one, known in ((framed[:before], engine.PriceCatalog()), (framed[before:], job.catalog)):
        read = ReadSoFar(len(known.series))
        job._take(job.rater.rate(pack_incoming(iter(one)), known, read))
    return job


def two_events() -> Log:
    log = Log()
    log.use(1, at=HALF_AN_HOUR_LATER, stamped=SENT)
    log.use(1, at=HALF_AN_HOUR_LATER)
    return log


def test_events_before_the_first_book_are_verified_as_they_were_decided() -> None:
    log = two_events()
    job = rated_before_and_after_the_first_book(log, book())
    report = rated(log, job=job).verify()
    assert report.differences == []
    assert (report.dead_letters_by_reason, report.rated) == ({"FUTURE_EVENT_TIME": 1}, 1)


def test_the_skew_of_the_first_book_does_not_move_the_clocks_of_what_was_before_it() -> None:
    log, plain = two_events(), book(max_future_skew="1h")
    job = rated_before_and_after_the_first_book(log, plain)
    assert rated(log, plain, job).verify().differences == []


def test_heartbeats_before_the_first_output_are_not_judged_by_a_book_that_came_later() -> None:
    log, plain = Log(), book(max_future_skew="1s")
    log.heartbeat(HALF_AN_HOUR_LATER, stamped="2026-11-10T12:25:00Z")
    log.use(1, at=SENT)
    log.use(1, at=HALF_AN_HOUR_LATER)
    job = rated_before_and_after_the_first_book(log, plain, before=2)
    assert rated(log, plain, job).verify().differences == []
