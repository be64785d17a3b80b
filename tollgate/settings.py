"""The command line's settings: environment variables TOLLGATE_*, or the defaults here."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import NoDecode

from billing.invoicing.tax import TaxTable, tax_rate
from flink_jobs.kafka_security import KafkaSecurity
from flink_jobs.settings import BALANCES_JOB, INVOICING_JOB, SUBSCRIPTIONS_JOB, USAGE_RATING, TaxSetting
from sinks.redis import with_password
from tollgate.local.errors import EXIT_UNUSABLE, StackError

REPOSITORY = Path(__file__).resolve().parent.parent

JOB_NAMES = (USAGE_RATING, BALANCES_JOB, SUBSCRIPTIONS_JOB, INVOICING_JOB)


class Settings(KafkaSecurity):
    """One frozen, validated object; every wrong value is reported at once."""

    home: Path = Field(REPOSITORY / ".tollgate", description="where the local stack keeps its data")
    bootstrap_servers: str = Field("", description="Kafka, where it is not the local stack's")
    redis_url: str = Field("", repr=False, description="Redis, where it is not the local stack's")
    redis_password_file: Path | None = Field(None, description="a file that holds the password of the URL's user")
    default_price_book: str = Field("", description="id of the book of customers whose contract names none")
    tax_rates: tuple[TaxSetting, ...] = Field((), description="taxes on invoices, as JSON")
    partitions: int = Field(4, ge=1, le=128, description="partitions of each topic")
    jobs: Annotated[tuple[str, ...], NoDecode] = Field(
        JOB_NAMES, description="the jobs of the local stack, separated by commas; each has TaskManagers of its own"
    )
    task_managers: int = Field(2, ge=1, le=16, description="TaskManagers of the usage rating job, one slot each")
    parallelism: int = Field(2, ge=1, le=16, description="of the usage rating job")
    checkpoint_interval_ms: int = Field(3000, ge=100, description="how often results are committed")
    surge_patience_ms: int = Field(
        3000, ge=0, description="how long an event waits for a surge factor without progress of the detector"
    )
    kafka_port: int = Field(9092, ge=0, le=65535, description="preferred; a free one where it is taken, or for 0")
    flink_port: int = Field(8081, ge=0, le=65535, description="preferred; a free one where it is taken, or for 0")
    redis_port: int = Field(6379, ge=0, le=65535, description="preferred; a free one where it is taken, or for 0")

    @field_validator("jobs", mode="before")
    @classmethod
    def _known_jobs(cls, value: object) -> object:
        names = tuple(name.strip() for name in value.split(",")) if isinstance(value, str) else value
        if isinstance(names, tuple) and (not names or set(names) - set(JOB_NAMES)):
            raise ValueError(f"name one or more of {', '.join(JOB_NAMES)}")
        return names

    @property
    def redis_url_to_open(self) -> str:
        """The URL with the password of the file in it, for this process alone and not for people to read."""
        return with_password(self.redis_url, self.redis_password_file) if self.redis_url else ""

    @property
    def all_task_managers(self) -> int:
        """How many the jobs need: those of usage rating, and one for each other job."""
        others = len(set(self.jobs) - {USAGE_RATING})
        return others + (self.task_managers if USAGE_RATING in self.jobs else 0)

    @property
    def tax_table(self) -> TaxTable:
        """The taxes on invoices."""
        return TaxTable(tuple(tax_rate(one.name, one.percent, one.customer) for one in self.tax_rates))


def load_settings() -> Settings:
    """Read the settings; raises StackError naming every wrong one."""
    try:
        return Settings()  # type: ignore[call-arg]  # pydantic fills in what the environment lacks
    except ValidationError as error:
        wrong = "; ".join(map(_in_words, error.errors()))
        cause = f"the settings are not usable: {wrong}"
        raise StackError(cause, "correct the environment variables", EXIT_UNUSABLE) from error


def _in_words(one: ErrorDetails) -> str:
    """Name the variable, where it is one that is wrong and not several that contradict each other."""
    where = f"TOLLGATE_{str(one['loc'][0]).upper()}: " if one["loc"] else ""
    return where + one["msg"].removeprefix("Value error, ")
