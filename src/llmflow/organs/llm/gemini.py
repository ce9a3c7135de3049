"""Google's Gemini API (generateContent), and servers that speak it.

Written against https://ai.google.dev/api/generate-content.
"""

from __future__ import annotations

from collections.abc import Mapping
from secrets import token_hex
from typing import Any

import msgspec

from llmflow.errors import LLMFlowError, OrganError, TooMany
from llmflow.net.client import HttpClient
from llmflow.organs.llm.parts import arguments_of, image_of, text_of
from llmflow.organs.llm.provider import ProviderLlm
from llmflow.ports.llm import ChatDelta, ChatRequest, FinishReason, Message, ModelInfo, TokenUsage

_REASONS: dict[str, FinishReason] = {"STOP": "stop", "MAX_TOKENS": "length", "MALFORMED_FUNCTION_CALL": "stop"}
_CONFIG = {
    "top_p": "topP",
    "top_k": "topK",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
}


class GeminiLlm(ProviderLlm):
    """`url`: with or without /v1beta. `model` "": the first one it lists that makes text."""

    prefix = "models/"

    def __init__(
        self,
        *,
        http: HttpClient,
        url: str = "https://generativelanguage.googleapis.com",
        model: str = "",
        api_key: str = "",
        context_tokens: int = 1_000_000,
        timeout_s: float = 120.0,
    ) -> None:
        base = url.strip().rstrip("/")
        super().__init__(
            base if base.endswith(("/v1beta", "/v1")) else f"{base}/v1beta",
            {"x-goog-api-key": api_key},
            http=http,
            model=model,
            api_key=api_key,
            context_tokens=context_tokens,
            timeout_s=timeout_s,
        )

    async def models(self) -> list[ModelInfo]:
        listed = (await self._listed("/models?pageSize=1000", _List)).models
        found = [self._info(one) for one in listed if "generateContent" in one.methods]
        return sorted(found, key=lambda info: info.id != self._model) if self._model else found

    def asked(self, request: ChatRequest, model: str) -> tuple[str, dict[str, Any]]:
        return f"/models/{model}:streamGenerateContent?alt=sse", body_of(request)

    def answering(self) -> _Answer:
        return _Answer()

    def _info(self, model: _Model) -> ModelInfo:
        context = model.context or self._context_tokens
        return ModelInfo(model.name.removeprefix(self.prefix), context_tokens=context, vision=True, owned_by="google")

    def _refused(self, status: int, body: bytes, headers: Mapping[str, str], model: str) -> LLMFlowError:
        """A wrong key is a 400 here, and how long to wait stands in the body."""
        is_key = status == 400 and b"API key" in body
        error = super()._refused(401 if is_key else status, body, headers, model)
        if isinstance(error, TooMany) and error.wait_s is None:
            error.wait_s = _retry_delay_s(body)
        return error


def _retry_delay_s(body: bytes) -> int | None:
    """google.rpc.RetryInfo in the error's details: "retryDelay": "30s"."""
    try:
        details = msgspec.json.decode(body, type=_Error).error.details
    except msgspec.DecodeError:
        return None
    delays = [str(one.get("retryDelay", "")).removesuffix("s") for one in details]
    return next((round(float(one) + 0.5) for one in delays if one.replace(".", "", 1).isdigit()), None)


def body_of(request: ChatRequest) -> dict[str, Any]:
    """Raises UsageError for what the protocol has no words for."""
    options = request.options
    system = "\n\n".join(text_of(one) for one in request.messages if one.role in ("system", "developer"))
    config: dict[str, Any] = {
        theirs: options[ours] for ours, theirs in _CONFIG.items() if options.get(ours) is not None
    }
    if request.temperature is not None:
        config["temperature"] = request.temperature
    if request.max_tokens is not None:
        config["maxOutputTokens"] = request.max_tokens
    if request.stop:
        config["stopSequences"] = list(request.stop)
    wanted = options.get("response_format") or {}
    if wanted.get("type") in ("json_schema", "json_object"):
        config["responseMimeType"] = "application/json"
    if wanted.get("type") == "json_schema":
        config["responseJsonSchema"] = wanted["json_schema"].get("schema", {})
    body: dict[str, Any] = {"contents": _contents(request.messages)}
    if system:
        body["systemInstruction"] = {"parts": [{"text": system}]}
    if config:
        body["generationConfig"] = config
    if options.get("tools"):
        body["tools"] = [{"functionDeclarations": [_tool(one) for one in options["tools"]]}]
        if choice := _choice(options.get("tool_choice")):
            body["toolConfig"] = {"functionCallingConfig": choice}
    return body


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    function = tool.get("function") or {}
    found = {"name": function.get("name", ""), "description": function.get("description") or ""}
    if function.get("parameters"):
        found["parametersJsonSchema"] = function["parameters"]
    return found


def _choice(choice: Any) -> dict[str, Any] | None:
    if isinstance(choice, dict):
        return {"mode": "ANY", "allowedFunctionNames": [(choice.get("function") or {}).get("name", "")]}
    mode = {"required": "ANY", "none": "NONE", "auto": "AUTO"}.get(str(choice))
    return {"mode": mode} if mode else None


