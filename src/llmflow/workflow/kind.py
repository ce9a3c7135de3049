"""A node type: what its file in `nodes/` declares, and the engine and an editor read."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from llmflow.workflow.data import NodeData
from llmflow.workflow.events import NodeLog
from llmflow.workflow.types import SOURCE, Selector, Words

#: step: data in, data out. branch: takes one of its handles. answer: its template is streamed. container: runs the
#: nodes inside it by rounds. start: where a graph, or a container's inside, begins.
Role = Literal["start", "step", "branch", "answer", "container"]
DataModel = type[NodeData]


def _always(_: Any) -> bool:
    return True


def _nothing(_: Any) -> Iterable[Selector]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """`run(data, context)` is one of three: a plain function for quick work without waiting, which runs in place (it
    may raise NotQuick, and then runs in a thread); a coroutine; or an async generator of Piece and Log that ends with
    its Outcome.

    `safe(data)`: may it run again when nobody knows whether it ran? `doubtful(data, logs)`, for a node that goes on
    from the steps it has told: is what it did last in doubt? None: as `safe` says. `reads(data)`: selectors it reads,
    for checks and editors. `handles(data)`: a branch's handles. `script(data)`: an answer's template as it is streamed:
    text, or a selector. `outputs`: name -> type. `fields`: words for the data's fields, by name. `is_quick` and
    `streams` follow from what `run` is."""

    type: str
    data: DataModel
    run: Callable[[Any, Any], Any]
    words: Words
    role: Role = "step"
    version: str = "1"
    aliases: tuple[str, ...] = ()
    safe: Callable[[Any], bool] = _always
    doubtful: Callable[[Any, Sequence[NodeLog]], bool] | None = None
    reads: Callable[[Any], Iterable[Selector]] = _nothing
    handles: Callable[[Any], list[str]] = lambda _: [SOURCE]
    script: Callable[[Any], list[str | tuple[str, ...]]] = lambda _: []
    outputs: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, Words] = field(default_factory=dict)

    is_quick: bool = field(init=False)
    streams: bool = field(init=False)

    def __post_init__(self) -> None:
        streams = inspect.isasyncgenfunction(self.run)
        object.__setattr__(self, "streams", streams)
        object.__setattr__(self, "is_quick", not streams and not inspect.iscoroutinefunction(self.run))

    def is_in_doubt(self, data: Any, logs: Sequence[NodeLog]) -> bool:
        """A node that was under way when the run broke off: must a person decide whether it runs again?"""
        return not self.safe(data) if self.doubtful is None else self.doubtful(data, logs)

    def schema(self) -> dict[str, Any]:
        """All an editor needs to draw a form: the data's JSON schema, its words in both languages, its outputs."""
        return {
            "type": self.type,
            "version": self.version,
            "role": self.role,
            "words": _shown(self.words),
            "fields": {name: _shown(words) for name, words in self.fields.items()},
            "outputs": dict(self.outputs),
            "data": self.data.model_json_schema(),
        }


def _shown(words: Words) -> dict[str, dict[str, str]]:
    return {
        "en": {"label": words.en, "help": words.help_en},
        "ko": {"label": words.ko, "help": words.help_ko},
    }
