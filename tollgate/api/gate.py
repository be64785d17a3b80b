"""Who asks, and whether they may: every request but those for health, pages and documentation passes here."""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple

from billing.validity import invalid_customer_id
from tollgate.api.keys import ApiKey, KeyRing
from tollgate.api.limits import Limits
from tollgate.api.problems import Problem, invalid, not_found, unauthorized

_BEARER = "bearer "
REFRESH_SECONDS = 1.0


class Caller(NamedTuple):
    """A request's key."""

    key: ApiKey

    def must_reach(self, customer: str) -> None:
        """Raise Problem for a customer that the key may not read; as for one that does not exist."""
        wrong = invalid_customer_id(customer)
        if wrong is not None:
            raise invalid(f"customer: {wrong}", "write the customer_id as events do, such as acme or tenant/acme")
        if not self.key.scope.reaches(customer):
            raise not_found(customer)

    def must_operate(self) -> None:
        """Raise Problem where the key is not for operations."""
        if not self.key.scope.is_operations:
            cause = "this key is not for operations"
            raise Problem(HTTPStatus.FORBIDDEN, cause, "use a key made with `tollgate api keys add --operations`")


class Gate:
    """Lets requests with a key through, as many as the key may make."""

    def __init__(
        self, ring: KeyRing, limits: Limits | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ring = ring
        self._limits = limits or Limits()
        self._clock = clock
        self._refresh_at = 0.0

    def admit(self, authorization: str) -> Caller:
        """Return who asks, by the header Authorization. Raises Problem (401, 429)."""
        if authorization[: len(_BEARER)].lower() != _BEARER:
            raise unauthorized()
        self._refresh()
        key = self._ring.find(authorization[len(_BEARER) :].strip())
        if key is None:
            raise unauthorized()
        self._limits.take(key)
        return Caller(key)

    def knows(self, caller: Caller) -> bool:
        """Tell whether a caller's key is still there: for answers that go on for long."""
        self._refresh()
        return self._ring.holds(caller.key)

    def _refresh(self) -> None:
        now = self._clock()
        if now >= self._refresh_at:
            self._ring.refresh()
            self._refresh_at = now + REFRESH_SECONDS
