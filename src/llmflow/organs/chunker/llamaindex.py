"""Chunks by LlamaIndex's SentenceSplitter, under the headings, pages and tables that the parser found; on demand cut
where the meaning changes, in the way of its SemanticSplitter."""

from __future__ import annotations

import asyncio
import importlib
import importlib.metadata
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import msgspec

from llmflow.organs.chunker import meaning, sentences
from llmflow.organs.chunker.clean import cleaned
from llmflow.organs.chunker.questions import are_tables, pairs
from llmflow.organs.chunker.sections import JOINT, Path, Run, Section, Sizes, gather, joined, separated
from llmflow.ports.boxes import boxes_of
from llmflow.ports.chunker import Chunk, ChunkRule, CountTokens, EmbedTexts
from llmflow.ports.chunker import Sizes as Limits
from llmflow.ports.health import Health
from llmflow.ports.parser import Element, Progress

T = TypeVar("T")

_SMALL = 3  # a section under max_tokens / _SMALL may share a chunk with its neighbours
_HEADINGS = 3  # headings may take max_tokens / _HEADINGS
_MIN_TOKENS = 16
_FULL_TOKENS = 10_000  # of a whole document as one parent
#: Clauses of a sentence that is too long; the marks count where white space follows, so that addresses stay whole.
_CLAUSES = r"(?s).+?(?:[,;:，、]\s+|[。？！]\s*|\Z)"


class LlamaIndexChunker:
    """`count_tokens` is called from a thread, with as many texts at once as there are; `embed_texts` by the semantic
    method alone."""

    def __init__(self, *, count_tokens: CountTokens, embed_texts: EmbedTexts) -> None:
        self._count = count_tokens
        self._embed = embed_texts
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="chunker")
        self._splitters: dict[tuple[int, int], Any] = {}

    async def chunk(
        self, elements: Sequence[Element], rule: ChunkRule, *, progress: Progress | None = None
    ) -> list[Chunk]:
        if rule.method == "semantic":
            return await self._by_meaning(elements, rule, progress)
        return await self._in_thread(lambda: self._chunk(elements, rule))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _by_meaning(self, elements: Sequence[Element], rule: ChunkRule, progress: Progress | None) -> list[Chunk]:
        """The thread is free for other documents while sentences are embedded."""
        sizes = Sizes(self._count)
        sections = await self._in_thread(lambda: gather(cleaned(elements, rule.clean), sizes))
        units = await self._in_thread(lambda: meaning.units(sections))
        places = await meaning.breaks(
            units,
            sections,
            self._embed,
            percentile=rule.breakpoint_percentile,
            buffer=rule.buffer_sentences,
            progress=progress,
        )
        document = self._document(sizes, rule)
        return await self._in_thread(lambda: document.by_meaning(list(meaning.cut(units, sections, places, sizes))))

    async def health(self) -> Health:
        version = importlib.metadata.version("llama-index-core")
        return Health(True, "in this process", version=version)

    async def close(self) -> None:
        self._thread.shutdown(wait=True)

    def _chunk(self, elements: Sequence[Element], rule: ChunkRule) -> list[Chunk]:
        sizes = Sizes(self._count)
        elements = cleaned(elements, rule.clean)
        if rule.method == "qa":
            return self._questions(elements, rule, sizes)
        if rule.method == "parent_child":
            return self._parents(elements, rule, sizes)
        return self._document(sizes, rule).cut(elements, rule)

    def _parents(self, elements: Sequence[Element], rule: ChunkRule, sizes: Sizes) -> list[Chunk]:
        most = _FULL_TOKENS if rule.parent == "full-doc" else rule.max_tokens
        whole = self._document(sizes, Limits(most, rule.overlap_tokens if rule.method == "qa" else 0))
        parents = whole.cut(
            elements, msgspec.structs.replace(rule, separator="") if rule.parent == "full-doc" else rule
        )
        parts = self._document(sizes, rule.child)
        child = msgspec.structs.replace(rule, separator=rule.child.separator, max_tokens=rule.child.max_tokens)
        return [
            msgspec.structs.replace(parent, parts=tuple(parts.cut(whole.bodies[id(parent)], child)))
            for parent in parents
        ]

    def _document(self, sizes: Sizes, limits: Limits) -> _Document:
        return _Document(sizes, limits, lambda budget, overlap: self._splitter(sizes, budget, overlap))

    def _questions(self, elements: Sequence[Element], rule: ChunkRule, sizes: Sizes) -> list[Chunk]:
        """The questions of tables with their answers, and what stands between them as parents."""
        named = not are_tables(elements)
        rule = msgspec.structs.replace(rule, parent="paragraph")
        chunks: list[Chunk] = []
        run: list[Element] = []
        for element in elements:
            if not (found := pairs(element, rule, named=named)):
                run.append(element)
                continue
            chunks += self._told(run, rule, sizes)
            run = []
            sizes.learn(question for question, _ in found)
            for question, answer in found:
                chunk = _make(question, sizes.of(question), (), [element])
                chunks.append(msgspec.structs.replace(chunk, kind="text", answer=answer))
        return [*chunks, *self._told(run, rule, sizes)]

    def _told(self, elements: Sequence[Element], rule: ChunkRule, sizes: Sizes) -> list[Chunk]:
        """Nothing of what is headings alone, above a table."""
        has_text = any(element.kind != "Title" and element.text.strip() for element in elements)
        return self._parents(elements, rule, sizes) if has_text else []

    def _splitter(self, sizes: Sizes, budget: int, overlap: int) -> Callable[[str], list[str]]:
        """LlamaIndex's splitter, given our token counts and our sentences so that it never loads tiktoken or nltk."""
        key = (budget, overlap)
        if key not in self._splitters:
            module = importlib.import_module("llama_index.core.node_parser.text.sentence")  # 3 CPU-s, at first use
            self._splitters[key] = module.SentenceSplitter(
                chunk_size=budget,
                chunk_overlap=overlap,
                tokenizer=sizes.as_tokens,
                chunking_tokenizer_fn=sentences.split,
                paragraph_separator=JOINT,
                secondary_chunking_regex=_CLAUSES,
            )
        splitter = self._splitters[key]
        splitter._tokenizer = sizes.as_tokens  # counts are kept for one document, splitters for all
        split: Callable[[str], list[str]] = splitter.split_text
        return split


