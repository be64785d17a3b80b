"""What goes wrong between this program and Kafka, in one line with its remedy."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

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

_SAID = 160
"""How much of an error's own text is shown: some hold the whole request."""


class _Refusals(logging.Handler):
    """Keeps why a connection was refused: the client tries again, then says only that nobody answered in time."""

    newest: Exception | None = None
    when_seconds = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Take the exception that the client logs."""
        for one in record.args if isinstance(record.args, tuple) else ():
            if isinstance(one, _OF_LOGIN) or (isinstance(one, KafkaConnectionError) and _TLS in str(one)):
                self.newest, self.when_seconds = one, time.monotonic()

    def since(self, begun_seconds: float) -> Exception | None:
        """Return the newest refusal after a moment of the monotonic clock."""
        return self.newest if self.when_seconds >= begun_seconds else None


_REFUSALS = _Refusals(logging.ERROR)
_CONNECTIONS = logging.getLogger("kafka.net.connection")
_CONNECTIONS.setLevel(logging.ERROR)
_CONNECTIONS.propagate = False  # what goes wrong is said once, by whoever catches the StackError
_CONNECTIONS.addHandler(_REFUSALS)


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
    if not isinstance(error, _OF_LOGIN):
        cause = f"Kafka at {where} and this program find no TLS that both trust: {_text(error)}"
        return StackError(cause, "name the authority of its certificate with TOLLGATE_KAFKA_CA_FILE")
    cause = f"Kafka at {where} does not let user {options.get('sasl_plain_username')} in: {_text(error)}"
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
