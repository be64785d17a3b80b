"""What is shown of surge: from pricing.surge, as state of the balances job, and as fields in Redis."""

import json

from billing.surge.shown import Interval, ShownSurge, SurgePlace
from wire.v1 import pricing_pb2, state_pb2

FORMAT = 1

READABLE = (FORMAT,)
LONGEST_MS = 86_400_000
"""What is shown goes after a day at the latest, where nothing says how far the detector has come."""


class UnknownShownSurgeFormatError(Exception):
    """A savepoint holds shown surge that this release cannot read."""


def place_of(rate: pricing_pb2.SurgeRate) -> SurgePlace:
    """Return what a rate holds for."""
    return SurgePlace(rate.price_book.id, rate.meter, rate.dimension_value)


def interval_of(rate: pricing_pb2.SurgeRate) -> Interval:
    """Return the interval that a rate decides."""
    return Interval(rate.interval_from_ms, rate.interval_to_ms, rate.factor, rate.level)


def place_name(place: SurgePlace) -> str:
    """Return a place as text: ids have no slash, and the value comes last."""
    return "/".join(place)


def place_named(name: str) -> SurgePlace:
    """Return the place of `place_name`."""
    return SurgePlace(*name.split("/", 2))


def encode_shown(shown: ShownSurge) -> bytes:
    """Return the bytes of what is shown as state."""
    message = state_pb2.ShownSurgeState(format=FORMAT, surge_id=shown.surge_id, version=shown.version)
    for interval, into in ((shown.now, message.now), (shown.next, message.next)):
        into.from_ms, into.to_ms, into.factor, into.level = interval
    return message.SerializeToString()


def decode_shown(data: bytes) -> ShownSurge:
    """Return what is shown. Raises UnknownShownSurgeFormatError for a format of a later release."""
    message = state_pb2.ShownSurgeState.FromString(data)
    if message.format != FORMAT:
        raise UnknownShownSurgeFormatError(f"format {message.format} of shown surge; this release reads {FORMAT}")
    now, then = (Interval(one.from_ms, one.to_ms, one.factor, one.level) for one in (message.now, message.next))
    return ShownSurge(message.surge_id, message.version, now, then)


def fields_of(place: SurgePlace, shown: ShownSurge) -> dict[str, str]:
    """Return the fields of the hash in Redis."""
    now, then = shown.now, shown.next
    return {
        "book": place.price_book,
        "version": str(shown.version),
        "rule": shown.surge_id,
        "meter": place.meter,
        "value": place.value,
        "factor": now.factor,
        "level": str(now.level),
        "from_ms": str(now.from_ms),
        "to_ms": str(now.to_ms),
        "next_factor": then.factor,
        "next_level": str(then.level),
        "next_from_ms": str(then.from_ms),
        "next_to_ms": str(then.to_ms),
    }


def surge_update(place: SurgePlace, shown: ShownSurge, watermark_ms: int) -> str:
    """Return an update as the script of `sinks.redis_surge` takes it; it expires with the newest interval.

    How long that is is reckoned from the detector's clock, which need not be this machine's.
    """
    left_ms = shown.next.to_ms - watermark_ms
    fields = [text for pair in fields_of(place, shown).items() for text in pair]
    return json.dumps({"from_ms": shown.next.from_ms, "left_ms": min(left_ms, LONGEST_MS), "fields": fields})
