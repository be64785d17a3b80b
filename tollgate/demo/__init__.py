"""The demo: traffic, and a live view of what is billed.

It owns what is shown and the keys. It does not own any figure: all of them are read from
Kafka, Redis and Flink while the jobs run, each by a feed in a thread of its own.
"""
