"""Any OpenAI-compatible model server: vLLM, Ollama, llama.cpp, LM Studio, a provider."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from difflib import get_close_matches
from typing import Any

import msgspec
from yarl import URL

from llmflow.errors import ConfigError, LLMFlowError, NotFound, OrganError, UsageError
from llmflow.net.client import HttpClient, Response
from llmflow.net.direct import DirectClient, DirectResponse, Origin
from llmflow.organs.llm.exchange import Refused, chat
from llmflow.organs.llm.refusals import refusal
from llmflow.organs.llm.wire import chat_body, error_text
from llmflow.ports.health import Health
from llmflow.ports.llm import ChatDelta, ChatRequest, ModelInfo, Wire

_USAGE_PATHS = ("/chat/completions", "/completions")
_MAX_REFUSAL_BYTES = 64 * 1024
_LOOK_S = 10.0  # for a server's list of models: it answers from memory or not at all
_SHOWN_MODELS = 8


class OpenAILlm:
    """`url`: the base address, with or without /v1. `model` "": the first one the server lists.

    `context_tokens` and `vision` count where the server does not say. `http` is shared and stays open. The key is in no
    message, whatever the server answers.
    """

    def __init__(
        self,
        *,
        url: str,
        model: str,
        api_key: str,
        context_tokens: int,
        timeout_s: float,
        http: HttpClient,
        direct: DirectClient | None = None,
        vision: bool = False,
    ) -> None:
        self._url = base_url(url, user=not api_key)
        self._model = model
        self._key = api_key
        self._context_tokens = context_tokens
        self._vision = vision
        self._timeout_s = timeout_s
        self._http = http
        self._direct = direct
        self._origin = Origin.of(self._url)
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._first = ""  # the default where none is configured, once known
        self._reports_usage = True

    async def wire(self) -> Wire | None:
        return self if self._direct is not None else None

    async def post(self, path: str, fields: Mapping[str, Any]) -> DirectResponse:
        """`fields` with a model of "" ask the default one."""
        sent = dict(fields)
        if not sent.get("model"):
            sent["model"] = await self._default()
        if path in _USAGE_PATHS and self._reports_usage and sent.get("stream") in (True, msgspec.Raw(b"true")):
            sent["stream_options"] = {"include_usage": True}
        try:
            return await self._sent(path, msgspec.json.encode(sent), "application/json")
        except Refused as refused:
            if not _rejects_usage(refused.response) or "stream_options" not in sent:
                raise await self._refusal(refused.response, str(sent["model"])) from refused
            self._reports_usage = False
        return await self.post(path, {name: value for name, value in fields.items() if name != "stream_options"})

    async def send(self, path: str, body: bytes, *, media_type: str) -> DirectResponse:
        try:
            return await self._sent(path, body, media_type)
        except Refused as refused:
            raise await self._refusal(refused.response, self._model) from refused

    async def _sent(self, path: str, body: bytes, media_type: str) -> DirectResponse:
        """Raises Refused for what is no 200."""
        assert self._direct is not None
        headers = {**self._headers, "content-type": media_type}
        try:
            answer = await self._direct.post(self._origin, path, headers=headers, body=body, timeout_s=self._timeout_s)
            if answer.status != 200:
                raise Refused(Response(answer.status, answer.headers, (await answer.read())[:_MAX_REFUSAL_BYTES]))
        except LLMFlowError as error:
            error.message = self._clean(error.message)
            raise
        if answer.headers.get("content-type", "").startswith("text/html"):
            answer.close()
            message = "A web page answered where a model server was expected."
            raise OrganError(message, code="model_address_wrong")
        return answer

    async def models(self) -> list[ModelInfo]:
        response = await self._get("/models")
        if response.status in (404, 405, 501) and self._model:
            return [
                ModelInfo(
                    id=self._model, context_tokens=self._context_tokens, vision=self._vision, owned_by=self._host()
                )
            ]
        if response.status != 200:
            raise self._error(response, self._model)
        try:
            listed = msgspec.json.decode(response.body, type=_List)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            message = f"{self._shown()}/models answered something that is no list of models."
            raise OrganError(message, code="model_address_wrong") from error
        found = [self._info(entry) for entry in listed.data or listed.models or ()]
        return sorted(found, key=lambda info: not _same(info.id, self._model)) if self._model else found

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        if not request.messages:
            raise UsageError("The request has no messages.", param="messages")
        model = request.model or await self._default()
        while True:
            body = chat_body(request, model)
            if not self._reports_usage:
                del body["stream_options"]
            url = f"{self._url}/chat/completions"
            deltas = chat(self._http, url, headers=self._headers, body=body, timeout_s=self._timeout_s)
            try:
                async with aclosing(deltas):
                    async for delta in deltas:
                        yield delta
                return
            except Refused as refused:
                if self._reports_usage and _rejects_usage(refused.response):
                    self._reports_usage = False
                    continue
                raise await self._refusal(refused.response, model) from refused
            except LLMFlowError as error:
                error.message = self._clean(error.message)
                raise

    async def count_tokens(self, text: str) -> int:
        """An upper estimate (`estimate_tokens`): the protocol has no such question."""
        return estimate_tokens(text)

    async def health(self) -> Health:
        try:
            models = await self.models()
        except LLMFlowError as error:
            return Health(ok=False, where=self._shown(), detail=error.message, hint=error.hint)
        names = [info.id for info in models]
        if not names:
            return Health(ok=False, where=self._shown(), detail="It serves no model.", hint="Load a model there.")
        if self._model and not any(_same(name, self._model) for name in names):
            detail = f"It does not serve '{self._model}'; it has {_some(names)}."
            return Health(ok=False, where=self._shown(), detail=detail, hint="Name one that it has, or load it there.")
        return Health(ok=True, where=self._shown(), detail=f"serves {_some(names)}")

    async def close(self) -> None:
        """Nothing of its own to close."""

    async def _default(self) -> str:
        if self._model:
            return self._model
        if not self._first:
            models = await self.models()
            if not models:
                raise OrganError(f"{self._shown()} serves no model.", code="model_missing", hint="Load a model there.")
            self._first = models[0].id
        return self._first

    async def _get(self, path: str) -> Response:
        wait = min(self._timeout_s, _LOOK_S)
        try:
            return await self._http.request("GET", self._url + path, headers=self._headers, timeout_s=wait)
        except LLMFlowError as error:
            error.message = self._clean(error.message)
            raise

    def _info(self, entry: _Entry) -> ModelInfo:
        """vLLM says `max_model_len`; llama.cpp's `meta` what it serves (`n_ctx`) or was trained for (`n_ctx_train`)."""
        meta = entry.meta or {}
        said = entry.max_model_len or entry.context_length or entry.context_window or _number(meta.get("n_ctx"))
        trained = _number(meta.get("n_ctx_train"))
        context = said or min(self._context_tokens, trained or self._context_tokens)
        return ModelInfo(
            id=entry.id or entry.name,
            context_tokens=context,
            vision=self._vision or entry.sees(),
            owned_by=entry.owned_by or self._host(),
        )

    async def _refusal(self, response: Response, model: str) -> LLMFlowError:
        text = self._clean(error_text(response.body))
        if response.status == 404 and ("model" in text.lower() or b"model_not_found" in response.body):
            self._first = ""
            return await self._unknown(model, text)
        return self._error(response, model)

    async def _unknown(self, model: str, text: str) -> NotFound:
        try:
            names = [info.id for info in await self.models()]
        except LLMFlowError:
            return NotFound(f"The model server does not know '{model}': {text}", code="model_unknown", param="model")
        near = get_close_matches(model, names, 1)
        guess = f" Did you mean '{near[0]}'?" if near else ""
        message = f"The model server does not know '{model}'.{guess} It has {_some(names)}."
        return NotFound(message, code="model_unknown", param="model")

    def _error(self, response: Response, model: str) -> LLMFlowError:
        text = self._clean(error_text(response.body))
        return refusal(
            response.status, text, response.headers, shown=self._shown(), has_key=bool(self._key), model=model
        )

    def _clean(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key else text

    def _shown(self) -> str:
        """The address without user, password and query, which may hold secrets."""
        return str(URL(self._url).with_user(None).with_query(None))

    def _host(self) -> str:
        return URL(self._url).host or "remote"


class _Entry(msgspec.Struct):
    id: str = ""
    name: str = ""
    owned_by: str | None = None
    max_model_len: int | None = None
    context_length: int | None = None
    context_window: int | None = None
    meta: dict[str, Any] | None = None
    capabilities: Any = None
    architecture: Any = None

    def sees(self) -> bool:
        """Reads images: llama.cpp and OpenRouter say so, each in its way; most servers say nothing."""
        able = self.capabilities if isinstance(self.capabilities, list) else ()
        takes = self.architecture.get("input_modalities") if isinstance(self.architecture, dict) else None
        return bool({"multimodal", "vision"} & {str(one) for one in able}) or "image" in (takes or ())


class _List(msgspec.Struct):
    data: list[_Entry] | None = None
    models: list[_Entry] | None = None


def base_url(url: str, *, user: bool = True) -> str:
    """The address that /chat/completions is put behind: /v1 is added where no version stands in the path.

    `user` False drops a user and password: a key goes before. Raises ConfigError for what is no http address.
    """
    parts = URL(url.strip())
    if parts.scheme not in ("http", "https") or not parts.host:
        shown = parts.with_user(None) if parts.host else parts
        raise ConfigError(f"organs.llm.url: '{shown}' is not an http:// or https:// address.", param="organs.llm.url")
    path = parts.path.rstrip("/").removesuffix("/chat/completions").rstrip("/")
    if not any(_VERSION.fullmatch(segment) for segment in path.split("/")):
        path += "/v1"
    base = parts.with_path(path)
    return str(base if user else base.with_user(None))


_VERSION = re.compile(r"v\d+\w*")
_LETTERS = re.compile(r"[A-Za-z ]{1,3}")
_EAST_ASIAN = re.compile(r"[\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u3400-\u9fff\uac00-\ud7af]")


def estimate_tokens(text: str) -> int:
    """More tokens than today's large vocabularies make of ordinary text: ASCII letters and spaces by threes, Hangul,
    kana and ideographs two each, everything else one for each UTF-8 byte."""
    text, letters = _LETTERS.subn("", text)
    text, east_asian = _EAST_ASIAN.subn("", text)
    return letters + 2 * east_asian + len(text.encode("utf-8", "replace"))


def _same(listed: str, wanted: str) -> bool:
    """Ollama lists `name:latest` for `name`."""
    return listed == wanted or listed == f"{wanted}:latest"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN_MODELS} more" if len(names) > _SHOWN_MODELS else ""
    return ", ".join(names[:_SHOWN_MODELS]) + more if names else "none"


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


def _rejects_usage(response: Response) -> bool:
    """Some older servers refuse `stream_options`; the answer matters more than its usage."""
    return response.status in (400, 422) and b"stream_options" in response.body
