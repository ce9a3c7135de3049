"""Nouns of apps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from llmflow.errors import LLMFlowError
from llmflow.knowledge.types import Scores
from llmflow.workflow.dsl.bindings import Bindings
from llmflow.workflow.dsl.document import GRAPH_MODES, Document

AnswerKind = Literal["generated", "quoted", "unknown", "annotated", "given"]
MessageStatus = Literal["running", "normal", "paused", "stopped", "error"]
Rating = Literal["like", "dislike"]
Source = Literal["api", "account", "public"]


@dataclass(frozen=True, slots=True)
class ChatConfig:
    """How a chat app answers. `knowledge`: ids of knowledge bases; `model` "": the default model; `top_k` None: the
    setting's; `user_input_form`: Dify's form items, handed on as they are; `voice` "": the
    speech organ's."""

    knowledge: tuple[str, ...] = ()
    model: str = ""
    instruction: str = ""
    opening_statement: str = ""
    suggested_questions: tuple[str, ...] = ()
    suggested_questions_after_answer: bool = False
    retriever_resource: bool = True
    speech_to_text: bool = False
    text_to_speech: bool = False
    voice: str = ""
    top_k: int | None = None
    user_input_form: tuple[dict[str, Any], ...] = ()
    language: str = ""
    icon: str = "🤖"
    icon_background: str = "#E4FBCC"


@dataclass(frozen=True, slots=True)
class App:
    """`mode`: Dify's names."""

    id: str
    workspace_id: str
    name: str
    mode: str
    description: str
    config: ChatConfig
    created_at: int
    updated_at: int

    @property
    def has_graph(self) -> bool:
        return self.mode in GRAPH_MODES

    @property
    def answers(self) -> bool:
        """Whether one can talk to it; a completion app is filled in, a workflow is run."""
        return self.mode in ("chat", "agent-chat", "advanced-chat")


@dataclass(frozen=True, slots=True)
class Design:
    """What an app does: its document, secrets and all, and what the names in it are called here."""

    document: Document
    bindings: Bindings = field(default_factory=Bindings)


@dataclass(frozen=True, slots=True)
class AppVersion:
    """A state of an app's design. `number`: 0 is the draft, published ones count from 1, the highest is in force;
    `hash`: another one after each save; `author`: an account's id, None for a key's holder."""

    id: str
    workspace_id: str
    app_id: str
    number: int
    name: str
    note: str
    hash: str
    author: str | None
    created_at: int
    updated_at: int


@dataclass(frozen=True, slots=True)
class AppContents:
    """How many there are of what belongs to one app."""

    conversations: int
    end_users: int
    files: int
    keys: int


@dataclass(frozen=True, slots=True)
class AppUser:
    """A user of an app. `external_id`: of a person who signed in (`source` "account") the account; of a caller of the
    API ("api") the name it sent; of a visitor of the public page ("public") a digest."""

    id: str
    source: str
    external_id: str
    app: str


@dataclass(frozen=True, slots=True)
class SiteSettings:
    """How a public page shows its app. `title`, `welcome` "": the app's name, its opening statement. `origins`: the
    exact origins whose pages may embed it; none: nobody's. The limits are questions in a minute: of one visitor, of
    one network address, of all visitors together."""

    title: str = ""
    welcome: str = ""
    citations: bool = True
    origins: tuple[str, ...] = ()
    visitor_per_minute: int = 10
    address_per_minute: int = 30
    page_per_minute: int = 120


@dataclass(frozen=True, slots=True)
class Site:
    """An app's public page. `code`: the unguessable end of its address; `expires_at`: Unix milliseconds, None:
    never."""

    id: str
    workspace_id: str
    app_id: str
    code: str
    is_on: bool
    settings: SiteSettings
    expires_at: int | None
    created_at: int
    updated_at: int


@dataclass(frozen=True, slots=True)
class EndUser:
    """Who asks. `source`: "api", where `external_id` is the caller's word and opens no document; "account", a person
    who signed in, by account id; "public", a visitor of a public page. Equal names of two sources are two people."""

    id: str
    workspace_id: str
    app_id: str
    external_id: str
    created_at: int
    source: Source = "api"


