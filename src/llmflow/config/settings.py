"""Every setting: name, type, default and one line of help. docs/settings.md is generated from these classes."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llmflow import catalog


def setting(
    default: Any,
    help: str,
    *,
    secret: bool = False,
    least: float = 0,
    most: float = float("inf"),
    choices: tuple[str, ...] = (),
) -> Any:
    """A field of a section; `help` is one line for people. `least` and `most` bound a number, both included."""
    about = {"help": help, "secret": secret, "least": least, "most": most, "choices": choices}
    return field(default=default, metadata=about)


@dataclass(frozen=True, slots=True)
class Server:
    """Where and how LLMFlow listens."""

    host: str = setting("127.0.0.1", "Address to listen on; 0.0.0.0 opens it to the network")
    port: int = setting(8700, "Port to listen on; 0: any free one", most=65535)
    workers: int = setting(
        1, "Processes that serve calls of models; more than one needs PostgreSQL (docs/workers.md)", least=1, most=256
    )
    public_url: str = setting("", "Address people reach it under, when a proxy stands in front")
    trusted_proxies: tuple[str, ...] = setting(
        ("127.0.0.1", "::1"), "Proxies whose X-Forwarded-For is believed: addresses, networks, or *"
    )
    cors_origins: tuple[str, ...] = setting((), "Web origins that may call the API from a browser")
    metrics_open: bool = setting(True, "Serve /metrics without a key")
    session_hours: int = setting(168, "Hours until a sign-in ends", least=1)
    log_level: str = setting("info", "debug, info, warning or error", choices=("debug", "info", "warning", "error"))


@dataclass(frozen=True, slots=True)
class Store:
    """The database."""

    url: str = setting("", "postgresql://user:password@host/database; empty: SQLite in the home", secret=True)
    pool_size: int = setting(8, "Open connections at most, in each process", least=1)


@dataclass(frozen=True, slots=True)
class Limits:
    """What is refused with a clear error rather than tried."""

    document_mb: int = setting(100, "Largest document in MB", least=1)
    body_mb: int = setting(10, "Largest JSON request in MB", least=1)
    file_mb: int = setting(15, "Largest file sent to an app in MB", least=1)
    audio_mb: int = setting(30, "Largest recording sent to an app in MB", least=1)
    parse_timeout_s: float = setting(300.0, "Seconds a reader may take for one document", least=1)
    parse_memory_mb: int = setting(2048, "Memory a reader may take in MB", least=256)
    document_pages: int = setting(5000, "Most pages in one document", least=1)
    chat_concurrency: int = setting(32, "Answers being written at once in one process", least=1)
    workflow_concurrency: int = setting(200, "Runs of workflows under way at once in one process", least=1)
    public_concurrency: int = setting(8, "Of these, answers to visitors of public pages at most", least=1)
    design_mb: int = setting(5, "Largest design of an app, and largest DSL file, in MB", least=1)
    openapi_mb: int = setting(16, "Largest OpenAPI document that becomes tools, in MB", least=1)
    app_versions: int = setting(1000, "Published versions kept of one app, at most", least=1)
    min_free_disk_mb: int = setting(200, "Free disk space below which uploads are refused")


@dataclass(frozen=True, slots=True)
class Knowledge:
    """How documents become passages, and how passages are found."""

    chunk_tokens: int = setting(320, "Largest passage in tokens of the embedding model", least=32)
    overlap_tokens: int = setting(40, "Tokens that neighbouring passages share")
    top_k: int = setting(5, "Passages given to a chat app", least=1, most=100)
    job_documents: int = setting(64, "Documents that share one durable job", least=1)
    source_folders: tuple[str, ...] = setting((), "Folders of this machine that sources may read, with all they hold")
    source_files: int = setting(100_000, "Most files of one source", least=1)
    reembed: str = setting(
        "by_itself",
        "Whether a base of another model than the embedding organ's is embedded anew by_itself or by_hand",
        choices=("by_itself", "by_hand"),
    )
    questions_at_once: int = setting(4, "Calls under way of a model that writes questions and answers", least=1)
    archive_files: int = setting(2000, "Files in one archive at most, those of archives in it included", least=1)
    archive_mb: int = setting(2048, "MB that one archive may unpack to", least=1)


@dataclass(frozen=True, slots=True)
class Chat:
    """How chat apps answer."""

    history_messages: int = setting(12, "Earlier messages given to the model, at most")
    answer_tokens: int = setting(768, "Longest answer in tokens", least=1)
    temperature: float = setting(0.0, "0: the same question gives the same answer", most=2)


@dataclass(frozen=True, slots=True)
class Workflow:
    """What a workflow's run may use."""

    steps: int = setting(500, "Nodes a run may start; each round of a container counts anew", least=1)
    seconds: float = setting(1200.0, "Seconds a run may take", least=1)
    depth: int = setting(5, "Workflows that may call each other, one inside the other", least=1)
    parallel_nodes: int = setting(32, "Nodes of one run at work at once", least=1)
    variable_kb: int = setting(200, "Largest input or conversation variable in KB", least=1)
    loop_rounds: int = setting(100, "Most rounds of a loop", least=1)
    parallel_rounds: int = setting(10, "Most rounds of a parallel iteration at work at once", least=1)
    template_characters: int = setting(400_000, "Longest text a template may make", least=1)
    template_ms: int = setting(2000, "Milliseconds a template may take", least=10)
    code_characters: int = setting(400_000, "Longest text that code may give back", least=1)
    code_numbers: int = setting(1000, "Most items of a list of numbers that code may give back", least=1)
    code_items: int = setting(30, "Most items of another list that code may give back", least=1)
    code_depth: int = setting(5, "Levels of objects that code may give back, the outputs themselves included", least=1)
    http_text_kb: int = setting(1024, "Largest text an HTTP node reads in KB", least=1)
    http_file_kb: int = setting(10_240, "Largest file an HTTP node reads in KB", least=1)
    http_seconds: float = setting(60.0, "Seconds an HTTP node waits for an answer, at most", least=1)
    http_redirects: int = setting(5, "Redirects an HTTP node follows", most=20)
    tool_seconds: float = setting(120.0, "Seconds an agent waits for a tool's answer", least=1)
    http_allow: tuple[str, ...] = setting((), "Private hosts or networks (CIDR) that HTTP nodes may reach")


