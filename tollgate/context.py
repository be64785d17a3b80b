"""What every command needs: settings, the local stack, Kafka, and how to print."""

import json
import os
import sys
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from rich.console import Console

from tollgate.kafka_log import KafkaLog
from tollgate.local.errors import EXIT_UNUSABLE, StackError
from tollgate.local.layout import Layout
from tollgate.local.settings import LocalStackSettings
from tollgate.local.stack import LocalStack
from tollgate.settings import REPOSITORY, Settings, load_settings

WIDTH_OF_A_FILE = 240
SECRETS = (
    "TOLLGATE_REDIS_URL", "TOLLGATE_REDIS_PASSWORD", "TOLLGATE_KAFKA_SECURITY", "TOLLGATE_KAFKA_SASL",
    "TOLLGATE_KAFKA_USER", "TOLLGATE_KAFKA_PASSWORD", "TOLLGATE_KAFKA_CA", "TOLLGATE_KAFKA_PROPERTIES",
)  # fmt: skip
"""How the variables begin that say who one is elsewhere: nothing of them concerns the processes of the local stack."""


class Context:
    """One command's surroundings, made as they are needed."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or load_settings()
        # What is not a terminal has no width: nothing is cut there.
        width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDTH_OF_A_FILE
        self.console = Console(stderr=False, highlight=False, width=width)
        self.progress = Console(stderr=True, highlight=False)

    @cached_property
    def stack(self) -> LocalStack:
        """The local stack of this checkout; nothing is started by asking for it."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(SECRETS)}
        return LocalStack(
            Layout.of(REPOSITORY, self.settings.home), self.stack_settings(), self.report, environment=inherited
        )

    def stack_settings(self) -> LocalStackSettings:
        """Return what the local stack is to be.

        Where any port will do, so it does for those that nobody chooses: two stacks that start at the same
        moment would both find the preferred one free.
        """
        usual = LocalStackSettings()
        return LocalStackSettings(
            task_managers=self.settings.all_task_managers,
            checkpoint_interval_ms=self.settings.checkpoint_interval_ms,
            kafka_port=self.settings.kafka_port,
            kafka_controller_port=usual.kafka_controller_port if self.settings.kafka_port else 0,
            flink_rest_port=self.settings.flink_port,
            flink_rpc_port=usual.flink_rpc_port if self.settings.flink_port else 0,
            redis_port=self.settings.redis_port,
        )

    @property
    def bootstrap_servers(self) -> str:
        """Kafka's address: the setting, else the local stack's. Raises StackError when it is down."""
        return self.settings.bootstrap_servers or self.stack.bootstrap_servers

    @property
    def redis_url(self) -> str:
        """Redis's address with its password: the setting, else the local stack's. Raises StackError when it is down."""
        try:
            return self.settings.redis_url_to_open or self.stack.redis_url
        except (OSError, UnicodeDecodeError) as error:
            cause = (
                f"TOLLGATE_REDIS_PASSWORD_FILE: {self.settings.redis_password_file} is no text file that can be read"
            )
            raise StackError(cause, "name a file that holds the password", EXIT_UNUSABLE) from error

    @property
    def job_secrets(self) -> dict[str, str]:
        """What reaches a job as variables of the submitting client alone: command lines can be read by anybody.

        A local job's Kafka is always the local one, which asks nobody who is there.
        """
        settings = self.settings
        if not settings.redis_url:
            return {}
        file = settings.redis_password_file
        beside = {"TOLLGATE_REDIS_PASSWORD_FILE": str(file.absolute())} if file else {}
        return {"TOLLGATE_REDIS_URL": settings.redis_url} | beside

    @cached_property
    def log(self) -> KafkaLog:
        """The log; connections are made on first use."""
        foreign = bool(self.settings.bootstrap_servers)
        return KafkaLog(self.bootstrap_servers, self.settings.kafka_python_options if foreign else None)

    @property
    def java_kafka(self) -> dict[str, str]:
        """How Java clients reach the log, for statements of SQL, which are shown: a password must lie in a file."""
        settings = self.settings
        if settings.bootstrap_servers and settings.kafka_password.get_secret_value():
            cause = "TOLLGATE_KAFKA_PASSWORD would stand in the tables of SQL for everyone to read"
            raise StackError(cause, "put it into a file and name that with TOLLGATE_KAFKA_PASSWORD_FILE", EXIT_UNUSABLE)
        security = settings.kafka_java_properties if settings.bootstrap_servers else {}
        return {"bootstrap.servers": self.bootstrap_servers, **security}

    def reconnect(self) -> None:
        """Let the log's connections go, which may be dead without knowing it; the next use makes new ones."""
        log = vars(self).pop("log", None)
        if log is not None:
            log.close()

    def report(self, line: str) -> None:
        """Print one line of progress, to standard error."""
        self.progress.print(line, markup=False, soft_wrap=True)

    def say(self, line: str) -> None:
        """Print one line of the answer, to standard output."""
        self.console.print(line, markup=False, soft_wrap=True)

    def print_json(self, value: Any) -> None:
        """Print plain data as JSON, to standard output."""
        sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")

    def print_messages(self, messages: Iterable[Message]) -> None:
        """Print messages as one JSON array in the protobuf mapping."""
        self.print_json([as_dict(message) for message in messages])


def as_dict(message: Message) -> Mapping[str, Any]:
    """Return the protobuf JSON of a message: snake_case names, defaults present."""
    return MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