@dataclass(frozen=True, slots=True)
class Citation:
    """A passage an answer rests on. `position`: the number in the answer, from 1; `quote`: the words quoted from it."""

    position: int
    document: str
    document_id: str
    knowledge: str
    knowledge_id: str
    chunk_id: str
    text: str
    score: float
    scores: Scores
    page: int | None = None
    heading_path: list[str] = field(default_factory=list)
    ordinal: int = 0
    hit_count: int = 0
    created_at: int = 0
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Thought:
    """A round of an agent, as Dify shows it. `tool`: names of the tools it called, by ";"; `tool_labels`: what people
    call them; `tool_input` and `observation`: JSON by tool, what they were given and what they answered; `files`: ids
    of those they made. Time is Unix milliseconds."""

    id: str
    position: int
    thought: str = ""
    tool: str = ""
    tool_labels: dict[str, Any] = field(default_factory=dict)
    tool_input: str = ""
    observation: str = ""
    files: list[str] = field(default_factory=list)
    created_at: int = 0


@dataclass(frozen=True, slots=True)
class Conversation:
    id: str
    app_id: str
    end_user_id: str
    name: str
    inputs: dict[str, Any]
    created_at: int
    updated_at: int


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """A question and its answer, as kept. `parent_id`: the message it follows; those with one parent are branches.
    Times are Unix milliseconds; `kind` is "" until there is an answer. `workflow_run_id`: the run that answers it.
    `rating`, `reason` and `correction` are what its user thinks of the answer."""

    id: str
    app_id: str
    conversation_id: str
    parent_id: str | None
    end_user_id: str
    query: str
    answer: str
    inputs: dict[str, Any]
    citations: list[Citation]
    files: list[dict[str, Any]]
    status: MessageStatus
    error: str
    kind: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    first_token_ms: int
    elapsed_ms: int
    created_at: int
    thoughts: list[Thought] = field(default_factory=list)
    workflow_run_id: str | None = None
    rating: Rating | None = None
    reason: str | None = None
    correction: str | None = None


@dataclass(frozen=True, slots=True)
class StoredFeedback:
    id: str
    app_id: str
    conversation_id: str
    message_id: str
    end_user_id: str
    rating: Rating
    content: str | None
    created_at: int
    updated_at: int


@dataclass(frozen=True, slots=True)
class Review:
    """Feedback beside what it is about. `reason`: why; `correction`: the answer as it should have been."""

    message_id: str
    conversation_id: str
    question: str
    answer: str
    model: str
    rating: Rating
    reason: str | None
    correction: str | None
    source: Source
    external_id: str
    created_at: int
    updated_at: int


@dataclass(frozen=True, slots=True)
class AppFile:
    """A file sent to an app; its bytes are in the blobs under `digest`."""

    id: str
    workspace_id: str
    app_id: str
    end_user_id: str
    name: str
    extension: str
    media_type: str
    size: int
    digest: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, and milliseconds from the question to the first and to the last word."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    first_token_ms: int = 0
    elapsed_ms: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered. `hint`: how to get a better one, "" when there is nothing to say; `annotation_id`: the
    annotation it repeats."""

    text: str
    kind: AnswerKind
    citations: tuple[Citation, ...] = ()
    hint: str = ""
    model: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    annotation_id: str | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """The app's documents are still being read: `ready` of `total`."""

    ready: int
    total: int


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Replaced:
    """The answer so far is withdrawn; `text` stands in its place."""

    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The last event: the answer is stored. `stopped`: by its reader, before it was whole; `paused`: a person has to
    answer a form before it goes on."""

    answer: Answer
    usage: Usage
    stopped: bool = False
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """The last event of a turn that broke; code and hint as in errors.py."""

    code: str
    message: str
    hint: str
    status: int

    def error(self) -> LLMFlowError:
        """To be raised where somebody waited for the answer."""
        found = LLMFlowError(self.message, code=self.code, hint=self.hint)
        found.status = self.status  # type: ignore[misc]
        return found


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A file that the answer came with. `type`: Dify's image, document ...; `url`: where it is read."""

    id: str
    type: str
    url: str


TurnEvent = Waiting | TextDelta | Replaced | Thought | MadeFile | Ended | Failed
