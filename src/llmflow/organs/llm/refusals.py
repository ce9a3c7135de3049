"""A model server's refusal as one of our errors, in the server's own words where they may help."""

from __future__ import annotations

from collections.abc import Mapping

from llmflow.errors import LLMFlowError, NotFound, OrganError, TooMany, UsageError
from llmflow.net.waits import retry_after_s
from llmflow.organs.llm.wire import failure, is_context_error

_OVERLOADED = 529  # Anthropic's


def refusal(
    status: int, text: str, headers: Mapping[str, str], *, shown: str, has_key: bool, model: str
) -> LLMFlowError:
    """`text`: the server's message, clean of its key. `shown`: its address without secrets."""
    if status in (401, 403):
        given = "refuses the key" if has_key else "wants a key"
        return OrganError(f"{shown} {given} ({status}).", code="model_key_wrong")
    if status in (429, _OVERLOADED):
        wait_s = retry_after_s(headers)
        when = f" It asks to wait {wait_s} s." if wait_s else ""
        busy = TooMany(f"{shown} has too many requests: {text}.{when}")
        busy.wait_s = wait_s
        return busy
    if status in (400, 413, 422):
        if is_context_error(text):
            return UsageError(f"{model} says: {text}", code="context_too_long", param="messages")
        return UsageError(f"The model server refused the request: {text}")
    if status == 404 and "model" in text.lower():
        return NotFound(f"The model server does not know '{model}': {text}", code="model_unknown", param="model")
    if 300 <= status < 400 or status in (404, 405):
        return OrganError(f"{shown} has no such service ({status}). {text}".rstrip(), code="model_address_wrong")
    if status >= 500 or not is_context_error(text):
        failed = OrganError(f"{shown} failed ({status}): {text}", code="model_failed")
        failed.wait_s = retry_after_s(headers)
        return failed
    return failure(text)