@dataclass(frozen=True, slots=True)
class Triggers:
    """What webhooks and schedules of workflows may do."""

    body_kb: int = setting(1024, "Largest body of a webhook in KB; with files limits.body_mb counts", least=1)
    per_minute: int = setting(120, "Calls that one webhook takes in a minute", least=1)
    concurrency: int = setting(20, "Runs of one trigger under way at once", least=1)
    tolerance_s: float = setting(300.0, "Seconds that the time of a signed call may be off", least=1)
    keep_days: int = setting(30, "Days until it is forgotten what came to a trigger", least=1)
    catch_up_minutes: int = setting(
        60, "A scheduled time missed by less is made up for once when LLMFlow is back; 0: never", most=10_080
    )


@dataclass(frozen=True, slots=True)
class Mail:
    """The server that mail is sent by: to people whom workflows ask. Without one, forms wait in the inbox alone."""

    host: str = setting("", "SMTP server; empty: no mail is sent")
    port: int = setting(587, "Its port: 587 with starttls, 465 with tls", least=1, most=65535)
    tls: str = setting("starttls", "starttls or tls; none: on this machine alone", choices=("starttls", "tls", "none"))
    user: str = setting("", "Who signs in there; empty: nobody")
    password: str = setting("", "Their password, as ${MAIL_PASSWORD}", secret=True)
    sender: str = setting("", "Address that mail comes from, as LLMFlow <llmflow@example.com>")
    timeout_s: float = setting(20.0, "Seconds that the server may take", least=1)


@dataclass(frozen=True, slots=True)
class Tracing:
    """What traces hold."""

    keep_days: int = setting(30, "Days until a trace is deleted", least=1)


@dataclass(frozen=True, slots=True)
class Managed:
    """Servers that LLMFlow installs and runs itself."""

    path: str = setting("", "Folder of their environments, models and logs; empty: organs/ in the home")
    recipes: tuple[str, ...] = setting((), "Recipes of your own, module:NAME; they replace ours of the same name")