def _contents(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    """What one side says in a row is one content; a tool's result names its function, which the call named."""
    contents: list[dict[str, Any]] = []
    names: dict[str, str] = {}
    for message in messages:
        if message.role in ("system", "developer"):
            continue
        role = "model" if message.role == "assistant" else "user"
        parts = _parts(message, names)
        if contents and contents[-1]["role"] == role:
            contents[-1]["parts"] += parts
        elif parts:
            contents.append({"role": role, "parts": parts})
    return contents


def _parts(message: Message, names: dict[str, str]) -> list[dict[str, Any]]:
    if message.role == "tool":
        name = message.name or names.get(message.tool_call_id or "", "tool")
        return [{"functionResponse": {"name": name, "response": _result(text_of(message))}}]
    found: list[dict[str, Any]] = []
    parts = message.content if isinstance(message.content, list) else [{"type": "text", "text": message.content or ""}]
    for part in parts:
        image = image_of(part)
        if image is not None:
            inline = {"inlineData": {"mimeType": image.media_type, "data": image.data}}
            found.append(inline if image.data else {"fileData": {"fileUri": image.url}})
        elif part.get("text"):
            found.append({"text": str(part["text"])})
    for call in message.tool_calls or ():
        function = call.get("function") or {}
        names[str(call.get("id") or "")] = str(function.get("name") or "")
        found.append({"functionCall": {"name": function.get("name", ""), "args": arguments_of(function)}})
    return found


def _result(text: str) -> dict[str, Any]:
    """Their results are objects."""
    try:
        found = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return {"result": text}
    return found if isinstance(found, dict) else {"result": found}


class _Model(msgspec.Struct):
    name: str
    context: int = msgspec.field(default=0, name="inputTokenLimit")
    methods: list[str] = msgspec.field(default_factory=list, name="supportedGenerationMethods")


class _List(msgspec.Struct):
    models: list[_Model]


class _Details(msgspec.Struct):
    details: list[dict[str, Any]] = msgspec.field(default_factory=list)


class _Error(msgspec.Struct):
    error: _Details


class _Content(msgspec.Struct):
    parts: list[dict[str, Any]] = msgspec.field(default_factory=list)


class _Candidate(msgspec.Struct):
    content: _Content | None = None
    reason: str | None = msgspec.field(default=None, name="finishReason")


class _Usage(msgspec.Struct):
    prompt: int = msgspec.field(default=0, name="promptTokenCount")
    answer: int = msgspec.field(default=0, name="candidatesTokenCount")
    thoughts: int = msgspec.field(default=0, name="thoughtsTokenCount")


class _Chunk(msgspec.Struct):
    candidates: list[_Candidate] = msgspec.field(default_factory=list)
    usage: _Usage | None = msgspec.field(default=None, name="usageMetadata")
    feedback: dict[str, Any] | None = msgspec.field(default=None, name="promptFeedback")
    error: dict[str, Any] | None = None


_CHUNK = msgspec.json.Decoder(_Chunk)


class _Answer:
    """One answer being put together from its chunks."""

    def __init__(self) -> None:
        self._reason: FinishReason | None = None
        self._usage: TokenUsage | None = None
        self._calls = 0

    def take(self, data: bytes) -> list[ChatDelta]:
        try:
            chunk = _CHUNK.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            shown = data[:80].decode("utf-8", "replace")
            raise OrganError(
                f"The model server sent something that is no chunk: {shown!r}.", code="model_failed"
            ) from error
        if chunk.error:
            text = str(chunk.error.get("message") or "an error without a message")
            raise OrganError(f"The model server says: {text}", code="model_failed")
        if chunk.usage:
            self._usage = TokenUsage(chunk.usage.prompt, chunk.usage.answer + chunk.usage.thoughts)
        if (chunk.feedback or {}).get("blockReason"):
            self._reason = "content_filter"
        found: list[ChatDelta] = []
        for candidate in chunk.candidates[:1]:
            for part in candidate.content.parts if candidate.content else ():
                if delta := self._part(part):
                    found.append(delta)
            if candidate.reason:
                self._reason = _REASONS.get(candidate.reason, "content_filter")
        return found

    def _part(self, part: dict[str, Any]) -> ChatDelta | None:
        if call := part.get("functionCall"):
            arguments = msgspec.json.encode(call.get("args") or {}).decode()
            function = {"name": call.get("name", ""), "arguments": arguments}
            told = {"index": self._calls, "id": call.get("id") or f"call_{token_hex(12)}", "type": "function"}
            self._calls += 1
            return ChatDelta(tool_calls=[{**told, "function": function}])
        text = part.get("text")
        if not text:
            return None
        return ChatDelta(reasoning=text) if part.get("thought") else ChatDelta(text=text)

    def end(self) -> ChatDelta:
        if self._reason is None:
            raise OrganError("The model server's stream ended early.", code="model_failed")
        reason: FinishReason = "tool_calls" if self._calls and self._reason == "stop" else self._reason
        return ChatDelta(finish_reason=reason, usage=self._usage)
