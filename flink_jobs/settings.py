"""A job's settings: flags of `flink run -py`, else environment variables TOLLGATE_*, else these."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_settings import SettingsConfigDict

from billing.price_books.percent import parse_percent
from flink_jobs.kafka_security import KafkaSecurity, python_options
from flink_jobs.topics import CONTRACTS, PRICE_BOOKS

USAGE_RATING = "usage-rating"
USAGE_GROUP = "tollgate-usage-rating"
BOOKS_GROUP = "tollgate-usage-rating-books"
CONTRACTS_GROUP = "tollgate-usage-rating-contracts"
SIGNALS_GROUP = "tollgate-usage-rating-signals"

BALANCES_JOB = "balances"
LIVE_GROUP = "tollgate-balances-live"
SETTLED_GROUP = "tollgate-balances-settled"
SESSIONS_GROUP = "tollgate-balances-sessions"
SURGE_GROUP = "tollgate-balances-surge"

INVOICING_JOB = "invoicing"
INVOICING_GROUP = "tollgate-invoicing"
INVOICING_BOOKS_GROUP = "tollgate-invoicing-books"
INVOICING_CONTRACTS_GROUP = "tollgate-invoicing-contracts"

SUBSCRIPTIONS_JOB = "subscriptions"
SUBSCRIPTIONS_GROUP = "tollgate-subscriptions"
SUBSCRIPTION_BOOKS_GROUP = "tollgate-subscriptions-books"
SUBSCRIPTION_CONTRACTS_GROUP = "tollgate-subscriptions-contracts"

SHARDS = 128
"""Virtual shards, and the maximum parallelism of keyed operators: part of the state's format."""

DAY_MS = 86_400_000


class KafkaJobSettings(KafkaSecurity):
    """What every job has: how its clients reach Kafka."""

    model_config = SettingsConfigDict(cli_kebab_case=True, cli_implicit_flags=True)

    kafka_properties: dict[str, str] = Field(
        default_factory=dict, repr=False, description="passed on to every Kafka client"
    )
    skip_lost: bool = Field(
        default=False, description="go on at the earliest record where those to be read next are gone from Kafka"
    )

    @property
    def java_kafka(self) -> dict[str, str]:
        """The properties of Java clients: those of the security settings, under those that were named."""
        lost = {"auto.offset.reset": "earliest"} if self.skip_lost else {}
        return self.kafka_java_properties | lost | self.kafka_properties

    @property
    def python_kafka(self) -> dict[str, Any]:
        """The options of the Python clients that a job asks Kafka by when it is submitted."""
        return self.kafka_python_options | python_options(self.kafka_properties)


class JobSettings(KafkaJobSettings):
    """One frozen, validated object; pydantic reports every wrong value at once."""

    bootstrap_servers: str = Field(min_length=1, description="Kafka's host:port list")
    default_price_book: str = Field("", description="id of the book of customers whose contract names none")
    parallelism: int = Field(2, ge=1, le=SHARDS, description="subtasks; one TaskManager each")
    transactional_id_prefix: str = Field("tollgate-usage-rating", min_length=1)
    transaction_timeout_ms: int = Field(
        DAY_MS,
        ge=600_000,
        description="how long a committed checkpoint's transaction may wait for its commit: the longest outage",
    )
    start_empty: bool = Field(
        default=False, description="start without state although records exist: bills all of it again"
    )
    frame_records: int = Field(8192, ge=1, description="records that a framer collects at most")
    linger_ms: int = Field(100, ge=1, description="how long a record waits for its frame at most")
    surge_patience_ms: int = Field(
        3000, ge=0, description="how long an event waits for surge detection that does not progress; then factor 1"
    )

    @property
    def price_topics(self) -> tuple[str, str]:
        """The topics of prices, in the order of udfs.price_feed.PriceTopic."""
        return PRICE_BOOKS, CONTRACTS


class RatingSettings(JobSettings):
    """Settings of the usage rating job, and of its shadows: they read the same events, and write beside."""

    shadow: str = Field(
        "",
        pattern="^([a-z0-9][a-z0-9-]{0,39})?$",
        description="name of a shadow: output topics, consumer groups and transactions are its own",
    )
    price_books_topic: str = Field(PRICE_BOOKS, min_length=1, description="where price books are read from")

    def own(self, name: str) -> str:
        """Return the name of an output topic, consumer group or sink, for a shadow its own one."""
        return of_shadow(self.shadow, name) if self.shadow else name

    @property
    def price_topics(self) -> tuple[str, str]:
        """The topics of prices, in the order of udfs.price_feed.PriceTopic."""
        return self.price_books_topic, CONTRACTS


def of_shadow(shadow: str, name: str) -> str:
    """Return a shadow's own name for a topic, a consumer group, a sink or the job."""
    return f"shadow.{shadow}.{name}"


class SubscriptionSettings(JobSettings):
    """Settings of the subscription job: there are few events, and one subtask is plenty."""

    parallelism: int = Field(1, ge=1, le=SHARDS, description="subtasks; one TaskManager each")
    transactional_id_prefix: str = Field("tollgate-subscriptions", min_length=1)


class BalanceSettings(KafkaJobSettings):
    """Settings of the balances job."""

    bootstrap_servers: str = Field(min_length=1, description="Kafka's host:port list")
    redis_url: str = Field(min_length=1, repr=False, description="redis://HOST:PORT/DB, or rediss:// for TLS")
    redis_password_file: Path | None = Field(None, description="a file that holds the password of the URL's user")
    redis_timeout_seconds: float = Field(2.0, gt=0, description="how long Redis may take for one answer")
    parallelism: int = Field(1, ge=1, le=SHARDS, description="subtasks; one TaskManager each")
    latest_records: int = Field(65536, ge=1, description="customers and meters that wait for their frame at most")
    linger_ms: int = Field(100, ge=1, description="how long a live record waits for its frame at most")
    settled_linger_ms: int = Field(500, ge=1, description="how long a settled record waits for its frame at most")

    @property
    def redis_password_path(self) -> str:
        """Where the password is read from by what runs in the cluster; empty where the URL has it, or there is none."""
        return str(self.redis_password_file.absolute()) if self.redis_password_file else ""


class TaxSetting(BaseModel):
    """A tax: on invoices of a customer, of a tenant's customers (`tenant/`), or of all ("")."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    percent: str
    customer: str = ""

    @field_validator("percent")
    @classmethod
    def _is_percentage(cls, text: str) -> str:
        parse_percent(text)
        return text


class InvoicingSettings(JobSettings):
    """Settings of the invoicing job."""

    parallelism: int = Field(1, ge=1, le=SHARDS, description="subtasks; one TaskManager each")
    transactional_id_prefix: str = Field("tollgate-invoicing", min_length=1)
    frame_records: int = Field(8192, ge=1, description="records that a framer collects at most")
    linger_ms: int = Field(500, ge=1, description="how long a record waits for its frame at most")
    tax_rates: tuple[TaxSetting, ...] = Field(
        default=(), description='JSON: [{"name": "VAT", "percent": "19", "customer": "tenant/"}]'
    )
