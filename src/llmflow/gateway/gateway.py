"""The gateway: finds the server of a model, hands the request on, counts what was used, opens a span."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from difflib import get_close_matches

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from llmflow.errors import LLMFlowError, NotFound, OrganError
from llmflow.gateway.asker import asker
from llmflow.gateway.no_limits import NoLimits
from llmflow.gateway.types import Border, Call, Deployment, Limits, UsageRecord
from llmflow.ports.embedding import Embedding, Role, Vectors
from llmflow.ports.llm import ChatDelta, ChatRequest, Llm, ModelInfo, TokenUsage

DEFAULT = "default"
_CHARACTERS_A_TOKEN = 4  # where nobody counted
_LOOK_S = 5.0  # for a connected server's list of models; the organ may load its model first
_SLOW_S = 1.0
_SPARE_S = 15.0


class Gateway:
    """`llms`: our model servers by name; the preferred one, else "default", else the first, answers requests that name
    no model. Servers come and go while it runs.

    `limits` are asked before each call and told after it, for whom `asker` says. `border` None: nothing is masked.
    """

    def __init__(
        self,
        llms: Mapping[str, Llm],
        embedding: Embedding,
        *,
        limits: Limits | None = None,
        border: Border | None = None,
    ) -> None:
        self._llms = dict(llms)
        self._embedding = embedding
        self._limits = limits or NoLimits()
        self._border = border
        self._tracer = trace.get_tracer("llmflow.gateway")
        self._preferred = DEFAULT
        self._known: dict[str, Deployment] = {}
        self._failure: LLMFlowError | None = None  # of a server that was asked for its models last time
        self._slow: dict[str, tuple[float, LLMFlowError]] = {}  # servers not asked again before a time, and why

    @property
    def preferred(self) -> str:
        """The name of the server that answers requests that name no model."""
        return self._preferred

    @property
    def names(self) -> tuple[str, ...]:
        """The servers there are."""
        return tuple(self._llms)

    def serve(self, name: str, llm: Llm) -> Llm | None:
        """Serves a server's models from the next request on; the one that had this name before."""
        before = self._llms.get(name)
        self._llms[name] = llm
        self._forget()
        return before

    def drop(self, name: str) -> Llm | None:
        """Serves it no longer; answers under way go on."""
        before = self._llms.pop(name, None)
        self._forget()
        return before

    def prefer(self, name: str = DEFAULT) -> None:
        """Which server answers requests that name no model."""
        self._preferred = name
        self._forget()

    def _forget(self) -> None:
        self._known, self._slow = {}, {}

    async def models(self) -> list[ModelInfo]:
        """What the servers serve now, the default first. A server that fails is left out; raises when all fail."""
        return [deployment.info for deployment in await self.deployments()]

    async def deployments(self) -> list[Deployment]:
        """As `models`, each with its server."""
        return await self._look()

    async def info(self, model: str = "") -> ModelInfo:
        """What is known of a model ("": the default). Raises NotFound (model_unknown) and OrganError."""
        return (await self._deployment(model)).info

    async def count_tokens(self, text: str, model: str = "") -> int:
        """Tokens of `text` for a model's server; an upper estimate where the server cannot say."""
        return await (await self._deployment(model)).llm.count_tokens(text)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        """The answer of the server that has `request.model`; closing the iterator stops it there.

        Raises, from the first `anext` on, NotFound (model_unknown) and what the server's adapter raises.
        """
        chosen = await self._deployment(request.model)
        tokens = _characters(request) // _CHARACTERS_A_TOKEN
        about = Call("chat", request.model or chosen.info.id, asker(), tokens, request.max_tokens)
        tell = await self._limits.ask(about)
        call = _Call(self._tracer, chosen, request)
        crossing = None
        deltas = None
        try:
            if self._border is not None and (crossing := await self._border.cross(about, request)) is not None:
                request = crossing.request
            deltas = chosen.llm.stream(request if request.model != DEFAULT else _unnamed(request))
            async for delta in deltas:
                call.saw(delta)
                shown = crossing.back(delta) if crossing else delta
                if shown is not None:
                    yield shown
            if crossing and (rest := crossing.rest()) is not None:
                yield rest
            call.outcome = "ok"
        except LLMFlowError as error:
            call.outcome = error.code
            # what this server has may have changed: the next request for it asks
            self._known = {model: one for model, one in self._known.items() if one.name != chosen.name}
            raise
        finally:
            if deltas is not None:
                await _close(deltas)
            tell(call.end())

    async def embed(self, model: str, texts: Sequence[str], role: Role) -> Vectors:
        """Unit vectors, one row for each text. Raises NotFound (model_unknown) and what the embedding organ raises."""
        name = await self.embedding_model()
        if model not in ("", name):
            raise _unknown(model, [name])
        tokens = sum(map(len, texts)) // _CHARACTERS_A_TOKEN
        tell = await self._limits.ask(Call("embeddings", name, asker(), tokens))
        started = time.monotonic()
        outcome = "cancelled"
        with self._tracer.start_as_current_span(f"embeddings {name}", kind=SpanKind.CLIENT) as span:
            span.set_attributes({"gen_ai.operation.name": "embeddings", "gen_ai.request.model": name})
            try:
                vectors = await self._embedding.embed(texts, role)
                outcome = "ok"
                return vectors
            except LLMFlowError as error:
                outcome = error.code
                raise
            finally:
                taken = time.monotonic() - started
                tell(UsageRecord("embeddings", "embedding", name, tokens, 0, True, outcome, taken))

    async def embedding_model(self) -> str:
        """The name of the embedding organ's weights; loads the organ, which alone knows it."""
        await self._embedding.embed([], "query")
        return self._embedding.model

    async def _deployment(self, model: str) -> Deployment:
        if model not in self._known and not (model in ("", DEFAULT) and await self._look_at_preferred()):
            await self._look()
        found = self._known.get(model)
        if found is None and self._failure:
            raise self._failure  # it may be that server's
        if found is None:
            raise _unknown(model, [name for name in self._known if name not in ("", DEFAULT)])
        return found

    async def _look_at_preferred(self) -> bool:
        """Asks only the server that answers where no model is named: the others need not be waited for."""
        answer = await self._models_of(self._names()[0]) if self._llms else []
        if isinstance(answer, LLMFlowError):
            raise answer
        if answer:
            self._known |= {"": answer[0], DEFAULT: answer[0]}
        return bool(answer)

    def _names(self) -> list[str]:
        """The servers in the order they are asked in."""
        return sorted(self._llms, key=lambda name: (name != self._preferred, name != DEFAULT))

    async def _look(self) -> list[Deployment]:
        """Asks every server what it has; the first server to list a model serves it."""
        answers = await asyncio.gather(*(self._models_of(name) for name in self._names()))
        failures = [answer for answer in answers if isinstance(answer, LLMFlowError)]
        found = [deployment for answer in answers if isinstance(answer, list) for deployment in answer]
        if failures and not found:
            raise failures[0]
        known: dict[str, Deployment] = {}
        if found and not isinstance(answers[0], LLMFlowError):
            known[""] = known[DEFAULT] = found[0]
        for deployment in found:
            known.setdefault(deployment.info.id, deployment)
        for deployment in found:
            known.setdefault(deployment.info.id.removesuffix(":latest"), deployment)  # as Ollama lets one ask
        self._known, self._failure = known, failures[0] if failures else None
        return found

    async def _models_of(self, name: str) -> list[Deployment] | LLMFlowError:
        llm, started = self._llms[name], time.monotonic()
        until, reason = self._slow.get(name, (0.0, None))
        if reason is not None and started < until:
            return reason
        self._slow.pop(name, None)
        try:
            async with asyncio.timeout(None if name == DEFAULT else _LOOK_S):
                return [Deployment(name, llm, info) for info in await llm.models()]
        except TimeoutError:
            error: LLMFlowError = OrganError(
                f"{name} did not say what it serves in {_LOOK_S:g} s.", code="model_timeout"
            )
        except LLMFlowError as failure:
            error = failure
        if time.monotonic() - started > _SLOW_S:  # asked again for each request, it would hold up the others' models
            self._slow[name] = (time.monotonic() + _SPARE_S, error)
        return error


