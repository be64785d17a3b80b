"""Tells the framer what it needs of the accepted price books that are published while the job runs."""

from collections.abc import Iterator

from pyflink.datastream.functions import FlatMapFunction, RuntimeContext

from udfs.broadcast_prices import RatingStart
from udfs.loading import load_all
from udfs.price_feed import PriceFeed, Published
from wire.v1 import state_pb2


class AcceptedTerms(FlatMapFunction):
    """Packed records of pricing.books in; out, after each of them, `FramerTerms`.

    The framer runs on the JVM and cannot tell an accepted book from a refused one: the core does it here.
    """

    def __init__(self, start: RatingStart) -> None:
        self._start = start

    def open(self, runtime_context: RuntimeContext) -> None:  # noqa: ARG002 - Flink's signature
        """Take in what was published when the job was submitted."""
        load_all()
        self._feed = PriceFeed(self._start.default_price_book, self._start.read, self._start.published)

    def flat_map(self, value: bytes) -> Iterator[bytes]:
        """Judge one record of the topic."""
        self._feed.add(Published.unpack(value))
        terms = state_pb2.FramerTerms(
            max_future_skew_ms=self._feed.max_future_skew_ms, surge_meters=self._feed.surge_meters
        )
        yield terms.SerializeToString()
