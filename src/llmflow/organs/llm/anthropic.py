"""Anthropic's Messages API, and servers that speak it.

Written against https://docs.anthropic.com/en/api/messages and .../streaming.
"""

from __future__ import annotations

from typing import Any

import msgspec

from llmflow.errors import LLMFlowError, OrganError, TooMany
from llmflow.net.client import HttpClient
from llmflow.organs.llm.parts import arguments_of, image_of, text_of
from llmflow.organs.llm.provider import ProviderLlm
from llmflow.ports.llm import ChatDelta, ChatRequest, FinishReason, Message, ModelInfo, TokenUsage

_VERSION = "2023-06-01"
_ANSWER_TOKENS = 4096  # the protocol wants a bound where the caller set none
_REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_PASSED = {"top_p": "top_p", "top_k": "top_k", "thinking": "thinking", "service_tier": "service_tier"}


class AnthropicLlm(ProviderLlm):
    """`url`: with or without /v1."""

    def __init__(
        self,
        *,
        http: HttpClient,
        url: str = "https://api.anthropic.com",
        model: str = "",
        api_key: str = "",
        context_tokens: int = 200_000,
        timeout_s: float = 120.0,
    ) -> None:
        super().__init__(
            url.strip().rstrip("/").removesuffix("/messages").removesuffix("/v1") + "/v1",
            {"x-api-key": api_key, "anthropic-version": _VERSION},
            http=http,
            model=model,
            api_key=api_key,
            context_tokens=context_tokens,
            timeout_s=timeout_s,
        )

    async def models(self) -> list[ModelInfo]:
        only = _List([_Model(self._model)]) if self._model else None
        listed = await self._listed("/models?limit=1000", _List, missing=only)
        names = [entry.id for entry in listed.data]
        if self._model:
            names.sort(key=lambda name: name != self._model)
        return [self._info(name) for name in names]

    def asked(self, request: ChatRequest, model: str) -> tuple[str, dict[str, Any]]:
        return "/messages", body_of(request, model)

    def answering(self) -> _Answer:
        return _Answer()

    def _info(self, name: str) -> ModelInfo:
        return ModelInfo(id=name, context_tokens=self._context_tokens, vision=True, owned_by="anthropic")


def body_of(request: ChatRequest, model: str) -> dict[str, Any]:
    """The body of a streamed message. Raises UsageError for what the protocol has no words for."""
    system = "\n\n".join(text_of(one) for one in request.messages if one.role in ("system", "developer"))
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": request.max_tokens or _ANSWER_TOKENS,
        "messages": _turns([one for one in request.messages if one.role not in ("system", "developer")]),
        "stream": True,
    }
    if request.temperature is not None:
        body["temperature"] = min(request.temperature, 1.0)  # theirs ends at 1
    if request.stop:
        body["stop_sequences"] = list(request.stop)
    options = request.options
    body |= {theirs: options[ours] for ours, theirs in _PASSED.items() if ours in options}
    if options.get("user"):
        body["metadata"] = {"user_id": str(options["user"])}
    tools = [_tool(one) for one in options.get("tools") or ()]
    wanted = options.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        schema = wanted["json_schema"].get("schema", {})
        system += f"\n\nAnswer with JSON only, by this schema: {msgspec.json.encode(schema).decode()}"
    elif wanted.get("type") == "json_object":
        system += "\n\nAnswer with a JSON object only."
    if tools:
        body["tools"] = tools
        if choice := _choice(options.get("tool_choice"), parallel=options.get("parallel_tool_calls") is not False):
            body["tool_choice"] = choice
    if system.strip():
        body["system"] = system.strip()
    return body


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    function = tool.get("function") or {}
    found = {"name": function.get("name", ""), "input_schema": function.get("parameters") or {"type": "object"}}
    if function.get("description"):
        found["description"] = function["description"]
    return found


def _choice(choice: Any, *, parallel: bool) -> dict[str, Any] | None:
    found: dict[str, Any] | None = {"required": {"type": "any"}, "none": {"type": "none"}}.get(str(choice))
    if isinstance(choice, dict):
        found = {"type": "tool", "name": (choice.get("function") or {}).get("name", "")}
    if not parallel and (found or {}).get("type") != "none":
        found = {**(found or {"type": "auto"}), "disable_parallel_tool_use": True}
    return found


