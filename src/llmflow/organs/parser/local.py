"""The parser of this machine: plain text and Markdown at once, everything else in child processes with limits."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path, PurePath

import msgspec

from llmflow.errors import DocumentError
from llmflow.organs.parser import markdown, sniff, text
from llmflow.organs.parser.draft import Draft
from llmflow.organs.parser.source import Request, View
from llmflow.ports.health import Health
from llmflow.ports.parser import PageWords, ParsedDocument, Progress
from llmflow.processes.pool import ChildDied, ChildFailed, ChildOutOfMemory, ChildTimeout, ProcessPool

_VIEW_S = 30.0
_VIEW_MB = 1024
_SMALL = 256 << 10  # bytes of text read without a child process
_AT_ONCE = {name: kind for name, kind in sniff.PROMISES.items() if kind in (sniff.PLAIN, sniff.MARKDOWN)}
_DOCUMENT: msgspec.msgpack.Decoder[ParsedDocument] = msgspec.msgpack.Decoder(ParsedDocument)
_WORDS: msgspec.msgpack.Decoder[PageWords] = msgspec.msgpack.Decoder(PageWords)


@contextmanager
def _told(timeout_s: float, memory_mb: int) -> Iterator[None]:
    """What befell a child process, as what it says of the document."""
    try:
        yield
    except ChildTimeout as error:
        raise DocumentError(f"Reading the document took more than {timeout_s:g} s.", code="document_timeout") from error
    except ChildOutOfMemory as error:
        raise DocumentError(
            f"Reading the document took more than {memory_mb} MB of memory.", code="document_too_large"
        ) from error
    except ChildDied as error:
        raise DocumentError(error.message, code="document_crashed_reader") from error
    except ChildFailed as error:
        raise DocumentError(f"The document is damaged ({error.message}).") from error


class LocalParser:
    """`ocr_languages`: Tesseract's codes. `memory_mb`: of one child process. `max_bytes`, `max_pages`: of one file."""

    def __init__(
        self,
        *,
        ocr_languages: str = "kor+eng",
        timeout_s: float = 300.0,
        memory_mb: int = 2048,
        max_bytes: int = 512 << 20,
        max_pages: int = 5000,
        workers: int = 1,
        idle_s: float = 120.0,
    ) -> None:
        self._ocr_languages = ocr_languages
        self._timeout_s = timeout_s
        self._memory_mb = memory_mb
        self._max_bytes = max_bytes
        self._max_pages = max_pages
        self._pool = ProcessPool(
            "llmflow.organs.parser.child:parse", workers=workers, memory_mb=memory_mb, idle_s=idle_s
        )
        self._views = ProcessPool("llmflow.organs.parser.view:view", workers=1, memory_mb=_VIEW_MB, idle_s=idle_s)
        self._threads = ThreadPoolExecutor(max_workers=max(2, workers), thread_name_prefix="parser")

    @property
    def suffixes(self) -> Sequence[str]:
        return tuple(sniff.PROMISES)

    async def parse(self, path: Path, *, name: str, progress: Progress | None = None) -> ParsedDocument:
        loop = asyncio.get_running_loop()
        at_once = await loop.run_in_executor(self._threads, self._read_at_once, path, name)
        if at_once is not None:
            return at_once
        with _told(self._timeout_s, self._memory_mb):
            request = self._request(path, name)
            answer = await self._pool.call(request, timeout_s=self._timeout_s, on_progress=progress)
        return _DOCUMENT.decode(answer)

    async def page_image(self, path: Path, page: int, *, width: int) -> bytes:
        return await self._view(View(str(path), page, "image", width))

    async def page_words(self, path: Path, page: int) -> PageWords:
        return _WORDS.decode(await self._view(View(str(path), page, "words")))

    async def _view(self, asked: View) -> bytes:
        with _told(_VIEW_S, _VIEW_MB):
            return await self._views.call(msgspec.msgpack.encode(asked), timeout_s=_VIEW_S)

    def _request(self, path: Path, name: str) -> bytes:
        request = Request(str(path.absolute()), name, self._ocr_languages, self._max_pages)
        return msgspec.msgpack.encode(request)

    def _read_at_once(self, path: Path, name: str) -> ParsedDocument | None:
        """Small UTF-8 text, and everything that is refused by its size; None: it needs a child process."""
        size = path.stat().st_size
        if size == 0:
            raise DocumentError("The file is empty.", code="document_empty")
        if size > self._max_bytes:
            raise DocumentError(
                f"The file has {size >> 20} MB; {self._max_bytes >> 20} MB are read.", code="document_too_large"
            )
        suffix = PurePath(name).suffix.lower()
        media_type = _AT_ONCE.get(suffix)
        if media_type is None or size > _SMALL:
            return None
        data = path.read_bytes()
        words = text.by_mark(data)
        if words is None or "\x00" in words or text.looks_binary(words):
            return None
        if (
            words.lstrip("\ufeff \t\r\n")[:5].lower() in ("%pdf-", "{\\rtf")
            or sniff.kind_of_text(words, suffix) != media_type
        ):
            return None
        draft = Draft()
        if media_type == sniff.MARKDOWN:
            markdown.read(words, draft)
        else:
            text.read_plain(words, draft)
        if not draft.has_text():
            raise DocumentError("The file has no text.", code="document_empty")
        return draft.document(media_type)

    async def health(self) -> Health:
        program = shutil.which("tesseract")
        if program is None:
            return Health(
                True,
                "child processes",
                detail="no OCR: scanned pages are not read",
                hint="apt-get install tesseract-ocr tesseract-ocr-kor tesseract-ocr-eng",
            )
        loop = asyncio.get_running_loop()
        missing = await loop.run_in_executor(self._threads, self._missing_languages, program)
        if missing:
            hint = "apt-get install " + " ".join(f"tesseract-ocr-{language}" for language in missing)
            return Health(True, "child processes", detail=f"OCR without {', '.join(missing)}", hint=hint)
        return Health(True, "child processes", detail=f"OCR: {self._ocr_languages} ({program})")

    def _missing_languages(self, program: str) -> list[str]:
        try:
            done = subprocess.run([program, "--list-langs"], capture_output=True, text=True, timeout=10, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return []
        there = set(done.stdout.split())
        return [language for language in self._ocr_languages.split("+") if language not in there]

    async def close(self) -> None:
        await self._pool.close()
        await self._views.close()
        self._threads.shutdown(wait=True)
