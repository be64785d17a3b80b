"""`verify` passes on what the job writes at any pace, also where STARTs wait for their factor in vain."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from billing.catalog import PriceCatalog
from flink_jobs.topics import SURGE
from tests import engine
from tests.oracle.example import Log, book
from tests.surge_engine import READ, Frame, SurgeJob
from tests.unit.tollgate.books_in_memory import MemoryLog, rated
from tests.unit.tollgate.test_audit_surge import EU, RULE, at
from tollgate.audit.recompute import moved_clock
from tollgate.kafka_log import LogRecord
from wire.frames import Tag
from wire.usage import decode_usage
from wire.v1 import billing_pb2

CASES = 500
SESSION = {"minimum": 60, "increment": 60, "idle_timeout": "60s"}
LEVELS = [{"at_least": "2", "factor": "1.5"}]


def prices() -> dict[str, object]:
    """Return a book by which sessions end within a minute, and STOPs wait no longer for their START."""
    plain = book(allowed_lateness="30s", surge=[RULE | {"meters": ["voice", "mms.outbound"], "levels": LEVELS}])
    plain["meters"]["voice"]["session"] = SESSION
    return plain


PLAIN = prices()
CATALOG = PriceCatalog([engine.parse(PLAIN)])


def calls(dice: Random) -> Log:
    """Return a log of few customers with many sessions, whose phases come in any order and are often missing."""
    log, second = Log(2), 0
    for number in range(dice.randrange(5, 25)):
        second += dice.choice((0, 1, 5, 20, 70))
        partition, when = dice.randrange(2), at(second - dice.choice((0, 0, 0, 5, 25)))
        to = {"customer_id": f"c{partition}{dice.randrange(2)}", "partition": partition, "event_id": f"e{number}"}
        kind = dice.choice(("START", "START", "UPDATE", "STOP", "use", "heartbeat", "again"))
        if kind == "use":
            log.use(1, dice.choice(("video", "mms.outbound")), at=when, dimensions=EU, **to)
        elif kind == "heartbeat":
            log.heartbeat(when, partition=partition)
        elif kind != "again":
            log.phase(kind, when, session_id=f"s{dice.randrange(3)}", dimensions=EU, **to)
        elif said := [one for one in log.partitions[partition] if one.key]:
            again = dice.choice(said)
            log.partitions[partition].append(replace(again, offset=len(log.partitions[partition])))
    return log


class Run:
    """The job over a log. Some wait in vain, now and then, and the decider may lag far behind."""

    def __init__(self, seed: int) -> None:
        self.dice = Random(seed)
        self.log, self.job = calls(self.dice), SurgeJob(CATALOG)
        self.hurry, self.lags = self.dice.choice((0, 0.05, 0.3)), self.dice.random() < 0.5

    def stream(self) -> Iterator[Frame | int]:
        """Yield frames of either partition in any order, and the watermarks between."""
        skew_ms, logs = CATALOG.max_future_skew_ms, self.log.partitions
        left = {number: engine.framed_partition(number, log, skew_ms)[0] for number, log in logs.items()}
        clocks = dict.fromkeys(left, 0)
        while some := [number for number, framed in left.items() if framed]:
            number, size = self.dice.choice(some), self.dice.randrange(1, 6)
            frame, left[number] = left[number][:size], left[number][size:]
            yield frame
            for delivery, value, _, _ in frame:
                clocks[number] = moved_clock(clocks[number], decode_usage(value), delivery.timestamp_ms, skew_ms)
            if min(clocks.values()):
                yield min(clocks.values())

    def move(self) -> None:
        """Take one thing off a channel, and perhaps give up waiting, or restore."""
        channels = self.job.open_channels
        if self.lags and "to_rating" in channels and self.dice.random() < 0.9:
            channels = ["to_rating"]
        self.job.move(self.dice.choice(channels))
        if self.dice.random() < self.hurry:
            self.give_up()
        if self.dice.random() < 0.05:
            self.job.restore()

    def give_up(self) -> None:
        self.job.give_up()
        self.job.patient = True

    def topics(self) -> MemoryLog:
        """Return the topics once all has been read, and patience with what still waits is over."""
        job = self.job
        for one in self.stream():
            job.send([one])
            while job.open_channels and self.dice.random() < 0.8:
                self.move()
        while job.open_channels:
            self.move()
        self.give_up()
        job.send([min(job.watermarks)])  # what has waited left timers behind it, which fire with a watermark
        return self.told(job.run())

    def told(self, job: SurgeJob) -> MemoryLog:
        written, told = engine.Engine(CATALOG), [one for some in job.told.values() for one in some]
        written.records = [billing_pb2.BillingRecord.FromString(value) for tag, value in told if tag is Tag.RECORD]
        written.letters = [billing_pb2.DeadLetter.FromString(value) for tag, value in told if tag is Tag.DEAD_LETTER]
        written.open = [billing_pb2.OpenSessions.FromString(value) for value in job.opened]
        found = rated(self.log, PLAIN, written)
        found.topics[SURGE] = [LogRecord(SURGE, 0, at, 0, b"", value) for at, value in enumerate(job.decided)]
        return found


def test_what_was_written_at_any_pace_is_right() -> None:
    assert READ.books_offset == 1, "the book"
    unknown = pending = 0
    for seed in range(CASES):
        report = Run(seed).topics().verify()
        assert report.differences == [], seed
        unknown, pending = unknown + report.surge_unknown, pending + report.pending
    assert min(unknown, pending) > CASES // 2
