"""The surge operator of the balances job: what is shown of factors, in state and in Redis, all under one key."""

from pyflink.common import Types
from pyflink.datastream.functions import RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from udfs.batched_state import FlinkStore
from udfs.keep_balances import KeepBalances
from udfs.surge_keeper import SurgeKeeper

_BYTES = Types.PICKLED_BYTE_ARRAY()

# Part of every savepoint: never rename it.
SHOWN_SURGE = MapStateDescriptor("shown-surge", _BYTES, _BYTES)

ONE_PLACE = "surge"


class KeepSurge(KeepBalances):
    """Keeps what is shown of surge as balances are kept: Redis may be away, and forgets nothing for good."""

    def bind(self, runtime_context: RuntimeContext) -> SurgeKeeper:
        """Return the fold over this operator's state."""
        return SurgeKeeper(FlinkStore(runtime_context.get_map_state(SHOWN_SURGE)))


def in_one_place(_: bytes) -> str:
    """Return the one key."""
    return ONE_PLACE
