"""The local stack: Kafka and Flink as ordinary processes of this machine.

It owns `.tollgate/`, the processes it starts, their configuration and their logs.
It does not own topics, jobs or price books: its callers create and submit those.
"""
