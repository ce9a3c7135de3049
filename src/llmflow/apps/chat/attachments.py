"""Files in a question: looked at when they arrive, read once, given to the model as text or as pictures."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from llmflow.apps.answers.prompt import Attached
from llmflow.apps.chat import file_queries
from llmflow.apps.chat.files import AppFiles
from llmflow.apps.types import App, AppFile, EndUser
from llmflow.errors import DocumentError, LLMFlowError, Unsupported, UsageError
from llmflow.gateway.gateway import Gateway
from llmflow.ports.blobs import Blobs
from llmflow.ports.parser import ParsedDocument, Parser
from llmflow.store.content import Scope
from llmflow.store.database import Database

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".webp")
_MOST_CHARACTERS = 400_000  # of one document's text; no model reads more
_MOST_IMAGES = 8  # in one question, those of earlier questions among them
_SILENT = ("PageBreak", "Header", "Footer")


@dataclass(frozen=True, slots=True)
class AcceptedFiles:
    """What may be attached. `images` is False where the app's model does not see them."""

    suffixes: list[str]
    images: bool
    file_mb: int


class Attachments:
    def __init__(self, database: Database, files: AppFiles, blobs: Blobs, parser: Parser, gateway: Gateway) -> None:
        self._database = database
        self._files = files
        self._blobs = blobs
        self._parser = parser
        self._gateway = gateway

    async def accepted(self, app: App) -> AcceptedFiles:
        sees = await self._sees(app)
        await self._parser.health()  # a property of a late organ is there after its first answer
        documents = [suffix for suffix in self._parser.suffixes if suffix not in IMAGE_SUFFIXES]
        return AcceptedFiles(
            [*documents, *(IMAGE_SUFFIXES if sees else ())], sees, self._files.max_bytes // (1024 * 1024)
        )

    async def take(self, app: App, user: EndUser, name: str, chunks: AsyncIterator[bytes]) -> AppFile:
        """Keeps a file for a question, under the media type its bytes have. Raises, and keeps nothing, when the app
        cannot use it: TooLarge (file_too_large), Unsupported (model_blind, unsupported_type), DocumentError."""
        file = await self._files.upload(user, name, chunks)
        try:
            image = await self._image_type(file)
            if image:
                await self._check_sees(app)
                media_type = image
            else:
                media_type = (await self._read(file)).media_type
            return await self._files.settle(file, media_type)
        except LLMFlowError:
            await self._files.remove(file)
            raise

    async def check(self, app: App, user: EndUser, sent: Sequence[dict[str, Any]]) -> None:
        """Raises UsageError for a file that is not this user's, and Unsupported (model_blind) for an image that the
        app's model does not see; before anything is asked."""
        ids = [str(item["upload_file_id"]) for item in sent if "upload_file_id" in item]
        known = await self._files.of(user, ids)
        for missing in (id for id in ids if id not in known):
            raise UsageError(f"There is no uploaded file {missing} of this user.", param="files")
        for file in known.values():
            if await self._image_type(file):
                await self._check_sees(app)

    async def of(self, app: App, user: EndUser, sent: Sequence[dict[str, Any]]) -> Attached:
        """The texts and pictures of files, in their order; those that are gone are left out, and pictures where the
        app's model does not see them. Raises what reading a document raises."""
        ids = list(dict.fromkeys(str(item["upload_file_id"]) for item in sent if "upload_file_id" in item))
        known = await self._files.of(user, ids)
        documents: list[tuple[str, str]] = []
        images: list[str] = []
        for file in (known[id] for id in ids if id in known):
            image = await self._image_type(file)
            if not image:
                documents.append((file.name, await self.text(file)))
            elif len(images) < _MOST_IMAGES and await self._sees(app):
                images.append(f"data:{image};base64,{base64.b64encode(await self._bytes(file)).decode()}")
        return Attached(tuple(documents), tuple(images))

    async def _sees(self, app: App) -> bool:
        """Of an app with a graph its nodes decide."""
        return app.has_graph or (await self._gateway.info(app.config.model)).vision

    async def _check_sees(self, app: App) -> None:
        if not await self._sees(app):
            info = await self._gateway.info(app.config.model)
            raise Unsupported(f"The model of this app ({info.id}) does not see images.", code="model_blind")

    async def text(self, file: AppFile) -> str:
        """A document's text as Markdown; read once. Raises DocumentError and Unsupported."""
        async with self._database.read() as connection:
            kept = await file_queries.file_text(connection, file.id)
        return _written(await self._read(file)) if kept is None else kept

    async def text_of(self, name: str, content: bytes, *, is_whole: bool = False) -> str:
        """The text of a document that is not kept; `is_whole`: however long. Raises as `text`."""
        with TemporaryDirectory(prefix="llmflow-read-") as folder:
            path = Path(folder) / "file"
            await asyncio.to_thread(path.write_bytes, content)
            return text_in(await self._parser.parse(path, name=name), name, is_whole=is_whole)

    async def bytes_of(self, digest: str) -> bytes:
        return b"".join([piece async for piece in self._blobs.read(digest)])

    async def _read(self, file: AppFile) -> ParsedDocument:
        """Reads the document and keeps its text."""
        async with self._blobs.local(file.digest) as path:
            parsed = await self._parser.parse(path, name=file.name)
        text = text_in(parsed, file.name)
        content = await self._database.boundary.admit_one(Scope("file", file.id), text)
        async with self._database.write() as connection:
            await file_queries.update_file(connection, file.id, text=content)
        return parsed

    async def _image_type(self, file: AppFile) -> str:
        """The media type of an image that models take; "" for anything else, whatever its name says."""
        head = b""
        async for piece in self._files.read(file):
            head += piece
            if len(head) >= 16:
                break
        return _image_of(head)

    async def _bytes(self, file: AppFile) -> bytes:
        return b"".join([piece async for piece in self._files.read(file)])


def _image_of(head: bytes) -> str:
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    return "image/webp" if head[:4] == b"RIFF" and head[8:12] == b"WEBP" else ""


def is_image(file: AppFile) -> bool:
    """By what was found when it arrived."""
    return file.media_type in ("image/png", "image/jpeg", "image/gif", "image/webp")


def kind_of(file: AppFile) -> str:
    """Dify's word for it."""
    return "image" if is_image(file) or PurePosixPath(file.name).suffix.lower() in IMAGE_SUFFIXES else "document"


def text_in(parsed: ParsedDocument, name: str, *, is_whole: bool = False) -> str:
    """What was read, as Markdown; `is_whole`: however long. Raises DocumentError where there is no text."""
    text = _written(parsed, is_whole=is_whole)
    if not text.strip():
        raise DocumentError(f"There is no text in {name}.", code="document_empty")
    return text


def _written(parsed: ParsedDocument, *, is_whole: bool = False) -> str:
    parts = []
    for element in parsed.elements:
        if element.kind not in _SILENT and element.text.strip():
            title = "#" * min(element.level or 2, 6) + " " if element.kind == "Title" else ""
            parts.append(f"{title}{element.text}")
    text = "\n\n".join(parts)
    return text if is_whole else text[:_MOST_CHARACTERS]
