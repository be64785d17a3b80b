"""The fault harness: a local stack of its own under traffic and seeded faults, judged by `verify`.

It owns: the schedule, the proxies before Kafka and Redis, the injection, and how recovery is recognised.
It does not own: the stack itself (tollgate/local), the traffic (tollgate/traffic.py), the judgement (tollgate/audit).
"""
