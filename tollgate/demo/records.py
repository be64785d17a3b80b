"""What billing.records say as they are written, before they are committed: sums that a replay does not change."""

from decimal import Decimal
from heapq import nlargest

from tollgate.demo.figures import Tier
from wire.v1 import billing_pb2

_USAGE = billing_pb2.BillingRecord.Kind.USAGE
_PROMOTION = billing_pb2.Adjustment.Kind.PROMOTION


class RecordBook:
    """Who owes most, which tiers and promotions customers have come to, and how far the input has been rated."""

    def __init__(self) -> None:
        self.rated_through: dict[int, int] = {}
        self._totals: dict[str, Decimal] = {}
        self._tiers: dict[tuple[str, str], set[str]] = {}
        self._begins: dict[tuple[str, str], int] = {}
        self._promotions: dict[str, set[str]] = {}

    def add(self, record: billing_pb2.BillingRecord) -> None:
        """Take one record in."""
        source = record.source
        self.rated_through[source.partition] = max(self.rated_through.get(source.partition, -1), source.offset)
        if record.kind != _USAGE:
            return
        customer = record.customer_id
        self._totals[customer] = Decimal(record.cycle_total)
        for one in record.slices:
            tier = record.meter, one.unit_price
            self._tiers.setdefault(tier, set()).add(customer)
            self._begins[tier] = min(self._begins.get(tier, first_unit(one)), first_unit(one))
        for adjustment in record.adjustments:
            if adjustment.kind == _PROMOTION:
                self._promotions.setdefault(adjustment.id, set()).add(customer)

    def customers(self) -> list[str]:
        """Return every customer with a record."""
        return list(self._totals)

    def largest(self, count: int) -> list[str]:
        """Return the customers that owe most, the largest first."""
        return nlargest(count, self.customers(), key=self._totals.__getitem__)

    def tiers(self) -> list[Tier]:
        """Return the tiers beyond the first of every meter, in the order of their units."""
        found = []
        for meter in sorted({meter for meter, _ in self._tiers}):
            prices = sorted((begin, price) for (name, price), begin in self._begins.items() if name == meter)
            found += [Tier(meter, price, len(self._tiers[meter, price])) for _, price in prices[1:]]
        return found

    def promotions(self) -> dict[str, int]:
        """Return how many customers each promotion has done something for."""
        return {name: len(customers) for name, customers in sorted(self._promotions.items())}


def first_unit(one: billing_pb2.TierSlice) -> int:
    """Return the number of a slice's first unit; the field's name is a word of Python's."""
    number: int = getattr(one, "from")
    return number
