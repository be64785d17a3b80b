"""The list of all kinds; a new one is one class and one line here."""

from collections.abc import Sequence
from typing import Final

from tollgate.chaos.fault import Fault
from tollgate.chaos.faults.broker import BounceBroker, KillBroker, PauseBroker
from tollgate.chaos.faults.checkpoint_storage import DamageCheckpoint, LoseCheckpoints
from tollgate.chaos.faults.flink_processes import FreezeTaskManager, KillJobManager, KillTaskManager
from tollgate.chaos.faults.network import (
    BreakingKafka,
    BreakingRedis,
    CutKafka,
    CutRedis,
    SilentKafka,
    SlowKafka,
    SlowRedis,
)
from tollgate.chaos.faults.redis_server import FillRedis, FlushRedis, KillRedis, PauseRedis
from tollgate.chaos.faults.rescaling import Rescale
from tollgate.chaos.faults.storms import PoisonStorm, ReplayStorm
from tollgate.local.errors import EXIT_UNUSABLE, StackError

ALL: Final[Sequence[type[Fault]]] = (
    KillTaskManager,
    FreezeTaskManager,
    KillJobManager,
    BounceBroker,
    KillBroker,
    PauseBroker,
    SlowKafka,
    CutKafka,
    SilentKafka,
    BreakingKafka,
    KillRedis,
    PauseRedis,
    FlushRedis,
    FillRedis,
    SlowRedis,
    CutRedis,
    BreakingRedis,
    Rescale,
    ReplayStorm,
    PoisonStorm,
    LoseCheckpoints,
    DamageCheckpoint,
)


def named(names: str) -> Sequence[type[Fault]]:
    """Return the kinds of a list with commas, all for an empty one. Raises StackError naming what is unknown."""
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    kinds = {one.kind: one for one in ALL}
    if unknown := [name for name in wanted if name not in kinds]:
        raise StackError(f"there is no fault {', '.join(unknown)}", f"name some of {', '.join(kinds)}", EXIT_UNUSABLE)
    return [kinds[name] for name in wanted] or ALL
