"""What one may use of models, as it is set: of a key when it is made, of anybody by a quota."""

from __future__ import annotations

from pydantic import BaseModel, Field

from llmflow.gateway.quotas.types import Period


class Bounds(BaseModel):
    """null: no bound of that kind. Minutes, days and months are UTC's."""

    models: list[str] | None = Field(None, max_length=100, description="Names it may ask for; * stands for any letters")
    requests_per_minute: int | None = Field(None, ge=0, le=10_000_000)
    tokens_per_minute: int | None = Field(None, ge=0, le=10_000_000_000)
    budget_usd: float | None = Field(None, ge=0, le=1_000_000_000)
    period: Period = "month"
