"""What callers are told when something does not work: one JSON shape, with cause and remedy."""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus

from pydantic import BaseModel, ConfigDict

from tollgate.local.errors import EXIT_UNUSABLE, StackError, one_line

_OF_A_PARAMETER = re.compile(r"(?:--)?[a-z-]+: ")
"""How the cause begins of an error in what was asked: `--as-of: 'soon' is no time`."""


class ProblemBody(BaseModel):
    """What every error looks like."""

    model_config = ConfigDict(frozen=True)

    status: int
    cause: str
    remedy: str


class Problem(Exception):  # noqa: N818 - not all of them are errors of ours
    """An answer that is not what was asked for."""

    def __init__(self, status: HTTPStatus, cause: str, remedy: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(cause)
        self.body = ProblemBody(status=status.value, cause=one_line(cause), remedy=one_line(remedy))
        self.headers = dict(headers or {})

    def json(self) -> bytes:
        """Return the body as it is sent."""
        return json.dumps(self.body.model_dump()).encode()


def not_found(customer: str) -> Problem:
    """Return the answer for a customer of whom a key gets to know nothing: unknown, or another's."""
    return Problem(
        HTTPStatus.NOT_FOUND,
        f"nothing is known of customer {customer!r}",
        "check the id, and that the key is for this customer or tenant",
    )


def unauthorized() -> Problem:
    """Return the answer for a request without a key, or with one that does not exist."""
    return Problem(
        HTTPStatus.UNAUTHORIZED,
        "the request has no valid key",
        "send the header `Authorization: Bearer KEY`; operators make keys with `tollgate api keys add`",
        {"WWW-Authenticate": "Bearer"},
    )


def invalid(cause: str, remedy: str) -> Problem:
    """Return the answer for a parameter that says what it may not."""
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, cause, remedy)


def of_stack(error: StackError) -> Problem:
    """Return the answer for an error of the functions behind the commands."""
    if error.exit_code == EXIT_UNUSABLE and _OF_A_PARAMETER.match(error.cause):  # else it is the server that lacks it
        return invalid(_as_parameters(error.cause), _as_parameters(error.remedy))
    # Addresses and paths of the installation are nobody's business.
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "a service that the answer comes from does not answer",
        "try again later; operators see why with `tollgate status`",
        {"Retry-After": "5"},
    )


def _as_parameters(text: str) -> str:
    """Return a text about options of a command with the names that parameters have here."""
    return re.sub(r"--([a-z]+(?:-[a-z]+)*)", lambda found: found[1].replace("-", "_"), text)