@dataclass(frozen=True, slots=True)
class Organ:
    """`use`: a catalog name or module:Class. `options`: the keys beside it, checked against the catalog."""

    use: str
    options: dict[str, Any] = field(default_factory=dict)

    def option(self, port: str, name: str) -> Any:
        """The option's value, or its default from the catalog."""
        adapter = catalog.find(port, self.use)
        default = next((o.default for o in adapter.options if o.name == name), None) if adapter else None
        return self.options.get(name, default)


def default_organs() -> dict[str, Organ]:
    return {port: Organ(use) for port, use in catalog.DEFAULTS.items()}


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything. `home` and `file` come from the command line and the environment, the rest from llmflow.yaml."""

    home: Path
    file: Path | None = None
    server: Server = field(default_factory=Server)
    store: Store = field(default_factory=Store)
    limits: Limits = field(default_factory=Limits)
    knowledge: Knowledge = field(default_factory=Knowledge)
    chat: Chat = field(default_factory=Chat)
    workflow: Workflow = field(default_factory=Workflow)
    triggers: Triggers = field(default_factory=Triggers)
    mail: Mail = field(default_factory=Mail)
    tracing: Tracing = field(default_factory=Tracing)
    managed: Managed = field(default_factory=Managed)
    organs: dict[str, Organ] = field(default_factory=default_organs)
    servers: dict[str, Organ] = field(default_factory=dict)  # further model servers, as organs.llm
    embeddings: dict[str, Organ] = field(default_factory=dict)  # further embedding models, as organs.embedding
    models: dict[str, Any] = field(
        default_factory=dict
    )  # routes by name, in plain values; gateway/routes.py reads them
    master_key: str = field(default="", repr=False)


SECTIONS: dict[str, type] = {
    "server": Server,
    "store": Store,
    "limits": Limits,
    "knowledge": Knowledge,
    "chat": Chat,
    "workflow": Workflow,
    "triggers": Triggers,
    "mail": Mail,
    "tracing": Tracing,
    "managed": Managed,
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the settings table. `adapter`: the one an organ's option belongs to."""

    key: str
    type: str
    default: Any
    help: str
    secret: bool = False
    adapter: str = ""


_TYPE_NAMES = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    "tuple[str, ...]": "list of text",
}


def type_name(kind: Any) -> str:
    """A type as people say it; annotations arrive as strings."""
    by_string = {"str": str, "int": int, "float": float, "bool": bool}
    return _TYPE_NAMES[by_string.get(kind, kind)]


def table() -> list[Row]:
    """Every key an llmflow.yaml may hold, in file order."""
    rows = [
        Row(f"{section}.{f.name}", type_name(f.type), f.default, f.metadata["help"], f.metadata["secret"])
        for section, cls in SECTIONS.items()
        for f in dataclasses.fields(cls)
    ]
    for port in catalog.PORTS:
        names = ", ".join(adapter.name for adapter in catalog.adapters_of(port))
        rows.append(Row(f"organs.{port}.use", "text", catalog.DEFAULTS[port], f"One of: {names}; or module:Class"))
        for adapter in catalog.adapters_of(port):
            for option in adapter.options:
                key = f"organs.{port}.{option.name}"
                help_text = f"({adapter.name}) {option.help}" + (" (required)" if option.required else "")
                rows.append(Row(key, type_name(option.type), option.default, help_text, option.secret, adapter.name))
    return rows


_USERINFO = re.compile(r"(?<=://)[^/@\s]+@")


def in_force(settings: Settings, row: Row) -> Any:
    """The value in force, fit to be shown: a secret says only whether it is set, an address loses its user and
    password. None for an option of an adapter that is not in use."""
    first, *rest = row.key.split(".")
    if first != "organs":
        return shown(row, getattr(getattr(settings, first), rest[0]))
    organ = settings.organs[rest[0]]
    if rest[1] == "use":
        return organ.use
    return shown(row, organ.options.get(rest[1], row.default)) if row.adapter == organ.use else None


def shown(row: Row, value: Any) -> Any:
    if row.secret:
        return "(set)" if value else ""
    return _USERINFO.sub("...@", value) if isinstance(value, str) else value
