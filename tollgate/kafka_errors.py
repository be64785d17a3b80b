"""What goes wrong between this program and Kafka, in one line with its remedy."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from kafka.errors import (
    AuthorizationError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    SaslAuthenticationFailedError,
    UnsupportedSaslMechanismError,
)

from tollgate.local.errors import StackError

_OF_LOGIN = (SaslAuthenticationFailedError, UnsupportedSaslMechanismError)
_TLS = "Handshake failed: [SSL"
_HUNG_UP = "socket disconnected"
_CONNECTIONS = "kafka.net.connection"
_BOOTSTRAPS = "kafka.net.manager"

_LATELY_SECONDS = 15.0
_SAID = 160
"""How much of an error's own text is shown: some hold the whole request."""


class _Refusal(NamedTuple):
    error: Exception
    when_seconds: float


class _Refusals(logging.Handler):
    """Keeps why a connection was refused: the client tries again, then says only that nobody answered in time.

    A broker says that it lets somebody not in, and hangs up. A client that is late for both throws the answer away
    with the connection (kafka-python 3.0, `KafkaTCPTransport._read_from_sock`), so a bootstrap connection that is
    hung up on before it came to anything counts as well, where nothing else was told.
    """

    told: _Refusal | None = None
    hung_up: _Refusal | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Take the exception that the client logs."""
        for one in record.args if isinstance(record.args, tuple) else ():
            if isinstance(one, _OF_LOGIN) or (isinstance(one, KafkaConnectionError) and _TLS in str(one)):
                self.told = _Refusal(one, time.monotonic())
            elif record.name == _BOOTSTRAPS and isinstance(one, KafkaConnectionError) and _HUNG_UP in str(one):
                self.hung_up = _Refusal(one, time.monotonic())

    def since(self, begun_seconds: float) -> Exception | None:
        """Return the refusal after a moment of the monotonic clock, what was told before what was not.

        Being hung up on counts for a while only: a broker that goes in the middle of the work does it, too.
        """
        if self.told is not None and self.told.when_seconds >= begun_seconds:
            return self.told.error
        lately_seconds = max(begun_seconds, time.monotonic() - _LATELY_SECONDS)
        return self.hung_up.error if self.hung_up is not None and self.hung_up.when_seconds >= lately_seconds else None


_REFUSALS = _Refusals(logging.WARNING)
for _name in (_CONNECTIONS, _BOOTSTRAPS):
    _logger = logging.getLogger(_name)
    _logger.setLevel(logging.WARNING)
    _logger.propagate = False  # what goes wrong is said once, by whoever catches the StackError
    _logger.addHandler(_REFUSALS)


@contextmanager
def reachable(options: Mapping[str, Any]) -> Iterator[None]:
    """Turn what a client that was opened with these options raises into a StackError."""
    begun_seconds = time.monotonic()
    try:
        yield
    except _OF_LOGIN as error:
        raise _refused(options, error) from error
    except AuthorizationError as error:
        raise forbidden(options, error) from error
    except (KafkaTimeoutError, KafkaConnectionError) as error:
        refusal = _REFUSALS.since(begun_seconds)
        raise (_refused(options, refusal) if refusal else _silent(options)) from error
    except KafkaError as error:
        raise StackError(f"Kafka at {_address(options)}: {error}", "see .tollgate/logs/kafka.log") from error


def forbidden(options: Mapping[str, Any], error: Exception) -> StackError:
    """Say that the user lacks a right; the name of the error says of what kind."""
    user = options.get("sasl_plain_username", "")
    cause = f"Kafka at {_address(options)} forbids it{f' to user {user}' if user else ''}: {_text(error)}"
    return StackError(cause, f"grant it: `tollgate acl kafka{f' --user {user}' if user else ''}` prints the commands")


def _refused(options: Mapping[str, Any], error: Exception) -> StackError:
    where = _address(options)
    user = options.get("sasl_plain_username")
    if _HUNG_UP in str(error):
        if user is None:
            return _silent(options)
        cause = f"Kafka at {where} does not let user {user} in: it hangs up before the login is over"
        names = "check TOLLGATE_KAFKA_USER, _PASSWORD_FILE, _SASL_MECHANISM and _SECURITY_PROTOCOL"
        return StackError(cause, f"{names}, and that what answers there is a broker that is up")
    if not isinstance(error, _OF_LOGIN):
        cause = f"Kafka at {where} and this program find no TLS that both trust: {_text(error)}"
        return StackError(cause, "name the authority of its certificate with TOLLGATE_KAFKA_CA_FILE")
    cause = f"Kafka at {where} does not let user {user} in: {_text(error)}"
    return StackError(cause, "check TOLLGATE_KAFKA_USER, _PASSWORD_FILE and _SASL_MECHANISM")


def _silent(options: Mapping[str, Any]) -> StackError:
    protocol = options.get("security_protocol", "PLAINTEXT")
    return StackError(
        f"Kafka does not answer at {_address(options)}{'' if protocol == 'PLAINTEXT' else f' to {protocol}'}",
        "start it with `tollgate up`, or set TOLLGATE_BOOTSTRAP_SERVERS (and TOLLGATE_KAFKA_SECURITY_PROTOCOL, "
        "where it does not speak PLAINTEXT)",
    )


def _address(options: Mapping[str, Any]) -> str:
    return str(options["bootstrap_servers"])


def _text(error: Exception) -> str:
    return str(error)[:_SAID].rstrip(": ")
