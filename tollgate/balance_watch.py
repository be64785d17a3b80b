"""Watches Redis from outside: when a customer's live balance contains a certain record."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from heapq import heappop, heappush
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
    """Polls the awaited customers alone. `expect` may be called by any thread, `poll` by one.

    With a `patience` of 0.1 a record that has been awaited for a second is not looked for again before 1.1 s: a
    watch that asked for all of them each time would load the Redis it watches the more, the later that is.
    """

    def __init__(
        self,
        read: ReadSequences,
        clock: Callable[[], float] = time.monotonic,
        give_up_seconds: float = GIVE_UP_SECONDS,
        patience: float = 0.0,
    ) -> None:
        self._read = read
        self._give_up_seconds = give_up_seconds
        self._patience = patience
        self._clock = clock
        self._new: deque[Awaited] = deque()
        self._awaited: list[tuple[float, float, Awaited]] = []
        self._looking = 0
        self.given_up = 0

    @property
    def pending(self) -> int:
        """How many records no balance contains yet."""
        return len(self._new) + len(self._awaited) + self._looking

    def expect(self, customer: str, sequence: int, sent: float) -> None:
        """Await a record."""
        self._new.append(Awaited(customer, sequence, sent))

    def poll(self) -> list[Seen]:
        """Read the customers whose turn it is once; what `read` raises passes through, and nothing is forgotten."""
        looked = self._clock()
        while self._new:
            one = self._new.popleft()
            heappush(self._awaited, (looked, one.sent, one))
        turn = list(self._due(looked))
        if not turn:
            return []
        self._looking = len(turn)
        customers = sorted({one.customer for _, _, one in turn})
        try:
            reached = dict(zip(customers, self._read(customers), strict=True))
        except BaseException:
            for entry in turn:
                heappush(self._awaited, entry)
            self._looking = 0
            raise
        now = self._clock()
        seen = []
        for _, before, one in turn:
            if reached[one.customer] >= one.sequence:
                seen.append(Seen(now - one.sent, now - before))
            elif now - one.sent > self._give_up_seconds:
                self.given_up += 1
            else:
                heappush(self._awaited, (looked + self._patience * (looked - one.sent), looked, one))
        self._looking = 0
        return seen

    def _due(self, now: float) -> Iterator[tuple[float, float, Awaited]]:
        """Take out what is to be looked for: when, when it was last, and what."""
        while self._awaited and self._awaited[0][0] <= now:
            yield heappop(self._awaited)


def live_sequences(client: Any) -> ReadSequences:
    """Return how to ask Redis; `client` decodes its answers."""

    def read(customers: Sequence[str]) -> list[int]:
        pipeline = client.pipeline(transaction=False)
        for customer in customers:
            pipeline.hget(KEY_PREFIX + customer, "live_sequence")
        return [int(found or 0) for found in pipeline.execute()]

    return read
