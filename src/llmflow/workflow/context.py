"""What a node may see and reach while it runs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from llmflow.config.settings import Workflow
from llmflow.errors import NodeFailed
from llmflow.knowledge.conditions import Conditions, Guess
from llmflow.net.messages import HttpAnswer, HttpRequest
from llmflow.ports.llm import ChatDelta, ChatRequest, Message, ModelInfo
from llmflow.ports.sandbox import Code, Ran
from llmflow.tools.kit import Kit
from llmflow.workflow.events import At, NodeLog
from llmflow.workflow.graph import Node
from llmflow.workflow.templates.template import fill, selectors
from llmflow.workflow.types import Log, Piece, Selector
from llmflow.workflow.variables import Pool

if TYPE_CHECKING:
    from llmflow.workflow.engine.rounds import Rounds


@dataclass(frozen=True, slots=True)
class Search:
    """A search of knowledge. `wishes`: fields of knowledge.rule.SearchRule that are otherwise than the bases keep them.
    `conditions`: on documents, given or made by a model. `one_of`: the model that chooses one of the bases; None: all
    are searched."""

    knowledge: tuple[str, ...]
    query: str
    wishes: Mapping[str, Any] = field(default_factory=dict)
    conditions: Conditions | Guess | None = None
    one_of: Guess | None = None


@dataclass(frozen=True, slots=True)
class Retrieved:
    """`passages`: as Dify's knowledge-retrieval gives them, best first. `told`: what the trace shows beside them."""

    passages: list[dict[str, Any]]
    told: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who is told of a question. `kind`: an address of mail; a member by `value`, the account's id; all members; or
    whoever began the run."""

    kind: Literal["address", "member", "everybody", "initiator"]
    value: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message about a question. `body`: Markdown, with {{#url#}} where the link to the form belongs."""

    subject: str
    body: str
    to: tuple[Recipient, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a node asks people by a form. `id`: of the node's execution, so that asking again asks nothing new.

    `content`: Markdown, with {{#$output.NAME#}} where a field belongs; `inputs`, `actions`: as Dify has them, options
    resolved; `defaults`: of fields, by name; `seconds`: until it is too late; `in_app`: who uses the app may answer."""

    id: str
    node_id: str
    title: str
    content: str
    inputs: Sequence[dict[str, Any]]
    actions: Sequence[dict[str, Any]]
    defaults: Mapping[str, Any]
    seconds: int
    in_app: bool
    letters: tuple[Letter, ...] = ()
    at: At = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to be answered honestly, see nodes/knowledge_answer.py. `request`: model and parameters, without
    messages. `files`: file values; `history`: turns that the caller keeps itself, {"role", "content"}; `waits`: until
    the documents are read. `wishes`, `conditions`, `one_of`: of the search, as in `Search`."""

    query: str
    request: ChatRequest
    knowledge: tuple[str, ...] = ()
    instruction: str = ""
    top_k: int | None = None
    language: str = ""
    files: tuple[Mapping[str, Any], ...] = ()
    history: tuple[Mapping[str, Any], ...] = ()
    waits: bool = False
    wishes: Mapping[str, Any] = field(default_factory=dict)
    conditions: Conditions | Guess | None = None
    one_of: Guess | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """`kind`: generated, quoted or unknown; `hint`: how to get a better answer; `citations`: JSON."""

    text: str
    kind: str = "generated"
    citations: tuple[Mapping[str, Any], ...] = ()
    hint: str = ""
    model: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Chat(Protocol):
    def __call__(self, request: ChatRequest) -> AsyncIterator[ChatDelta]:
        """A model's answer; as `gateway.Gateway.stream`."""


def _absent(what: str) -> NodeFailed:
    return NodeFailed(f"{what} cannot be reached from here.", hint="Run the workflow as a published app.")


def _no_chat(request: ChatRequest) -> AsyncIterator[ChatDelta]:
    raise _absent("A model")


async def _no_model(name: str) -> ModelInfo:
    return ModelInfo(id=name)


async def _no_search(search: Search) -> Retrieved:
    raise _absent("Knowledge")


async def _no_http(request: HttpRequest) -> HttpAnswer:
    raise _absent("The network")


async def _no_read(file: Mapping[str, Any]) -> bytes:
    raise _absent("A file")


async def _no_text(file: Mapping[str, Any]) -> str:
    raise _absent("A reader of documents")


async def _no_keep(body: bytes, name: str, media_type: str) -> dict[str, Any]:
    raise _absent("The store of files")


async def _no_person(question: Question) -> int:
    raise _absent("A person")


async def _no_code(code: Code) -> Ran:
    raise _absent("A place to run code")


async def _most_tokens(text: str, model: str) -> int:
    return len(text.encode("utf-8", "replace"))


def _no_answer(asked: Asked) -> AsyncGenerator[Piece | Log | Answered]:
    raise _absent("Whoever answers")


async def _no_history(turns: int | None) -> Sequence[Message]:
    return ()


@dataclass(frozen=True, slots=True)
class Outside:
    """What nodes may reach outside of their run; each raises errors of errors.py.

    `search` finds passages; `history` the last `turns` questions and
    answers of the conversation, oldest first (None: all); `keep_file` gives a file value (files.make_file); `read_text`
    the text of a document, as Markdown; `code` runs it apart (ports.sandbox); `count_tokens`: of a text for a model, or
    more; `tools`: what can be called by name; `ask` keeps a form for people and says when it expires, in Unix
    milliseconds; `answer` gives the pieces of an honest answer as they come, and last the whole."""

    chat: Chat = _no_chat
    model: Callable[[str], Awaitable[ModelInfo]] = _no_model
    count_tokens: Callable[[str, str], Awaitable[int]] = _most_tokens
    search: Callable[[Search], Awaitable[Retrieved]] = _no_search
    http: Callable[[HttpRequest], Awaitable[HttpAnswer]] = _no_http
    read_file: Callable[[Mapping[str, Any]], Awaitable[bytes]] = _no_read
    read_text: Callable[[Mapping[str, Any]], Awaitable[str]] = _no_text
    keep_file: Callable[[bytes, str, str], Awaitable[dict[str, Any]]] = _no_keep
    code: Callable[[Code], Awaitable[Ran]] = _no_code
    history: Callable[[int | None], Awaitable[Sequence[Message]]] = _no_history
    tools: Kit = field(default_factory=Kit)
    ask: Callable[[Question], Awaitable[int]] = _no_person
    answer: Callable[[Asked], AsyncGenerator[Piece | Log | Answered]] = _no_answer


async def _nothing_to_flush() -> None: ...


@dataclass(slots=True)
class Context:
    """One node's view of its run. `reply`: what a person answered, when the node had asked. `rounds`: a container's.

    `around`: ids of the containers it lies in; `at`: which of their rounds this is. `execution_id`: of this execution,
    the same when the run is taken up again. `is_aside`: it runs in a thread, where nobody waits for it. `flush`: done
    when all it told is durable. `logs`: the steps it had told when the run broke off."""

    node: Node
    pool: Pool
    outside: Outside
    limits: Workflow
    reply: Mapping[str, Any] | None = None
    rounds: Rounds | None = None
    around: tuple[str, ...] = ()
    at: At = ()
    execution_id: str = ""
    is_aside: bool = False
    flush: Callable[[], Awaitable[None]] = _nothing_to_flush
    logs: Sequence[NodeLog] = ()

    def get(self, selector: Selector, default: Any = None) -> Any:
        return self.pool.get(selector, default)

    def holds_secret(self, template: str) -> bool:
        """Whether a secret of the environment stands in the template."""
        names = [selector[1] for selector in selectors(template) if selector[0] == "env"]
        return any(self.pool.type_of("env", name) == "secret" for name in names)

    def fill(self, template: str) -> str:
        """A template with its variables' values."""
        return fill(template, self.pool)
