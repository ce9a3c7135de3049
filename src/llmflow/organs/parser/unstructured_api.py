"""PDFs by a server of Unstructured's API (POST /general/v0/general), everything else on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec
from yarl import URL

from llmflow.errors import DocumentError, LLMFlowError, OrganError, Unsupported
from llmflow.net.client import HttpClient, Response
from llmflow.net.multipart import Part, form
from llmflow.organs.parser import tables
from llmflow.organs.parser.draft import Box, Draft
from llmflow.organs.parser.html_rows import rows_of_html
from llmflow.organs.parser.local import LocalParser
from llmflow.organs.parser.sniff import PDF
from llmflow.ports.health import Health
from llmflow.ports.parser import KINDS, PageWords, ParsedDocument, Progress

_MOST_BYTES = 128 << 20  # of a file that is sent
_MOST_ANSWERED = 256 << 20
_TRIES = 3  # while the server says that it is busy
_BUSY = (429, 502, 503, 504)
_WAIT_S = 1.0  # before another try, where the server names no time; then twice as long
_LONGEST_WAIT_S = 30.0
_HEALTH_S = 5.0
#: Its further element types, as ours.
_KINDS = {
    **{"Abstract": "NarrativeText", "Text": "NarrativeText", "Paragraph": "NarrativeText"},
    **{"CompositeElement": "NarrativeText", "Threading": "NarrativeText", "BulletedText": "ListItem"},
    **{
        "List": "ListItem",
        "List-item": "ListItem",
        "Headline": "Title",
        "Subheadline": "Title",
        "Section-header": "Title",
    },
    **{"Caption": "FigureCaption", "Figure": "Image", "Picture": "Image", "Page-header": "Header"},
    **{"Page-footer": "Footer", "PageNumber": "Footer", "Footnote": "NarrativeText", "TableChunk": "Table"},
}


class _Coordinates(msgspec.Struct):
    points: list[tuple[float, float]] = []
    layout_width: float | None = None
    layout_height: float | None = None


class _Metadata(msgspec.Struct):
    page_number: int | None = None
    text_as_html: str | None = None
    category_depth: int | None = None
    coordinates: _Coordinates | None = None


class UnstructuredElement(msgspec.Struct):
    type: str
    text: str | None = None
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


class UnstructuredParser:
    """`url`: the base address; requests go to /general/v0/general under it. `strategy`: auto, fast, hi_res or ocr_only.
    `languages`: Tesseract's codes by comma. `timeout_s`: how long a PDF may take. The key is in no message."""

    def __init__(
        self,
        *,
        url: str,
        http: HttpClient,
        api_key: str = "",
        strategy: str = "auto",
        languages: str = "kor,eng",
        timeout_s: float = 600.0,
        workers: int = 1,
    ) -> None:
        self._url = _base(url)
        self._http = http
        self._key = api_key
        self._strategy = strategy
        self._languages = [language.strip() for language in languages.split(",") if language.strip()]
        self._timeout_s = timeout_s
        self._local = LocalParser(ocr_languages="+".join(self._languages) or "kor+eng", workers=workers)

    @property
    def suffixes(self) -> Sequence[str]:
        return self._local.suffixes

    async def parse(self, path: Path, *, name: str, progress: Progress | None = None) -> ParsedDocument:
        size = await asyncio.to_thread(_bytes_of_pdf, path)
        if size is None:
            return await self._local.parse(path, name=name, progress=progress)
        if size > _MOST_BYTES:
            raise DocumentError(
                f"The PDF has {size >> 20} MB; {_MOST_BYTES >> 20} MB are sent.", code="document_too_large"
            )
        elements = await self._asked(await asyncio.to_thread(path.read_bytes), name)
        pages = max((element.metadata.page_number or 1 for element in elements), default=0)
        sizes = await self._sizes(path, elements)
        draft = await asyncio.to_thread(_drafted, elements, sizes, ocr=self._strategy == "ocr_only")
        if not draft.has_text():
            raise DocumentError("No text was found in the file.", code="document_empty")
        if progress is not None:
            progress(pages, pages)
        return draft.document(PDF, pages=pages)

    async def page_image(self, path: Path, page: int, *, width: int) -> bytes:
        return await self._local.page_image(path, page, width=width)

    async def page_words(self, path: Path, page: int) -> PageWords:
        return await self._local.page_words(path, page)

    async def health(self) -> Health:
        """Whether the server answers; many such servers have no path for it, so any answer but a refusal will do."""
        shown = self._shown()
        try:
            answer = await self._http.request("GET", f"{self._url}/healthcheck", timeout_s=_HEALTH_S)
        except LLMFlowError as error:
            return Health(ok=False, where=shown, detail=self._clean(error.message), hint=error.hint)
        if answer.status >= 500:
            return Health(ok=False, where=shown, detail=f"It answers {answer.status}.")
        return Health(
            ok=True, where=shown, detail=f"PDFs by strategy {self._strategy}, everything else on this machine"
        )

    async def close(self) -> None:
        await self._local.close()

    async def _asked(self, data: bytes, name: str) -> list[UnstructuredElement]:
        fields = [("strategy", self._strategy), ("coordinates", "true"), ("output_format", "application/json")]
        fields += [("skip_infer_table_types", "[]"), *(("languages", language) for language in self._languages)]
        body, kind = form(
            [
                *(Part(field, value.encode()) for field, value in fields),
                Part("files", data, name or "document.pdf", PDF),
            ]
        )
        headers = {"Content-Type": kind, "Accept": "application/json"}
        if self._key:
            headers["unstructured-api-key"] = self._key
        wait_s = _WAIT_S
        for left in range(_TRIES - 1, -1, -1):
            answer = await self._sent(body, headers)
            if answer.status not in _BUSY or not left:
                break
            await asyncio.sleep(min(_seconds(answer.headers.get("Retry-After", "")) or wait_s, _LONGEST_WAIT_S))
            wait_s *= 2
        if answer.status != 200:
            raise self._refusal(answer)
        try:
            return await asyncio.to_thread(msgspec.json.decode, answer.body, type=list[UnstructuredElement])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise OrganError(f"{self._shown()} answered something that is no list of elements.") from error

    async def _sent(self, body: bytes, headers: dict[str, str]) -> Response:
        try:
            return await self._http.request(
                "POST",
                f"{self._url}/general/v0/general",
                headers=headers,
                data=body,
                timeout_s=self._timeout_s,
                max_bytes=_MOST_ANSWERED,
            )
        except OrganError as error:
            if error.code == "model_timeout":
                message = f"Reading the document took more than {self._timeout_s:g} s."
                raise DocumentError(message, code="document_timeout") from error
            error.message = self._clean(error.message)
            raise

    def _refusal(self, answer: Response) -> LLMFlowError:
        said = self._clean(_detail(answer.body))
        if answer.status in (401, 403):
            return OrganError(
                f"{self._shown()} refuses the key.", hint="Correct api_key of the parser in llmflow.yaml."
            )
        if answer.status == 413:
            return DocumentError(f"The PDF is larger than {self._shown()} takes.", code="document_too_large")
        if answer.status in (400, 415, 422):
            lower = said.lower()
            if "encrypt" in lower or "password" in lower:
                return DocumentError("The document is locked with a password.", code="document_locked")
            if "strategy" in lower or "language" in lower:
                return OrganError(f"{self._shown()} refuses the request: {said}", hint="Correct it in llmflow.yaml.")
            if answer.status == 415 or "not supported" in lower:
                return Unsupported(f"{self._shown()} does not read it: {said}", code="unsupported_type")
            return DocumentError(f"The PDF could not be read: {said}", code="document_unreadable")
        return OrganError(f"{self._shown()} answered {answer.status}: {said}")

    async def _sizes(self, path: Path, elements: Sequence[UnstructuredElement]) -> dict[int, tuple[float, float]]:
        """Points of the pages on which elements have places; a page that cannot be looked at is left out."""
        sizes: dict[int, tuple[float, float]] = {}
        for page in sorted({e.metadata.page_number or 1 for e in elements if e.metadata.coordinates}):
            try:
                words = await self._local.page_words(path, page)
            except LLMFlowError:
                continue
            sizes[page] = (words.width, words.height)
        return sizes

    def _clean(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key else text

    def _shown(self) -> str:
        return str(URL(self._url).with_user(None).with_query(None))


def _base(url: str) -> str:
    parts = URL(url.strip())
    return str(parts.with_path(parts.path.rstrip("/").removesuffix("/general/v0/general").rstrip("/")))


def _bytes_of_pdf(path: Path) -> int | None:
    """None: it is no PDF."""
    with path.open("rb") as file:
        return path.stat().st_size if b"%PDF-" in file.read(1100) else None


def _seconds(text: str) -> float:
    return float(text) if text.isdecimal() else 0.0


def _detail(body: bytes) -> str:
    """FastAPI's `detail`, else the answer's beginning."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return body[:200].decode("utf-8", "replace")
    detail = found.get("detail") if isinstance(found, dict) else found
    return (detail if isinstance(detail, str) else msgspec.json.encode(detail).decode())[:300]


def _drafted(elements: Sequence[UnstructuredElement], sizes: dict[int, tuple[float, float]], *, ocr: bool) -> Draft:
    draft = Draft()
    for element in elements:
        _add(element, draft, sizes, ocr=ocr)
    return draft


def _add(element: UnstructuredElement, draft: Draft, sizes: dict[int, tuple[float, float]], *, ocr: bool) -> None:
    kind = element.type if element.type in KINDS else _KINDS.get(element.type, "UncategorizedText")
    told = element.metadata
    text, html = element.text or "", None
    if kind == "Table" and told.text_as_html and (rows := rows_of_html(told.text_as_html)):
        text, html = tables.markdown(rows), tables.html(rows)
    level = (told.category_depth or 0) + 1 if kind == "Title" else None
    draft.add(kind, text, level=level, page=told.page_number, html=html, bbox=_box(told, sizes), ocr=ocr)


def _box(told: _Metadata, sizes: dict[int, tuple[float, float]]) -> Box | None:
    """In points of the page; the server counts in pixels of the picture it made of it."""
    place, size = told.coordinates, sizes.get(told.page_number or 1)
    if place is None or not place.points or not place.layout_width or not place.layout_height or size is None:
        return None
    across, down = size[0] / place.layout_width, size[1] / place.layout_height
    xs, ys = [x * across for x, _ in place.points], [y * down for _, y in place.points]
    return (round(min(xs), 2), round(min(ys), 2), round(max(xs), 2), round(max(ys), 2))
