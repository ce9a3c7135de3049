"""What llmflow.yaml names becomes an organ: the adapter imported, its constructor given what it asks for.

Adapters of heavy organs are `Late`: imported and built at their first call, in a thread, so that starting costs little
and an organ that is missing fails only what needs it. An adapter's constructor gets its options from llmflow.yaml, and
whatever it asks for by name out of `supplies_of` (docs/organs.md lists them); so a class of yours can be named there
too.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from llmflow import catalog
from llmflow.access.accounts import StoredAccounts
from llmflow.config.settings import Organ, Settings
from llmflow.errors import ConfigError, OrganError
from llmflow.managed.servers import Servers
from llmflow.net.client import HttpClient
from llmflow.net.direct import DirectClient
from llmflow.ports.blobs import Blobs
from llmflow.ports.chunker import Chunker
from llmflow.ports.embedding import Embedding
from llmflow.ports.identity import Identity
from llmflow.ports.jobs import Jobs
from llmflow.ports.llm import Llm
from llmflow.ports.parser import Parser
from llmflow.ports.rerank import Rerank
from llmflow.ports.sandbox import Sandbox
from llmflow.ports.speech import Speech
from llmflow.ports.tracing import Tracing
from llmflow.ports.vector_store import VectorStore
from llmflow.store.database import Database, sqlite_url
from llmflow.store.spans import write_spans
from llmflow.wiring.late import Late

_MB = 1024 * 1024
_LATE = ("llm", "embedding", "rerank", "speech", "vector_store", "parser", "chunker", "sandbox")
_FOLDERS = {"vector_store": "vectors", "blobs": "blobs"}


@dataclass(frozen=True, slots=True)
class Organs:
    llm: Llm
    embedding: Embedding
    rerank: Rerank
    speech: Speech
    vector_store: VectorStore
    parser: Parser
    chunker: Chunker
    sandbox: Sandbox
    jobs: Jobs
    blobs: Blobs
    identity: Identity
    tracing: Tracing


def make_all(settings: Settings, supplies: dict[str, Any], built: dict[str, Any]) -> Organs:
    """Puts the organs into `built`, where each finds others once it is asked."""
    for port, organ in settings.organs.items():
        if port in _LATE:
            built[port] = Late(partial(make, port, organ, supplies))
        else:
            built[port] = make(port, organ, supplies)
    return Organs(**built)


def make(port: str, organ: Organ, supplies: dict[str, Any]) -> Any:
    """Imports the adapter and makes it. Raises ConfigError (adapter_unknown) and OrganError (extra_missing)."""
    adapter = catalog.find(port, organ.use)
    target = adapter.target if adapter else organ.use
    module_name, _, class_name = target.partition(":")
    try:
        cls = getattr(importlib.import_module(module_name), class_name)
    except ModuleNotFoundError as error:
        if adapter is None and error.name and module_name.startswith(error.name):
            raise ConfigError(
                f"organs.{port}.use: there is no module {module_name}.", code="adapter_unknown"
            ) from error
        extra = adapter.extra if adapter else None
        how = f"pip install 'llmflow[{extra}]'" if extra else f"pip install {error.name}"
        raise OrganError(f"`{organ.use}` needs {error.name}: {how}", code="extra_missing") from error
    except AttributeError as error:
        message = f"organs.{port}.use: {module_name} has no class {class_name}."
        raise ConfigError(message, code="adapter_unknown") from error
    asked = inspect.signature(cls).parameters
    given = {name: value for name, value in supplies.items() if name in asked}
    if "path" in asked and port in _FOLDERS:
        given["path"] = _folder(supplies["home"], organ, _FOLDERS[port])
    for option in adapter.options if adapter else ():
        value = organ.options.get(option.name, option.default)
        if option.name != "path" or port not in _FOLDERS:
            given[option.name] = value
    if adapter is None:
        given.update(organ.options)
    return cls(**given)


def _folder(home: Path, organ: Organ, folder: str) -> Path:
    """Where an organ keeps its files: its `path` option, else a folder of the home."""
    return Path(organ.options.get("path") or home / folder).expanduser().absolute()


def supplies_of(
    settings: Settings,
    database: Database,
    http: HttpClient,
    direct: DirectClient,
    workspace_id: str,
    servers: Servers,
    built: dict[str, Any],
) -> dict[str, Any]:
    """What adapters' constructors may ask for by name."""
    home = settings.home
    return {
        "home": home,
        "cache": home / "cache",
        "http": http,
        "direct": direct,
        "database_url": settings.store.url or sqlite_url(home / "jobs.db"),
        "executor_id": "main",
        "accounts": StoredAccounts(database, workspace_id),
        "write_spans": partial(write_spans, database, workspace_id),
        "count_tokens": count_tokens,
        "embed_texts": lambda texts: built["embedding"].embed(texts, "passage"),
        "servers": servers.server,
        "timeout_s": settings.limits.parse_timeout_s,
        "memory_mb": settings.limits.parse_memory_mb,
        "max_bytes": settings.limits.document_mb * _MB,
        "max_pages": settings.limits.document_pages,
    }


def characters(texts: Sequence[str]) -> list[int]:
    return [len(text) for text in texts]


def count_tokens(texts: Sequence[str]) -> list[int]:
    """Tokens by the packaged e5 vocabulary, loaded at the first count, in the caller's thread."""
    from llmflow.organs.embedding.e5_tokenizer import E5Tokenizer

    return E5Tokenizer().count_tokens(texts)


def serves_anywhere(port: str, organ: Organ) -> bool:
    """Whether any number of processes may use such an organ at once, each for itself: a server elsewhere, or a fake.
    What is embedded or managed has one owner."""
    adapter = catalog.find(port, organ.use)
    return adapter is not None and adapter.kind in ("remote", "fake")
