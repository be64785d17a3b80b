"""Two snapshots of a CRM -> the subscription events between them."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

from billing.instants import parse_instant
from tollgate.local.errors import EXIT_UNUSABLE, StackError

REQUIRED = ("customer_id", "subscription_id", "plan")
OPTIONAL = ("quantity", "discount_percent", "discount_amount", "effective_time", "version")
_REMEDY = f"a snapshot has the columns {', '.join(REQUIRED)}, and may have {', '.join(OPTIONAL)}"


class Subscription(NamedTuple):
    """A row: one subscription as a snapshot shows it. `version` is the customer's last, 0 where it is not told."""

    customer_id: str
    subscription_id: str
    plan: str
    quantity: int = 1
    discount_percent: str = ""
    discount_amount: str = ""
    effective_time_ms: int = 0
    version: int = 0

    @property
    def key(self) -> tuple[str, str]:
        """Whose subscription it is, and which."""
        return self.customer_id, self.subscription_id

    @property
    def terms(self) -> tuple[object, ...]:
        """What an UPDATE would state."""
        return self.plan, self.quantity, self.discount_percent, self.discount_amount


Snapshot = Mapping[tuple[str, str], Subscription]


def read_snapshot(name: str, lines: Iterable[str]) -> Snapshot:
    """Read a CSV file with a header; raises StackError naming the first line that is wrong."""
    rows = csv.DictReader(lines)
    missing = [column for column in REQUIRED if column not in (rows.fieldnames or ())]
    if missing:
        raise StackError(f"{name} has no column {missing[0]}", _REMEDY, EXIT_UNUSABLE)
    found: dict[tuple[str, str], Subscription] = {}
    for row in rows:
        try:
            one = _subscription(row)
            if one.key in found:
                raise ValueError(f"subscription {one.subscription_id} of {one.customer_id} stands there twice")
        except ValueError as error:
            raise StackError(f"{name}, line {rows.line_num}: {error}", _REMEDY, EXIT_UNUSABLE) from error
        found[one.key] = one
    return found


def _subscription(row: Mapping[str, str | None]) -> Subscription:
    values = {name: (row.get(name) or "").strip() for name in (*REQUIRED, *OPTIONAL)}
    empty = [name for name in REQUIRED if not values[name]]
    if empty:
        raise ValueError(f"{empty[0]} is empty")
    quantity = int(values["quantity"] or 1)
    if quantity < 1:
        raise ValueError(f"quantity is {quantity}: leave the row out of the new snapshot to cancel")
    at = values["effective_time"]
    return Subscription(
        values["customer_id"],
        values["subscription_id"],
        values["plan"],
        quantity,
        values["discount_percent"],
        values["discount_amount"],
        parse_instant(at) if at else 0,
        int(values["version"] or 0),
    )


def events_between(old: Snapshot, new: Snapshot, at_ms: int, versions: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    """Yield the events that lead from one snapshot to the next, in protobuf JSON, versions rising per customer.

    `at_ms` is when the new snapshot was taken: what names no effective time counts from then on.
    `versions` are the customers' last versions so far; a customer that is not in it begins at 1.
    """
    last = dict(versions)
    for one in sorted(_changes(old, new, at_ms), key=lambda change: (change["customer_id"], _order(change))):
        customer = one["customer_id"]
        last[customer] = last.get(customer, 0) + 1
        one["version"] = last[customer]
        yield {"event_id": f"crm-{last[customer]}-{_digest(one)}", **one}


def _changes(old: Snapshot, new: Snapshot, at_ms: int) -> Iterator[dict[str, Any]]:
    for key, before in old.items():
        if key not in new:
            yield _event("CANCEL", before._replace(effective_time_ms=0), at_ms)
    for key, now in new.items():
        if key not in old:
            yield _event("START", now, at_ms)
        elif old[key].terms != now.terms:
            yield _event("UPDATE", now, at_ms)


def _event(kind: str, row: Subscription, at_ms: int) -> dict[str, Any]:
    event: dict[str, Any] = {
        "customer_id": row.customer_id,
        "subscription_id": row.subscription_id,
        "type": kind,
        "effective_time_ms": row.effective_time_ms or at_ms,
        "created_time_ms": at_ms,
    }
    if kind != "CANCEL":
        event |= {"plan": row.plan, "quantity": row.quantity, "discounts": list(_discounts(row))}
    return event


def _discounts(row: Subscription) -> Iterator[dict[str, str]]:
    if row.discount_percent:
        yield {"id": "crm-percent", "percent": row.discount_percent}
    if row.discount_amount:
        yield {"id": "crm-amount", "amount": row.discount_amount}


def _order(change: Mapping[str, Any]) -> tuple[int, str, str]:
    return change["effective_time_ms"], change["type"], change["subscription_id"]


def _digest(event: Mapping[str, Any]) -> str:
    """The same change has the same id: to send the events a second time is harmless."""
    return blake2b(repr(sorted(event.items())).encode(), digest_size=6).hexdigest()


def last_versions(old: Snapshot, new: Snapshot) -> dict[str, int]:
    """Return the customers' last versions as the old snapshot tells them; raises StackError where it does not."""
    versions: dict[str, int] = {}
    for one in old.values():
        versions[one.customer_id] = max(versions.get(one.customer_id, 0), one.version)
    changed = {
        key[0] for key in {*old, *new} if old.get(key) is None or key not in new or old[key].terms != new[key].terms
    }
    unknown = sorted(customer for customer in changed if versions.get(customer) == 0)
    if unknown:
        cause = f"the old snapshot does not say the last version of {unknown[0]}"
        raise StackError(cause, "add --after-log, or a column `version` to it", EXIT_UNUSABLE)
    return versions
