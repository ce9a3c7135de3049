"""All parts of a document given to a model, which writes questions and answers from them.

Each part is asked about once: what the model said is kept by what was asked, at once, so a crash, a retry or a changed
document asks only about parts that are new. Words are past the content boundary before a model sees them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from llmflow.errors import DocumentError, LLMFlowError, OrganError, TooMany
from llmflow.knowledge.pairs import queries
from llmflow.knowledge.pairs.write import Pair, key_of, prompt, write
from llmflow.knowledge.reword import Models
from llmflow.knowledge.types import Document
from llmflow.ports.chunker import Chunk, ChunkRule, CountTokens
from llmflow.ports.llm import ModelInfo
from llmflow.ports.parser import Progress
from llmflow.store.content import Scope
from llmflow.store.database import Database

T = TypeVar("T")

_PASSING = ("rate_limited", "too_many_requests", "model_resting")  # limits by the minute, and servers that had enough
_PATIENCE_S = 61
_WAITS = 10


@dataclass(frozen=True, slots=True)
class Written:
    """`chunks`: questions with their answers; of parts without any, the passages they are else; parts that were not
    asked about are still parents. `notes`: sentences for people. `model`: who was asked; `parts`: of the text; `due`:
    those that are not answered."""

    chunks: list[Chunk]
    notes: tuple[str, ...] = ()
    model: str = ""
    parts: int = 0
    due: tuple[Chunk, ...] = ()


class PairWriter:
    """`at_once`: calls under way, of all documents."""

    def __init__(
        self,
        database: Database,
        models: Models,
        *,
        count_tokens: CountTokens,
        at_once: int,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._database = database
        self._models = models
        self._count = count_tokens
        self._at_once = at_once
        self._pause = pause
        self._free = asyncio.Semaphore(at_once)

    async def write(
        self,
        document: Document,
        chunks: Sequence[Chunk],
        rule: ChunkRule,
        *,
        most: int | None = None,
        progress: Progress | None = None,
    ) -> Written:
        """`chunks`: of a document cut as "qa"; those with parts are asked about, at most `most` of them that were not
        yet. `progress`: parts done, of all.

        Raises DocumentError where no model here can do it, or one refuses, and OrganError where it does not answer."""
        asked = [chunk for chunk in chunks if chunk.parts]
        if not asked:
            return Written(list(chunks))
        info = await self._model(rule.model)
        keys = {id(c): key_of(c.text, c.heading_path, model=info.id, language=rule.language) for c in asked}
        parts = {keys[id(chunk)]: chunk for chunk in asked}
        found = await self._known(document, list(parts))
        due = {key: chunk for key, chunk in parts.items() if key not in found}
        failed: set[str] = set()
        if progress:
            progress(len(found), len(parts))
        faults: list[LLMFlowError] = []
        waiting = iter(list(due.items())[:most])

        async def work() -> None:
            for key, chunk in waiting:
                async with self._free:
                    if faults:  # what is under way is still kept
                        return
                    try:
                        pairs = await self._asked(document, key, chunk, rule, info)
                    except LLMFlowError as error:
                        faults.append(error)
                        return
                found[key] = pairs or []
                if pairs is None:
                    failed.add(key)
                if progress:
                    progress(len(found), len(parts))

        async with asyncio.TaskGroup() as workers:
            for _ in range(min(self._at_once, len(due))):
                workers.create_task(work())
        if faults:
            raise _told(faults[0])
        return Written(
            await self._put(chunks, keys, found),
            _notes(info.id, len(failed), len(parts)),
            info.id,
            len(parts),
            tuple(chunk for key, chunk in parts.items() if key not in found),
        )

    async def _model(self, name: str) -> ModelInfo:
        try:
            info = await self._models.info(name)
        except LLMFlowError as error:
            raise _told(error) from error
        if not info.grounded:
            raise DocumentError(
                f"{info.id} is too small to write questions and answers.",
                code="model_missing",
                hint="Connect a model on Studio's page Models, then retry; or have documents cut in another way.",
            )
        return info

    async def _known(self, document: Document, keys: Sequence[str]) -> dict[str, list[Pair]]:
        async with self._database.write() as connection:
            found = await queries.find(connection, document.id, keys)
            await queries.use(connection, document, list(found))
        return found

    async def _asked(
        self, document: Document, key: str, chunk: Chunk, rule: ChunkRule, info: ModelInfo
    ) -> list[Pair] | None:
        """What the model says of a part, kept; None, and nothing kept, where it does not keep to the form."""
        messages = prompt(chunk.text, chunk.heading_path, chunk.tokens, language=rule.language)
        pairs = await self._patiently(lambda: write(self._models, info, messages, model=rule.model))
        if pairs is None:
            return None
        scope = Scope("knowledge", document.knowledge_id)
        words = await self._database.boundary.admit(scope, [w for pair in pairs for w in (pair.question, pair.answer)])
        async with self._database.write() as connection:
            kept = list(zip(words[::2], words[1::2], strict=True))
            is_current = await queries.keep(connection, document, key, info.id, kept)
        if not is_current:
            raise DocumentError(f"{document.name} was replaced or deleted meanwhile.")
        return pairs

    async def _patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What passes within a minute is waited for."""
        for _ in range(_WAITS):
            try:
                return await ask()
            except (TooMany, OrganError) as error:
                if error.code not in _PASSING or not error.wait_s or error.wait_s > _PATIENCE_S:
                    raise
                await self._pause(error.wait_s)
        return await ask()

    async def _put(
        self, chunks: Sequence[Chunk], keys: Mapping[int, str], found: Mapping[str, Sequence[Pair]]
    ) -> list[Chunk]:
        """The pairs in the places of the parts they are of."""
        questions = list({pair.question for pairs in found.values() for pair in pairs})
        tokens = dict(zip(questions, await asyncio.to_thread(self._count, questions), strict=True))
        told: list[Chunk] = []
        for chunk in chunks:
            if not chunk.parts or keys[id(chunk)] not in found:
                told.append(chunk)
            elif pairs := found[keys[id(chunk)]]:
                told += [
                    msgspec.structs.replace(
                        chunk,
                        text=pair.question,
                        answer=pair.answer,
                        tokens=tokens[pair.question],
                        parts=(),
                        kind="text",
                    )
                    for pair in pairs
                ]
            else:
                told += chunk.parts
        return told


def _notes(model: str, failed: int, total: int) -> tuple[str, ...]:
    if not failed:
        return ()
    return (
        f"{model} gave no usable questions and answers for {failed} of {total} parts; they are kept as text. "
        "Cut the document again to ask once more, or choose another model.",
    )


def _told(error: LLMFlowError) -> LLMFlowError:
    """As what keeps a document from being read, unless it is worth trying again."""
    if isinstance(error, OrganError):
        return error
    return DocumentError(error.message, code=error.code, hint=error.hint)
