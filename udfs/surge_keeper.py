"""Keeps what readers are shown of surge: rates and marks in, updates for Redis out.

Knows state as a `WholeStore` and nothing of Flink or Redis.
"""

from dataclasses import dataclass
from struct import Struct

from billing.surge.shown import show
from udfs.balance_keeper import Kept
from udfs.batched_state import WholeStore
from wire.surge_shown import (
    decode_shown,
    encode_shown,
    interval_of,
    place_name,
    place_named,
    place_of,
    surge_update,
)
from wire.v1 import pricing_pb2

_WATERMARK = b""
"""Stands where a place does; its entry is how far the detector has come."""

_TIME = Struct(">q")


@dataclass(frozen=True, slots=True)
class SurgeKeeper:
    """Hosts the fold, all of it under one key."""

    places: WholeStore

    def keep(self, message: bytes) -> Kept:
        """Take one message of pricing.surge in."""
        rate = pricing_pb2.SurgeRate.FromString(message)
        if not rate.dimension_value:
            self._advance(rate.watermark_ms)
            return Kept([], b"")
        place = place_of(rate)
        name = place_name(place)
        key, watermark_ms = name.encode(), self._watermark_ms()
        found = self.places.get_all([key]).get(key)
        before = None if found is None else decode_shown(found)
        shown = show(before, rate.surge_id, rate.price_book.version, interval_of(rate))
        if shown is None or shown == before or shown.next.to_ms <= watermark_ms:
            return Kept([], b"")
        self.places.put_all({key: encode_shown(shown)})
        return Kept([(name, surge_update(place, shown, watermark_ms))], b"")

    def everything(self) -> list[tuple[str, str]]:
        """Return an update of every place: what to write after Redis has lost its data."""
        watermark_ms = self._watermark_ms()
        kept = {key.decode(): decode_shown(data) for key, data in self.places.everything().items() if key != _WATERMARK}
        return [(name, surge_update(place_named(name), shown, watermark_ms)) for name, shown in sorted(kept.items())]

    def _watermark_ms(self) -> int:
        entry = self.places.get_all([_WATERMARK]).get(_WATERMARK)
        return 0 if entry is None else int(_TIME.unpack(entry)[0])

    def _advance(self, watermark_ms: int) -> None:
        """Note how far the detector has come, and forget what has passed: Redis does so by itself."""
        if watermark_ms <= self._watermark_ms():
            return
        changed: dict[bytes, bytes | None] = {_WATERMARK: _TIME.pack(watermark_ms)}
        for key, data in self.places.everything().items():
            if key != _WATERMARK and decode_shown(data).next.to_ms <= watermark_ms:
                changed[key] = None
        self.places.put_all(changed)
