"""A job's settings: flags of `flink run -py`, else environment variables TOLLGATE_*, else these."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

USAGE_RATING = "usage-rating"
USAGE_GROUP = "tollgate-usage-rating"
BOOKS_GROUP = "tollgate-usage-rating-books"
CONTRACTS_GROUP = "tollgate-usage-rating-contracts"

BALANCES_JOB = "balances"
LIVE_GROUP = "tollgate-balances-live"
SETTLED_GROUP = "tollgate-balances-settled"

SHARDS = 128
"""Virtual shards, and the maximum parallelism of keyed operators: part of the state's format."""

DAY_MS = 86_400_000


class JobSettings(BaseSettings):
    """One frozen, validated object; pydantic reports every wrong value at once."""

    model_config = SettingsConfigDict(
        env_prefix="TOLLGATE_", frozen=True, extra="ignore", cli_kebab_case=True, cli_implicit_flags=True
    )

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
    linger_ms: int = Field(20, ge=1, description="how long a record waits for its frame at most")
    kafka_properties: dict[str, str] = Field(default_factory=dict, description="passed on to every Kafka client")


class BalanceSettings(BaseSettings):
    """Settings of the balances job."""

    model_config = JobSettings.model_config

    bootstrap_servers: str = Field(min_length=1, description="Kafka's host:port list")
    redis_url: str = Field(min_length=1, description="redis://HOST:PORT/DB, or rediss:// for TLS")
    redis_timeout_seconds: float = Field(2.0, gt=0, description="how long Redis may take for one answer")
    parallelism: int = Field(1, ge=1, le=SHARDS, description="subtasks; one TaskManager each")
    latest_records: int = Field(65536, ge=1, description="customers and meters that wait for their frame at most")
    linger_ms: int = Field(100, ge=1, description="how long a live record waits for its frame at most")
    settled_linger_ms: int = Field(800, ge=1, description="how long a settled record waits for its frame at most")
    kafka_properties: dict[str, str] = Field(default_factory=dict, description="passed on to every Kafka client")
