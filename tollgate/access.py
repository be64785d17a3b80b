"""Who may do what in Kafka and in Redis: as little as each needs, derived from what the jobs read and write."""

import hashlib
import shlex
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from flink_jobs.topics import (
    ALL,
    CONTRACTS,
    NOTES,
    PRICE_BOOKS,
    SIGNALS,
    SUBSCRIPTION_EVENTS,
    USAGE_EVENTS,
)
from tollgate.jobs import JOBS, JobSpec

OPERATOR = "tollgate-operator"
PRODUCER = "tollgate-producer"
OWN = "tollgate-"
"""What the names of all consumer groups and transactional ids begin with."""

REDIS_WRITER = "tollgate-writer"
REDIS_READER = "tollgate-reader"
REDIS_KEYS = "tollgate:*"

_READ = ("Read", "Describe")
_WRITE = ("Write", "Describe")
_CONNECT = ("ping", "select")
_LOOK = ("hget", "hmget", "hgetall", "scan")
_CHANGE = ("evalsha", "script|load", "hkeys", "hset", "hdel", "del", "set", "expire", "pexpire", "info")


class Grant(NamedTuple):
    """What a Kafka user may do with things of one kind; `prefixed`: with all whose names begin so."""

    user: str
    operations: tuple[str, ...]
    kind: Literal["topic", "group", "transactional-id"]
    names: tuple[str, ...]
    prefixed: bool = False


def kafka_grants() -> Iterator[Grant]:
    """Yield what every user needs: one a job, one for people at the command line, one for what sends events."""
    for spec in JOBS.values():
        yield from _job_grants(spec)
    yield Grant(OPERATOR, _READ, "topic", tuple(topic.name for topic in ALL))
    sent = (USAGE_EVENTS, SUBSCRIPTION_EVENTS, PRICE_BOOKS, CONTRACTS, SIGNALS, NOTES)
    yield Grant(OPERATOR, ("Write",), "topic", sent)
    yield Grant(OPERATOR, ("Describe",), "group", (OWN,), prefixed=True)
    yield Grant(PRODUCER, _WRITE, "topic", (USAGE_EVENTS, SUBSCRIPTION_EVENTS))


def _job_grants(spec: JobSpec) -> Iterator[Grant]:
    user = f"{OWN}{spec.name}"
    yield Grant(user, _READ, "topic", _each(topic for topic, _ in spec.inputs))
    yield Grant(user, _WRITE, "topic", spec.outputs)
    yield Grant(user, _READ, "group", _each(group for _, group in spec.inputs))
    if spec.bills:
        yield Grant(user, _WRITE, "transactional-id", (user,), prefixed=True)


def _each(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def kafka_command(grant: Grant, bootstrap: str, admin_properties: str) -> str:
    """Return the command line of Kafka's own tool that grants it."""
    words = ["--bootstrap-server", bootstrap, "--command-config", admin_properties]
    words += ["--add", "--allow-principal", f"User:{grant.user}"]
    words += [word for one in grant.operations for word in ("--operation", one)]
    words += [word for name in grant.names for word in (f"--{grant.kind}", name)]
    return shlex.join(["kafka-acls.sh", *words, *(["--resource-pattern-type", "prefixed"] if grant.prefixed else [])])


def redis_acl(writer_password: str = "", reader_password: str = "") -> list[str]:
    """Return the lines of Redis's ACL file: passwords as their SHA-256; a user without one cannot log in."""
    writer = _commands(_CONNECT, _LOOK, _CHANGE)
    reader = _commands(_CONNECT, _LOOK)
    return [
        "user default off",
        f"user {REDIS_WRITER} on {_proof(writer_password)} ~{REDIS_KEYS} resetchannels -@all {writer}",
        f"user {REDIS_READER} on {_proof(reader_password)} %R~{REDIS_KEYS} resetchannels -@all {reader}",
    ]


def _proof(password: str) -> str:
    return f"#{hashlib.sha256(password.encode()).hexdigest()}" if password else "resetpass"


def _commands(*groups: Iterable[str]) -> str:
    return " ".join(f"+{name}" for group in groups for name in group)
