"""A request in OpenAI's words: only what routing needs is read; the rest stays bytes until an adapter needs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from llmflow.errors import UsageError
from llmflow.ports.llm import ChatRequest, Message

Fields = dict[str, msgspec.Raw]
_FIELDS = msgspec.json.Decoder(Fields)
_NAMED = ("model", "messages", "stream", "stream_options", "temperature", "stop")
_LIMITS = ("max_completion_tokens", "max_tokens")
_BYTES_A_TOKEN = 4


def fields_of(body: bytes) -> Fields:
    """A JSON object's fields, their values unparsed. Raises UsageError (invalid_json)."""
    try:
        return _FIELDS.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"The body is not a JSON object: {error}.", code="invalid_json") from error


class _Routing(msgspec.Struct):
    model: Any = None
    stream: bool | None = None
    stream_options: dict[str, Any] | None = None
    user: Any = None
    prompt_cache_key: Any = None
    max_tokens: Any = None
    max_completion_tokens: Any = None
    max_output_tokens: Any = None
    temperature: Any = None
    n: Any = None


_ROUTING = msgspec.json.Decoder(_Routing)


@dataclass(slots=True)
class Asked:
    """A request: its fields as they came, and what routing needs of them. `size`: bytes of the body."""

    fields: Fields
    model: str
    stream: bool
    include_usage: bool
    user: str
    sticky: str
    max_tokens: int | None
    temperature: float | None
    size: int

    @property
    def prompt_tokens(self) -> int:
        """An estimate for limits: JSON around the words counts too."""
        return self.size // _BYTES_A_TOKEN

    def fields_for(self, model: str) -> dict[str, Any]:
        """The fields for a server that calls the model so."""
        return {**self.fields, "model": model}


def asked_of(body: bytes) -> Asked:
    """Raises UsageError that names the parameter at fault, and invalid_json."""
    fields = fields_of(body)
    try:
        read = _ROUTING.decode(body)
    except msgspec.ValidationError as error:
        at = str(error).rpartition("`$.")[2].rstrip("`").partition(".")[0] or None
        raise UsageError(f"The request is wrong: {error}.", param=at) from error
    if not isinstance(read.model, str):
        raise UsageError("`model` must be a text; GET /v1/models lists what there is.", param="model")
    limit = next((one for one in (read.max_completion_tokens, read.max_output_tokens, read.max_tokens) if one), None)
    many = read.n if isinstance(read.n, int) and 0 < read.n < 129 else 1
    return Asked(
        fields,
        read.model,
        bool(read.stream),
        bool((read.stream_options or {}).get("include_usage")),
        str(read.user or ""),
        str(read.prompt_cache_key or read.user or ""),
        limit * many if isinstance(limit, int) else None,
        read.temperature if isinstance(read.temperature, int | float) else None,
        len(body),
    )


def chat_of(fields: Mapping[str, Any]) -> ChatRequest:
    """The whole request, read and checked, for an adapter that speaks otherwise. Raises UsageError that names the
    parameter at fault."""
    body = {name: msgspec.json.decode(value) for name, value in fields.items()}
    try:
        messages = msgspec.convert(body.get("messages"), tuple[Message, ...])
        options = msgspec.convert(
            {name: body[name] for name in ("stream", "temperature", "stop", "stream_options") if name in body}, _Options
        )
        limit = msgspec.convert(next((body[name] for name in _LIMITS if body.get(name) is not None), None), int | None)
    except msgspec.ValidationError as error:
        raise UsageError(f"The request is not a chat request: {error}.", param="messages") from error
    if not messages:
        raise UsageError("`messages` is empty.", param="messages")
    if body.get("n") not in (None, 1):
        raise UsageError("`n` other than 1 is not served by this model; send the request again.", param="n")
    stop = (options.stop,) if isinstance(options.stop, str) else tuple(options.stop or ())
    further = {
        name: value for name, value in body.items() if name not in (*_NAMED, *_LIMITS, "n") and value is not None
    }
    return ChatRequest(
        messages,
        model=str(body.get("model") or ""),
        temperature=options.temperature,
        max_tokens=limit,
        stop=stop,
        options=further,
    )


class _Options(msgspec.Struct):
    stream: bool | None = None
    temperature: float | None = None
    stop: str | list[str] | None = None
    stream_options: dict[str, Any] | None = None
