"""Limits where nobody set any: every call goes through and nothing is kept."""

from __future__ import annotations

from llmflow.gateway.types import Call, Tell, UsageRecord


def _forget(_: UsageRecord) -> None:
    """Nobody keeps usage."""


class NoLimits:
    async def ask(self, call: Call) -> Tell:
        return _forget
