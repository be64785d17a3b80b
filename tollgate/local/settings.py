"""What may be chosen about the local stack."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Port = Annotated[int, Field(ge=0, le=65535)]


class LocalStackSettings(BaseModel):
    """Sizes and preferences of the local stack; a port of 0 means any free one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task_managers: int = Field(default=2, ge=1, le=64)
    checkpoint_interval_ms: int = Field(default=3000, ge=100)
    kafka_port: Port = 9092
    kafka_controller_port: Port = 9093
    kafka_advertised_port: Port = 0
    """Where Kafka's clients are told to go, if a proxy stands before it; 0: to Kafka itself."""
    flink_rest_port: Port = 8081
    flink_rpc_port: Port = 6123
    redis_port: Port = 6379
    kafka_heap_mb: int = Field(default=512, ge=128)
    job_manager_process_mb: int = Field(default=1024, ge=768)
    task_manager_process_mb: int = Field(default=1728, ge=1024)
    managed_memory_mb: int = Field(default=400, ge=64)
    start_timeout_seconds: float = Field(default=120, gt=0)
    flink_options: dict[str, str] = Field(default_factory=dict)
    """More of Flink's own options, by their full names; they win over everything else."""
