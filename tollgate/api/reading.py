"""Questions to the log: blocking, and some take seconds, so that few run at once and the others wait or are refused.

It owns threads and connections. It does not own what is asked: see `answers`.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TypeVar

from tollgate.api.problems import Problem
from tollgate.context import Context
from tollgate.local.errors import StackError

T = TypeVar("T")

AT_ONCE = 2
WAITING_MAX = 16


class Reading:
    """Asks in threads, each of which has connections of its own."""

    def __init__(self, make: Callable[[], Context], at_once: int = AT_ONCE, waiting_max: int = WAITING_MAX) -> None:
        self._make = make
        self._own = threading.local()
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="reading")
        self._waiting_max = at_once + waiting_max
        self._asked = 0

    async def ask(self, question: Callable[[Context], T]) -> T:
        """Return the answer. Raises Problem (503) where too many wait already, and what the question raises."""
        if self._asked >= self._waiting_max:
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "more questions to the log wait than can be answered in time",
                "wait as Retry-After says, and ask again",
                {"Retry-After": "2"},
            )
        self._asked += 1
        loop = asyncio.get_running_loop()

        def done(_: object) -> None:  # not when the caller goes, but when the thread is free again
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._done)

        answer = self._threads.submit(self._answer, question)
        answer.add_done_callback(done)
        return await asyncio.wrap_future(answer)

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _done(self) -> None:
        self._asked -= 1

    def _answer(self, question: Callable[[Context], T]) -> T:
        context: Context | None = getattr(self._own, "context", None)
        if context is None:
            context = self._own.context = self._make()
        try:
            return question(context)
        except StackError:
            context.reconnect()
            raise