class _Document:
    """The chunks of one document."""

    def __init__(
        self, sizes: Sizes, limits: Limits, splitter: Callable[[int, int], Callable[[str], list[str]]]
    ) -> None:
        self.bodies: dict[int, Sequence[Element]] = {}  # by the chunk's id(): the elements that it is
        self._sizes = sizes
        self._max = max(limits.max_tokens, _MIN_TOKENS)
        self._overlap = min(limits.overlap_tokens, self._max // 4)
        self._splitter = splitter

    def cut(self, elements: Sequence[Element], rule: ChunkRule) -> list[Chunk]:
        """By headings, or by what the rule says instead."""
        if rule.method == "sentence":
            kept = [element for section in gather(elements, self._sizes) for element in self._inlined(section)]
            return list(self._parts((), kept, self._max))
        sections = gather(elements, self._sizes)
        if rule.method != "fixed" and not rule.separator:
            return self.chunks(sections)
        pieces = (piece for section in sections for piece in separated(section, rule.separator or JOINT))
        chunks: list[Chunk] = []
        for path, piece in pieces:
            fitting, room = self._fit_path(path, piece)
            chunks.extend(self._parts(fitting, piece, room))
        return chunks

    def _inlined(self, section: Section) -> list[Element]:
        """A section's elements, led by its heading as text."""
        first = section.elements[0]
        if not section.path or first.kind == "Title":
            return section.elements
        return [Element("Title", section.path[-1], page=first.page), *section.elements]

    def chunks(self, sections: list[Section]) -> list[Chunk]:
        if sections and self._group_tokens(sections) <= self._max:
            return self._of_groups([sections])
        return self._of_groups(self._groups(sections))

    def by_meaning(self, sections: list[Section]) -> list[Chunk]:
        """What is parted by its meaning stays parted, however short it is."""
        return self._of_groups(self._groups(sections))

    def _of_groups(self, groups: Iterable[list[Section]]) -> list[Chunk]:
        chunks: list[Chunk] = []
        for group in groups:
            path, elements, tokens = self._merged(group)
            path, room = self._fit_path(path, elements)
            if tokens <= room:
                chunks.append(self._whole(path, elements, tokens))
            else:
                chunks.extend(self._parts(path, elements, room))
        return chunks

    def _groups(self, sections: list[Section]) -> Iterator[list[Section]]:
        """Neighbours that fit in one chunk together: small sections of one parent."""
        group: list[Section] = []
        for section in sections:
            if group and not self._joins(group, section):
                yield group
                group = []
            group.append(section)
        if group:
            yield group

    def _joins(self, group: list[Section], section: Section) -> bool:
        parent = _parent(group)
        small = all(part.tokens * _SMALL <= self._max for part in (*group, section))
        kin = len(section.path) == len(parent) + 1 and section.path[: len(parent)] == parent
        return (
            section.is_open
            and small
            and kin
            and len(section.path) > 0
            and self._group_tokens([*group, section]) <= self._max
        )

    def _group_tokens(self, group: Sequence[Section]) -> int:
        path = _common([section.path for section in group])
        inlined = sum(self._sizes.of(h) for s in group for h in s.path[len(path) :])
        return self._path_tokens(path) + inlined + sum(section.tokens for section in group)

    def _path_tokens(self, path: Path) -> int:
        """Headings as they stand before the text, with a mark between two of them."""
        return sum(self._sizes.of(heading) + 1 for heading in path)

    def _merged(self, group: list[Section]) -> tuple[Path, list[Element], int]:
        """One body of several sections; headings that are not common to all become lines of it."""
        if len(group) == 1:
            return group[0].path, group[0].elements, group[0].tokens
        path = _common([section.path for section in group])
        elements: list[Element] = []
        shown: Path = path
        for section in group:
            same = len(_common([shown, section.path]))
            first = section.elements[0]
            for level in range(max(same, len(path)), len(section.path)):
                elements.append(Element("Title", section.path[level], page=first.page, level=level + 1))
            shown = section.path
            elements.extend(section.elements)
        return path, elements, sum(self._sizes.of(element.text) for element in elements)

    def _fit_path(self, path: Path, elements: list[Element]) -> tuple[Path, int]:
        """The path, and the tokens it leaves for text. Headings too long for a chunk leave the path, outermost first;
        the innermost of those left out begins the text instead."""
        kept = path
        while kept and self._path_tokens(kept) * _HEADINGS > self._max:
            kept = kept[1:]
        if path and not kept:
            elements.insert(0, Element("Title", path[-1], page=elements[0].page))
        return kept, max(self._max - self._path_tokens(kept), _MIN_TOKENS)

    def _whole(self, path: Path, elements: Sequence[Element], tokens: int) -> Chunk:
        chunk = _make(joined(elements), tokens + self._path_tokens(path), path, elements)
        self.bodies[id(chunk)] = elements
        return chunk

    def _parts(self, path: Path, elements: Sequence[Element], room: int) -> Iterator[Chunk]:
        """Runs of text through the splitter, tables by rows."""
        run: list[Element] = []
        for element in elements:
            if element.kind != "Table":
                run.append(element)
                continue
            caption = run.pop() if run and _is_caption(run[-1]) else None
            yield from self._prose(path, run, room)
            run = []
            yield from self._table(path, element, caption, room)
        yield from self._prose(path, run, room)

    def _prose(self, path: Path, run: Sequence[Element], room: int) -> Iterator[Chunk]:
        if not run:
            return
        tokens = sum(self._sizes.of(element.text) for element in run)
        if tokens <= room:
            yield self._whole(path, run, tokens)
            return
        body = Run(run, self._sizes)
        split = self._splitter(room, min(self._overlap, room // 4))
        pieces = (part for piece in split(body.text) for part in self._checked(body, piece, room))
        at = -1
        for piece in pieces:
            at = body.text.index(piece, at + 1)
            of = body.elements(piece, at)
            chunk = _make(piece, body.tokens(piece, at) + self._path_tokens(path), path, of)
            self.bodies[id(chunk)] = [
                msgspec.structs.replace(of[0], kind="NarrativeText", text=piece, heading_path=path)
            ]
            yield chunk

    def _checked(self, body: Run, piece: str, room: int) -> list[str]:
        """The piece, or its halves where the sum of its parts was less than the whole."""
        if body.tokens(piece, body.text.index(piece)) <= room or len(piece) < 2:
            return [piece]
        middle = piece.rfind(" ", 0, len(piece) // 2 + 1)
        middle = middle if middle > 0 else len(piece) // 2
        halves = (piece[:middle].strip(), piece[middle:].strip())
        return [part for half in halves if half for part in self._checked(body, half, room)]

    def _table(self, path: Path, table: Element, caption: Element | None, room: int) -> Iterator[Chunk]:
        """Cut between rows; each part repeats the caption and the header row."""
        head_lines, rows = _header_of(table.text)
        lead = [caption.text.strip(), ""] if caption else []
        head = "\n".join([*lead, *head_lines])
        if self._sizes.of(head) * 2 > room:
            yield from self._prose(path, [*([caption] if caption else []), _as_lines(table)], room)
            return
        self._sizes.learn(rows)
        space = room - self._sizes.of(head)
        part: list[str] = []
        used = 0
        for row in rows:
            size = self._sizes.of(row)
            if part and used + size > space:
                yield self._table_part(path, table, head, part)
                part, used = [], 0
            if size > space:
                yield from self._prose(path, [_as_lines(table, "\n".join([*head_lines, row]))], room)
                continue
            part.append(row)
            used += size
        if part:
            yield self._table_part(path, table, head, part)

    def _table_part(self, path: Path, table: Element, head: str, rows: Sequence[str]) -> Chunk:
        text = "\n".join([head, *rows])
        tokens = self._sizes.of(head) + sum(self._sizes.of(row) for row in rows)
        chunk = _make(text, tokens + self._path_tokens(path), path, [table])
        lines = "\n".join([*_header_of(table.text)[0], *rows])
        self.bodies[id(chunk)] = [msgspec.structs.replace(table, text=lines)]
        return chunk


def _header_of(text: str) -> tuple[list[str], list[str]]:
    """A pipe table's header lines and its rows. Other text has no header."""
    lines = [line for line in text.split("\n") if line.strip()]
    has_header = len(lines) > 1 and set(lines[1]) <= set("|-: ") and "-" in lines[1]
    return (lines[:2], lines[2:]) if has_header else ([], lines)


def _as_lines(table: Element, text: str | None = None) -> Element:
    """A table, or a row of it, too wide for one chunk: its cells as lines."""
    lines = [line for line in (text or table.text).split("\n") if not set(line) <= set("|-: ")]
    cells = "\n".join("; ".join(c.strip() for c in line.strip("| ").split(" | ") if c.strip()) for line in lines)
    return Element("NarrativeText", cells, page=table.page, bbox=table.bbox, ocr=table.ocr)


def _is_caption(element: Element) -> bool:
    text = element.text.strip()
    return len(text) <= 300 and (
        element.kind == "FigureCaption"
        or text.endswith((":", "：", "다음과 같다.", "다음과 같습니다."))
        or text.lower().startswith(("table ", "표 ", "<표", "[표", "〈표"))
    )


def _parent(group: Sequence[Section]) -> Path:
    """Where a further section must hang to join the group: under the heading that all of it stands under."""
    if len(group) == 1:
        return group[0].path[:-1]
    return _common([section.path for section in group])


def _common(paths: Sequence[Path]) -> Path:
    shortest = min(paths, key=len)
    for index, heading in enumerate(shortest):
        if any(path[index] != heading for path in paths):
            return shortest[:index]
    return shortest


def _make(text: str, tokens: int, path: Path, elements: Sequence[Element]) -> Chunk:
    pages = [element.page for element in elements if element.page is not None]
    body = [element for element in elements if element.kind != "Title"]
    return Chunk(
        text,
        tokens,
        page=min(pages, default=None),
        page_end=max(pages, default=None),
        heading_path=path,
        kind="table" if body and all(element.kind == "Table" for element in body) else "text",
        boxes=boxes_of(elements),
        ocr=any(element.ocr for element in elements),
    )