class _Call:
    """One chat call under way: its span, and what it used. No content is kept."""

    def __init__(self, tracer: trace.Tracer, chosen: Deployment, request: ChatRequest) -> None:
        self.outcome = "cancelled"
        self._chosen = chosen
        self._request = request
        self._started = time.monotonic()
        self._first_s: float | None = None
        self._pieces = 0
        self._usage: TokenUsage | None = None
        self._reason = ""
        self._span = tracer.start_span(f"chat {chosen.info.id}", kind=SpanKind.CLIENT)
        _describe(self._span, chosen, request)

    def saw(self, delta: ChatDelta) -> None:
        if self._first_s is None:
            self._first_s = time.monotonic() - self._started
        self._pieces += bool(delta.text or delta.reasoning or delta.tool_calls)
        self._usage = delta.usage or self._usage
        self._reason = delta.finish_reason or self._reason

    def end(self) -> UsageRecord:
        """A piece counts as a token where the server did not say: that is what servers send."""
        usage = self._usage or TokenUsage(_characters(self._request) // _CHARACTERS_A_TOKEN, self._pieces)
        span = self._span
        span.set_attribute("gen_ai.usage.input_tokens", usage.prompt_tokens)
        span.set_attribute("gen_ai.usage.output_tokens", usage.completion_tokens)
        if self._reason:
            span.set_attribute("gen_ai.response.finish_reasons", [self._reason])
        if self._first_s is not None:
            span.set_attribute("gen_ai.response.time_to_first_chunk", self._first_s)
        if self.outcome != "ok":
            span.set_attribute("error.type", self.outcome)
            if self.outcome != "cancelled":
                span.set_status(Status(StatusCode.ERROR))
        span.end()
        return UsageRecord(
            operation="chat",
            deployment=self._chosen.name,
            model=self._chosen.info.id,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            is_estimated=self._usage is None,
            outcome=self.outcome,
            duration_s=time.monotonic() - self._started,
            first_s=self._first_s,
        )


def _describe(span: Span, chosen: Deployment, request: ChatRequest) -> None:
    """Source of the names: OpenTelemetry's semantic conventions for generative AI."""
    span.set_attributes(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": chosen.info.owned_by,
            "gen_ai.request.model": chosen.info.id,
            "llmflow.deployment": chosen.name,
        }
    )
    if request.temperature is not None:
        span.set_attribute("gen_ai.request.temperature", request.temperature)
    if request.max_tokens is not None:
        span.set_attribute("gen_ai.request.max_tokens", request.max_tokens)


def _characters(request: ChatRequest) -> int:
    """Of all messages' text; images and the like count nothing."""
    contents = (message.content for message in request.messages)
    return sum(
        len(content) if isinstance(content, str) else sum(len(str(part.get("text") or "")) for part in content or ())
        for content in contents
    )


def _unnamed(request: ChatRequest) -> ChatRequest:
    return ChatRequest(
        request.messages,
        temperature=request.temperature,
        max_tokens=request.max_tokens,
        stop=request.stop,
        options=request.options,
    )


def _unknown(model: str, names: Sequence[str]) -> NotFound:
    near = get_close_matches(model, names, 1, 0.4)
    guess = f" Did you mean '{near[0]}'?" if near else f" There are: {', '.join(names) or 'none'}."
    return NotFound(f"There is no model '{model}'.{guess}", code="model_unknown", param="model")


async def _close(deltas: AsyncIterator[ChatDelta]) -> None:
    if isinstance(deltas, AsyncGenerator):
        await deltas.aclose()
