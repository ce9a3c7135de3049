"""Documents as their reader gave them: kept in memory from the node that reads one to the end of its run, where its
passages are looked for in it, so that a document is read once."""

from __future__ import annotations

from collections import OrderedDict

from llmflow.knowledge.types import Document
from llmflow.ports.blobs import Blobs
from llmflow.ports.parser import ParsedDocument, Parser

_MOST_CHARACTERS = 20_000_000  # of all that are kept; one that was left out is read again
_MOST = 16


class Readings:
    def __init__(self, blobs: Blobs, parser: Parser) -> None:
        self._blobs = blobs
        self._parser = parser
        self._kept: OrderedDict[tuple[str, str], ParsedDocument] = OrderedDict()
        self._sizes: dict[tuple[str, str], int] = {}

    async def read(self, document: Document) -> ParsedDocument:
        """Raises what reading raises."""
        key = _key(document)
        if (found := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            return found
        async with self._blobs.local(document.digest) as path:
            parsed = await self._parser.parse(path, name=document.file_name)
        self._kept[key] = parsed
        self._sizes[key] = sum(len(element.text) for element in parsed.elements)
        while self._kept and (len(self._kept) > _MOST or sum(self._sizes.values()) > _MOST_CHARACTERS):
            self._forget(next(iter(self._kept)))
        return parsed

    async def take(self, document: Document) -> ParsedDocument:
        """As `read`, for the last time: it is forgotten."""
        parsed = await self.read(document)
        self._forget(_key(document))
        return parsed

    def _forget(self, key: tuple[str, str]) -> None:
        self._kept.pop(key, None)
        self._sizes.pop(key, None)


def _key(document: Document) -> tuple[str, str]:
    return document.digest, document.file_name
