"""The contract's example book, and builders of logs that name only what matters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ruamel.yaml import YAML

from .log import LogRecord, usage_event_class

# Section 4 of the contract, less surge and plans, which the oracle does not read, and with
# two more meters: `calls` is voice without sessions, `data` has a price that does not end.
STANDARD = """
price_book: standard
version: 2
effective_from: 2026-11-01T00:00:00Z
currency: USD
cycle: {period: month, timezone: UTC}
allowed_lateness: 3h
late_policy: correct
dedup_horizon: 35d
max_future_skew: 10m
meters:
  sms.outbound:
    unit: message
    price:
      model: graduated
      tiers:
        - {up_to: 1000, unit_price: "0.0079"}
        - {up_to: 100000, unit_price: "0.0070", flat_fee: "1.00"}
        - {unit_price: "0.0055"}
  mms.outbound: {unit: message, price: {model: per_unit, unit_price: "0.0220"}}
  video:
    unit: minute
    price: {model: volume, tiers: [{up_to: 10000, unit_price: "0.0040"}, {unit_price: "0.0030"}]}
  api.calls: {unit: call, price: {model: package, size: 1000, price: "0.40"}}
  voice:
    unit: second
    session: {minimum: 60, increment: 60, idle_timeout: 4h}
    price: {model: per_unit, unit_price: "0.0140", per: 60}
  calls: {unit: second, price: {model: per_unit, unit_price: "0.0140", per: 60}}
  data: {unit: byte, price: {model: per_unit, unit_price: "1", per: 3}}
promotions:
  - {id: welcome, kind: free_units, meters: [sms.outbound], units: 100}
  - {id: night, kind: percent_off, percent: "30", meters: [voice, calls],
     daily: {from: "22:00", to: "06:00"}}
  - {id: nov, kind: percent_off, percent: "10", meters: ["*"],
     from: 2026-11-20T00:00:00Z, to: 2026-11-30T00:00:00Z}
  - {id: burst, kind: burst, meters: [api.calls], window: 10m, at_least: 5000, percent: "15",
     lasts: 30m}
contracts:
  - {customer_id: acme, discount_percent: "5",
     prices: {mms.outbound: {model: per_unit, unit_price: "0.0200"}}}
"""

MID_MONTH = "2026-11-10T12:00:00Z"  # no promotion but `welcome`
_LATEST = "2027-12-31T00:00:00Z"  # a Kafka timestamp that makes no event a future one


def book(**changes: Any) -> dict[str, Any]:
    """Return the example book with some of its top-level fields replaced."""
    loaded: dict[str, Any] = YAML(typ="base").load(STANDARD)
    return loaded | changes


def ms(text: str) -> int:
    """Return the epoch milliseconds of a timestamp with an offset."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


class Log:
    """A log under construction; offsets are given in the order of the calls."""

    def __init__(self, partitions: int = 1) -> None:
        self.partitions: Mapping[int, list[LogRecord]] = defaultdict(list)
        for partition in range(partitions):
            self.partitions[partition]  # a silent partition is one, too

    def raw(self, value: bytes, key: bytes | None, partition: int, stamped: str) -> None:
        """Append any bytes; `stamped` is the Kafka record's timestamp."""
        log = self.partitions[partition]
        log.append(LogRecord(offset=len(log), timestamp_ms=ms(stamped), key=key, value=value))

    def use(  # noqa: PLR0913 - a builder
        self,
        quantity: int,
        meter: str = "mms.outbound",
        *,
        at: str | int = MID_MONTH,
        partition: int = 0,
        stamped: str = _LATEST,
        key: bytes | None = b"(customer)",
        **fields: Any,
    ) -> None:
        """Append a usage event, of customer `zoe` unless another is named."""
        offset = len(self.partitions[partition])
        fields = {"customer_id": "zoe", "event_id": f"e{offset}"} | fields
        if not {"session", "retraction"} & fields.keys():
            fields["quantity"] = quantity
        event_time_ms = ms(at) if isinstance(at, str) else at
        event = usage_event_class()(meter=meter, event_time_ms=event_time_ms, **fields)
        if key == b"(customer)":
            key = fields["customer_id"].encode()
        self.raw(event.SerializeToString(), key, partition, stamped)

    def phase(self, phase: str, at: str | int, *, session_id: str = "s", meter: str = "voice", **fields: Any) -> None:
        """Append a START, UPDATE or STOP; its event id is that phase in small letters unless another is named."""
        named = {"event_id": phase.lower()} | fields
        self.use(0, meter, at=at, session={"session_id": session_id, "phase": phase}, **named)

    def retract(self, target: str, *, at: str | int = MID_MONTH, **fields: Any) -> None:
        """Append a retraction of an event; its own id is `r` and the offset unless another is named."""
        offset = len(self.partitions[fields.get("partition", 0)])
        named = {"event_id": f"r{offset}", "meter": ""} | fields
        self.use(0, at=at, retraction={"event_id": target}, **named)

    def heartbeat(self, at: str | int, *, partition: int = 0, stamped: str = _LATEST) -> None:
        """Append a heartbeat, which has no ids and no key."""
        event_time_ms = ms(at) if isinstance(at, str) else at
        event = usage_event_class()(heartbeat={}, event_time_ms=event_time_ms)
        self.raw(event.SerializeToString(), None, partition, stamped)
