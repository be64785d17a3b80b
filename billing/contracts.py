"""Which contract holds for a customer at an event time, and which price book it is about (contract, section 4).

Contracts published alone (topic pricing.contracts) win over those inside price books. Of several
of one customer the one with the largest `effective_from` at or before the event time holds.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from billing.price_books.model import Contract


class Agreement(NamedTuple):
    """A contract that holds, and what names its prices in records' price versions and caches."""

    contract: Contract
    key: str


@dataclass(slots=True)
class PublishedContracts:
    """The accepted contracts of pricing.contracts. None replaces another."""

    by_customer: dict[str, list[Agreement]] = field(default_factory=dict)

    def add(self, contract: Contract, offset: int) -> list[str]:
        """Accept a contract read at an offset, or return why it is refused, changing nothing.

        One that was accepted before, with the same content, is accepted again without effect.
        """
        known = self.by_customer.setdefault(contract.customer_id, [])
        for one, _ in known:
            if one.effective_from_ms == contract.effective_from_ms:
                same = one == contract
                return [] if same else ["a contract of this customer from this time on was accepted with other content"]
        known.append(Agreement(contract, f"contract#{offset}"))
        known.sort(key=lambda agreement: agreement.contract.effective_from_ms or 0, reverse=True)
        return []

    def at(self, customer_id: str, event_time_ms: int) -> Agreement | None:
        """Return the contract of a customer that holds at an event time, or None."""
        known = self.by_customer.get(customer_id)
        if known is None:
            return None
        for agreement in known:
            if (agreement.contract.effective_from_ms or 0) <= event_time_ms:
                return agreement
        return None
