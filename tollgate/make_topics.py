"""Makes the topics of the contract where they are missing, for containers: `python -m tollgate.make_topics`.

Reads TOLLGATE_BOOTSTRAP_SERVERS and TOLLGATE_PARTITIONS. One replica each: a cluster of several brokers wants its
topics made by whoever runs it (docs/reference/topics.md).
"""

from flink_jobs.topics import ALL
from tollgate.context import Context


def main() -> None:
    """Make what is missing; what is there stays as it is."""
    context = Context()
    context.log.create_topics(ALL, context.settings.partitions)
    context.log.close()


if __name__ == "__main__":
    main()
