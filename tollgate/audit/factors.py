"""The surge factors that events were charged: those that were published, or none where an event did not wait."""

from collections.abc import Collection, Iterable, Mapping

from billing.catalog import PriceCatalog
from billing.events import UsageEvent
from billing.surge.applied import UNKNOWN
from billing.surge.view import UNDECIDED, SurgeView
from billing.tariffs import Reduction
from tollgate.audit.ledger import Position
from wire.surge import take_rate
from wire.v1 import pricing_pb2


class PublishedFactors:
    """Looks factors up as the job does. Where no detector has said anything yet, nothing waits and the factor is 1.

    `unknown` are the events whose records say `surge_unknown`; `reached` is the last event of each
    customer that has an output.
    """

    def __init__(
        self,
        published: Iterable[pricing_pb2.SurgeRate],
        unknown: Collection[Position],
        reached: Mapping[str, Position],
    ) -> None:
        self._view, self._unknown, self._reached = SurgeView(), unknown, reached
        # Writers are several: the topic has the rates of an advance together, and advances in any order.
        for one in sorted(published, key=lambda rate: rate.interval_from_ms):
            take_rate(one.SerializeToString(), self._view.rates)

    def of(self, event: UsageEvent, position: Position, prices: PriceCatalog) -> Reduction | None:
        """Return what `step` takes, None for factor 1, or UNDECIDED where the event waits for it.

        An event whose factor is not decided waits, unless it or a later one of its customer has an
        output: then it was charged, which was right only if its record says `surge_unknown`.
        """
        if position in self._unknown:
            return UNKNOWN if self._view.charged_by(event, prices) is not None else None
        if not self._view.rates.watermark_ms:
            return None
        factor = self._view.of(event, prices)
        if factor is UNDECIDED and self._reached.get(event.customer_id, (position[0], -1)) >= position:
            return UNKNOWN
        return factor
