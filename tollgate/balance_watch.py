"""Watches Redis from outside: when a customer's live balance contains a certain record."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sinks.redis import KEY_PREFIX

GIVE_UP_SECONDS = 60.0


class Awaited(NamedTuple):
    """A record that a balance will contain; `sent` is when its event was produced (monotonic seconds)."""

    customer: str
    sequence: int
    sent: float


class Seen(NamedTuple):
    """A balance that contains its record: seconds from produce to sight, of which up to `gap` may be the polling's."""

    seconds: float
    gap_seconds: float


ReadSequences = Callable[[Sequence[str]], Sequence[int]]
"""Gives the live sequence of each customer, 0 where there is none."""


class BalanceWatch:
    """Polls the awaited customers alone. `expect` may be called by any thread, `poll` by one."""

    def __init__(
        self,
        read: ReadSequences,
        clock: Callable[[], float] = time.monotonic,
        give_up_seconds: float = GIVE_UP_SECONDS,
    ) -> None:
        self._read = read
        self._give_up_seconds = give_up_seconds
        self._clock = clock
        self._new: deque[Awaited] = deque()
        self._awaited: list[Awaited] = []
        self._polled = clock()
        self.given_up = 0

    @property
    def pending(self) -> int:
        """How many records no balance contains yet."""
        return len(self._new) + len(self._awaited)

    def expect(self, customer: str, sequence: int, sent: float) -> None:
        """Await a record."""
        self._new.append(Awaited(customer, sequence, sent))

    def poll(self) -> list[Seen]:
        """Read the awaited customers once; what `read` raises passes through, and nothing is forgotten."""
        while self._new:
            self._awaited.append(self._new.popleft())
        before, self._polled = self._polled, self._clock()
        if not self._awaited:
            return []
        customers = sorted({one.customer for one in self._awaited})
        reached = dict(zip(customers, self._read(customers), strict=True))
        now = self._clock()
        seen = [one for one in self._awaited if reached[one.customer] >= one.sequence]
        late = [one for one in self._awaited if now - one.sent > self._give_up_seconds]
        self.given_up += len(set(late) - set(seen))
        gone = {*seen, *late}
        self._awaited = [one for one in self._awaited if one not in gone]
        return [Seen(now - one.sent, now - max(before, one.sent)) for one in seen]


def live_sequences(client: Any) -> ReadSequences:
    """Return how to ask Redis; `client` decodes its answers."""

    def read(customers: Sequence[str]) -> list[int]:
        pipeline = client.pipeline(transaction=False)
        for customer in customers:
            pipeline.hget(KEY_PREFIX + customer, "live_sequence")
        return [int(found or 0) for found in pipeline.execute()]

    return read
