"""What rerankers share: the order of an answer, and a server's refusal as an error."""

from __future__ import annotations

from collections.abc import Iterable

from llmflow.errors import LLMFlowError, OrganError, UsageError
from llmflow.net.client import Response
from llmflow.organs.llm.refusals import refusal
from llmflow.organs.llm.wire import error_text
from llmflow.ports.rerank import Ranked


def best(found: Iterable[Ranked], top_n: int | None) -> list[Ranked]:
    """Best first, equal ones as they were given."""
    return sorted(found, key=lambda one: (-one.score, one.index))[:top_n]


def checked(found: list[Ranked], count: int, shown: str) -> list[Ranked]:
    """Raises OrganError (model_failed) when an answer does not fit what was asked."""
    if sorted(one.index for one in found) != list(range(count)):
        raise OrganError(f"{shown} ranked {len(found)} of {count} texts.", code="model_failed")
    return found


def refused(response: Response, *, shown: str, key: str, model: str) -> LLMFlowError:
    text = error_text(response.body)
    text = text.replace(key, "***") if key else text
    error = refusal(response.status, text, response.headers, shown=shown, has_key=bool(key), model=model)
    if isinstance(error, UsageError):  # what we sent was ours to get right
        return OrganError(f"{shown} refused the texts: {text}", code="model_failed")
    return error
