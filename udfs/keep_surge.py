"""The surge operator of the balances job: what is shown of factors, in state and in Redis, all under one key."""

from collections.abc import Iterator
from typing import Any

from pyflink.common import Types
from pyflink.datastream.functions import RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from udfs.balance_keeper import Kept
from udfs.batched_state import FlinkStore
from udfs.keep_balances import KeepBalances
from udfs.surge_keeper import SurgeKeeper

_BYTES = Types.PICKLED_BYTE_ARRAY()

# Part of every savepoint: never rename it.
SHOWN_SURGE = MapStateDescriptor("shown-surge", _BYTES, _BYTES)

ONE_PLACE = "surge"


class KeepSurge(KeepBalances):
    """Keeps what is shown of surge as balances are kept: Redis may be away, and forgets nothing for good."""

    def bind(self, runtime_context: RuntimeContext) -> None:
        """Make the fold over this operator's state."""
        self._places = SurgeKeeper(FlinkStore(runtime_context.get_map_state(SHOWN_SURGE)))
        self._keeper = self._places

    def fold(self, value: bytes, ctx: Any) -> Iterator[tuple[str, Kept]]:
        """Fold one message in."""
        yield self._shards.given(ctx), self._places.keep(value)


def in_one_place(_: bytes) -> str:
    """Return the one key."""
    return ONE_PLACE
