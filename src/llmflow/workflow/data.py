"""What every node's data has. Models are lenient: unknown keys are kept, old forms are read."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator


class Lenient(BaseModel):
    """A part of a node's data: keys nobody here knows stay in it."""

    model_config = ConfigDict(extra="allow", populate_by_name=True, coerce_numbers_to_str=True)


class DefaultValue(Lenient):
    """An output's value when its node fails under the strategy default-value."""

    key: str
    type: str = "string"
    value: Any = None


class RetryConfig(Lenient):
    """`retry_interval`: milliseconds."""

    retry_enabled: bool = False
    max_retries: int = Field(default=0, ge=0)
    retry_interval: float = Field(default=0, ge=0)


class NodeData(Lenient):
    """Shared by all nodes."""

    type: str = ""
    title: str = ""
    desc: str | None = ""
    version: str = "1"
    error_strategy: Literal["fail-branch", "default-value"] | None = None
    default_value: list[DefaultValue] = Field(default_factory=list)
    retry_config: RetryConfig = RetryConfig()

    @field_validator("error_strategy", mode="before")
    @classmethod
    def _no_strategy(cls, value: Any) -> Any:
        return None if value in ("", "none") else value

    @field_validator("default_value", mode="before")
    @classmethod
    def _no_defaults(cls, value: Any) -> Any:
        return value or []

    @field_validator("retry_config", mode="before")
    @classmethod
    def _no_retries(cls, value: Any) -> Any:
        return value or {}