def _turns(messages: list[Message]) -> list[dict[str, Any]]:
    """Their turns alternate: what one side says in a row is one turn, and results of tools are the user's words."""
    turns: list[dict[str, Any]] = []
    for message in messages:
        role = "assistant" if message.role == "assistant" else "user"
        blocks = _blocks(message)
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        elif blocks:
            turns.append({"role": role, "content": blocks})
    return turns


def _blocks(message: Message) -> list[dict[str, Any]]:
    if message.role == "tool":
        return [{"type": "tool_result", "tool_use_id": message.tool_call_id or "", "content": text_of(message)}]
    blocks: list[dict[str, Any]] = []
    parts = message.content if isinstance(message.content, list) else [{"type": "text", "text": message.content or ""}]
    for part in parts:
        image = image_of(part)
        if image is not None:
            source = (
                {"type": "base64", "media_type": image.media_type, "data": image.data}
                if image.data
                else {"type": "url", "url": image.url}
            )
            blocks.append({"type": "image", "source": source})
        elif part.get("text"):
            blocks.append({"type": "text", "text": str(part["text"])})
    for call in message.tool_calls or ():
        function = call.get("function") or {}
        blocks.append(
            {
                "type": "tool_use",
                "id": call.get("id", ""),
                "name": function.get("name", ""),
                "input": arguments_of(function),
            }
        )
    return blocks


class _Model(msgspec.Struct):
    id: str


class _List(msgspec.Struct):
    data: list[_Model]


class _Event(msgspec.Struct):
    type: str = ""
    index: int = 0
    message: dict[str, Any] | None = None
    content_block: dict[str, Any] | None = None
    delta: dict[str, Any] | None = None
    usage: dict[str, Any] | None = None
    error: dict[str, Any] | None = None


_EVENT = msgspec.json.Decoder(_Event)


class _Answer:
    """One answer being put together from its events."""

    def __init__(self) -> None:
        self._reason: FinishReason | None = None
        self._calls: dict[int, int] = {}  # block to tool call
        self._input = self._output = 0

    def take(self, data: bytes) -> list[ChatDelta]:
        try:
            event = _EVENT.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            shown = data[:80].decode("utf-8", "replace")
            raise OrganError(
                f"The model server sent something that is no event: {shown!r}.", code="model_failed"
            ) from error
        match event.type:
            case "error":
                raise _failed(event.error or {})
            case "message_start":
                self._count((event.message or {}).get("usage") or {})
            case "message_delta":
                self._count(event.usage or {})
                reason = (event.delta or {}).get("stop_reason")
                self._reason = _REASONS.get(str(reason), "stop") if reason else self._reason
            case "content_block_start" if (event.content_block or {}).get("type") == "tool_use":
                block = event.content_block or {}
                number = self._calls.setdefault(event.index, len(self._calls))
                function = {"name": block.get("name", ""), "arguments": ""}
                call = {"index": number, "id": block.get("id", ""), "type": "function", "function": function}
                return [ChatDelta(tool_calls=[call])]
            case "content_block_delta":
                return self._piece(event.index, event.delta or {})
        return []

    def _piece(self, index: int, delta: dict[str, Any]) -> list[ChatDelta]:
        match delta.get("type"):
            case "text_delta" if delta.get("text"):
                return [ChatDelta(text=delta["text"])]
            case "thinking_delta" if delta.get("thinking"):
                return [ChatDelta(reasoning=delta["thinking"])]
            case "input_json_delta" if delta.get("partial_json"):
                call = {"index": self._calls.get(index, 0), "function": {"arguments": delta["partial_json"]}}
                return [ChatDelta(tool_calls=[call])]
        return []

    def _count(self, usage: dict[str, Any]) -> None:
        """What came out of their cache was read all the same."""
        names = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
        self._input = sum(int(usage.get(name) or 0) for name in names) or self._input
        self._output = int(usage.get("output_tokens") or 0) or self._output

    def end(self) -> ChatDelta:
        if self._reason is None:
            raise OrganError("The model server's stream ended early.", code="model_failed")
        return ChatDelta(finish_reason=self._reason, usage=TokenUsage(self._input, self._output))


def _failed(error: dict[str, Any]) -> LLMFlowError:
    text = str(error.get("message") or error.get("type") or "an error without a message")
    if error.get("type") in ("overloaded_error", "rate_limit_error"):
        return TooMany(f"The model server says: {text}")
    return OrganError(f"The model server says: {text}", code="model_failed")
