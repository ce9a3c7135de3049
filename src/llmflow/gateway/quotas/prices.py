"""What models cost: list prices that ship with LLMFlow, and a workspace's own, which come first.

The list is a convenience: providers change their prices, and a contract has its own. A model nobody knows, such as one
on a machine of yours, costs nothing until somebody says what it costs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

#: When the list was put together.
AS_OF = "2025-08"


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens. `is_own`: the workspace's, not the list's."""

    input: float
    output: float = 0.0
    is_own: bool = False

    def nano_usd(self, prompt_tokens: int, completion_tokens: int) -> int:
        """What a call costs, in billionths of a dollar: a dollar a million tokens is 1,000 of them a token."""
        return round((prompt_tokens * self.input + completion_tokens * self.output) * 1000)


FREE = Price(0.0)
#: By the beginning of a model's name, as its provider calls it. Source: the providers' public price lists.
LIST: Mapping[str, Price] = {
    "gpt-5": Price(1.25, 10.0),
    "gpt-5-mini": Price(0.25, 2.0),
    "gpt-5-nano": Price(0.05, 0.4),
    "gpt-4.1": Price(2.0, 8.0),
    "gpt-4.1-mini": Price(0.4, 1.6),
    "gpt-4.1-nano": Price(0.1, 0.4),
    "gpt-4o": Price(2.5, 10.0),
    "gpt-4o-mini": Price(0.15, 0.6),
    "gpt-4-turbo": Price(10.0, 30.0),
    "gpt-3.5-turbo": Price(0.5, 1.5),
    "o3": Price(2.0, 8.0),
    "o3-mini": Price(1.1, 4.4),
    "o4-mini": Price(1.1, 4.4),
    "text-embedding-3-small": Price(0.02),
    "text-embedding-3-large": Price(0.13),
    "text-embedding-ada-002": Price(0.1),
    "claude-opus-4": Price(15.0, 75.0),
    "claude-sonnet-4": Price(3.0, 15.0),
    "claude-3-7-sonnet": Price(3.0, 15.0),
    "claude-3-5-sonnet": Price(3.0, 15.0),
    "claude-3-5-haiku": Price(0.8, 4.0),
    "claude-3-haiku": Price(0.25, 1.25),
    "gemini-2.5-pro": Price(1.25, 10.0),
    "gemini-2.5-flash": Price(0.3, 2.5),
    "gemini-2.5-flash-lite": Price(0.1, 0.4),
    "gemini-2.0-flash": Price(0.1, 0.4),
    "mistral-large": Price(2.0, 6.0),
    "mistral-small": Price(0.1, 0.3),
    "deepseek-chat": Price(0.27, 1.1),
    "deepseek-reasoner": Price(0.55, 2.19),
}


def price_of(model: str, own: Mapping[str, Price]) -> Price:
    """The workspace's price for exactly this name, else the list's for the longest name it begins with: versions carry
    a date ("gpt-4o-2024-08-06"), providers a prefix ("openai/gpt-4o")."""
    if model in own:
        return own[model]
    name = model.rpartition("/")[2]
    fits = [known for known in LIST if name == known or name.startswith((known + "-", known + "@"))]
    return LIST[max(fits, key=len)] if fits else FREE
