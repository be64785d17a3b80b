"""What the outside is told of shards in which something waits."""

from typing import Any


def held_shards(group: Any) -> Any:
    """Return the metrics of what waits, see tollgate.jvm.HeldShards."""
    from pemja import findClass  # noqa: PLC0415 - only importable inside a TaskManager

    return findClass("tollgate.jvm.HeldShards").register(group._metrics)  # noqa: SLF001 - a gauge that Java can ask
