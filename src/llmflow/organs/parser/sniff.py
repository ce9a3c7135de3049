"""What the bytes really are. The name is believed only where bytes leave a choice between kinds of text."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path, PurePath
from typing import Final

import msgspec
import olefile

from llmflow.errors import DocumentError, Unsupported
from llmflow.organs.parser import text as text_reader

DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PPTX: Final = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
XLS: Final = "application/vnd.ms-excel"
DOC: Final = "application/msword"
PPT: Final = "application/vnd.ms-powerpoint"
ODT: Final = "application/vnd.oasis.opendocument.text"
EPUB: Final = "application/epub+zip"
HWP: Final = "application/x-hwp"
HWPX: Final = "application/hwp+zip"
PDF: Final = "application/pdf"
RTF: Final = "application/rtf"
EML: Final = "message/rfc822"
MSG: Final = "application/vnd.ms-outlook"
HTML: Final = "text/html"
XML: Final = "application/xml"
MARKDOWN: Final = "text/markdown"
RST: Final = "text/x-rst"
ORG: Final = "text/org"
JSON: Final = "application/json"
JSON_LINES: Final = "application/jsonl"
CSV: Final = "text/csv"
PLAIN: Final = "text/plain"
IMAGES: Final = ("image/png", "image/jpeg", "image/tiff", "image/bmp", "image/gif", "image/webp")

#: Program text and settings, read as they stand.
_SOURCES: Final = (
    *(".c", ".cc", ".cpp", ".cs", ".cxx", ".go", ".h", ".ini", ".java", ".js", ".kt", ".php", ".py", ".rb", ".rs"),
    *(".sh", ".sql", ".swift", ".toml", ".ts", ".yaml", ".yml"),
)
#: What a suffix promises. Several suffixes may promise the same.
PROMISES: Final[dict[str, str]] = dict.fromkeys(_SOURCES, PLAIN) | {
    ".txt": PLAIN,
    ".text": PLAIN,
    ".log": PLAIN,
    ".md": MARKDOWN,
    ".markdown": MARKDOWN,
    ".csv": CSV,
    ".tsv": CSV,
    ".tab": CSV,
    ".rst": RST,
    ".org": ORG,
    ".json": JSON,
    ".jsonl": JSON_LINES,
    ".ndjson": JSON_LINES,
    ".html": HTML,
    ".htm": HTML,
    ".xml": XML,
    ".docx": DOCX,
    ".pptx": PPTX,
    ".xlsx": XLSX,
    ".xls": XLS,
    ".doc": DOC,
    ".ppt": PPT,
    ".odt": ODT,
    ".epub": EPUB,
    ".hwp": HWP,
    ".hwpx": HWPX,
    ".rtf": RTF,
    ".pdf": PDF,
    ".eml": EML,
    ".msg": MSG,
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".bmp": "image/bmp",
    ".gif": "image/gif",
    ".webp": "image/webp",
}
NAMES: Final[dict[str, str]] = {
    DOCX: "a Word document",
    PPTX: "a PowerPoint presentation",
    XLSX: "an Excel workbook",
    XLS: "an Excel 97 workbook",
    DOC: "a Word 97 document",
    PPT: "a PowerPoint 97 presentation",
    ODT: "an OpenDocument text",
    EPUB: "an e-book",
    HWP: "a Hangul document (HWP)",
    HWPX: "a Hangul document (HWPX)",
    PDF: "a PDF document",
    RTF: "a rich text document",
    EML: "an e-mail",
    MSG: "an Outlook message",
    HTML: "a web page",
    XML: "an XML file",
    MARKDOWN: "a Markdown text",
    RST: "a reStructuredText",
    ORG: "an Org text",
    JSON: "JSON",
    JSON_LINES: "JSON, one value a line",
    CSV: "a table in text form",
    PLAIN: "a plain text",
}
#: Kinds of text that only a name tells apart.
_BY_NAME: Final = (PLAIN, MARKDOWN, RST, ORG, JSON, JSON_LINES, CSV)
_TEXTS: Final = (*_BY_NAME, HTML, XML, EML)
_MAGIC: Final[tuple[tuple[bytes, str], ...]] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"{\\rtf", RTF),
)
_FOREIGN: Final[tuple[tuple[bytes, str], ...]] = (
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a Windows program"),
    (b"ID3", "a sound recording"),
    (b"OggS", "a sound recording"),
    (b"SQLite format 3", "a database"),
)
_HTML_START = re.compile(
    r"\s*(?:<!--.*?-->\s*|<\?xml[^>]*>\s*)*<(?:!doctype\s+html|html|head|body)\b(?!\s*\[)(?![^<>]*\[)", re.I | re.S
)
_XML_START = re.compile(r"\s*<\?xml\s|\s*<!DOCTYPE\s|\s*<!ENTITY\s")
_XML_ELEMENT = re.compile(r"\s*(?:<!--.*?-->\s*)*<[A-Za-z_][\w.:-]*(?:\s[^<>]*)?/?>", re.S)
_HEADER_LINE = re.compile(r"(From |[!-9;-~]+:(?:[ \t]|$))")
_MAIL_HEADERS = re.compile(
    r"^(?:From|To|Cc|Subject|Date|Received|Return-Path|Message-ID|MIME-Version|Delivered-To|Content-Type):", re.I | re.M
)
#: Flags of an HWP 5 file's header.
_HWP_PASSWORD, _HWP_DISTRIBUTION, _HWP_DRM, _HWP_CERTIFICATE = 1 << 1, 1 << 2, 1 << 4, 1 << 8 | 1 << 10
_DOC_ENCRYPTED = 1  # in byte 11 of a Word 97 document
_SAMPLE = 4000  # characters
_LETTERS = 3  # what has fewer different ones is filling
_MAX_MEMBERS = 20_000
_MAX_UNPACKED = 1 << 30  # bytes
_MAX_RATIO = 200  # of unpacked to packed, where more than 20 MB come out


class Sniffed(msgspec.Struct, frozen=True):
    """`warning`: a sentence when the name says something else. `text`: the decoded text of a kind of text."""

    media_type: str
    warning: str | None = None
    text: str | None = None


def sniff(path: Path, name: str) -> Sniffed:
    """Raises DocumentError (document_empty, document_locked, document_mislabelled, document_unreadable),
    Unsupported for kinds nobody here reads, TooLarge for archives that unpack to absurd sizes."""
    with path.open("rb") as file:
        head = file.read(4096)
    if not head.strip(b" \t\r\n\x00\xef\xbb\xbf"):
        raise DocumentError("The file is empty.", code="document_empty")
    suffix = PurePath(name).suffix.lower()
    found = _by_magic(head, path, suffix)
    if found is None:
        return _text(path, suffix)
    promised = PROMISES.get(suffix)
    wrong = promised is not None and promised != found and not (promised in IMAGES and found in IMAGES)
    return Sniffed(found, warning=_mismatch(suffix, found) if wrong else None)


def _mismatch(suffix: str, found: str) -> str:
    what = NAMES.get(found, "an image")
    return f"The file's name ends in {suffix}, but it is {what}; it was read as what it is."


def _by_magic(head: bytes, path: Path, suffix: str) -> str | None:
    for magic, media_type in _MAGIC:
        if head.startswith(magic):
            return media_type
    if head.startswith(b"BM") and len(head) > 14 and head[6:10] == b"\x00\x00\x00\x00":
        return "image/bmp"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    if b"%PDF-" in head[:1100]:
        return PDF
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        return _zip(path, suffix)
    if head.startswith(olefile.MAGIC):
        return _ole(path, suffix)
    if head.startswith(b"HWP Document File"):
        raise _hwp_3()
    for magic, what in _FOREIGN:
        if head.startswith(magic):
            raise _not_read(what, suffix)
    return None


def _not_read(what: str, suffix: str) -> DocumentError | Unsupported:
    if suffix in PROMISES:
        return DocumentError(f"The file's name ends in {suffix}, but it is {what}.", code="document_mislabelled")
    return Unsupported(f"The file is {what}; no reader takes that.", code="unsupported_type")


def _hwp_3() -> Unsupported:
    return Unsupported(
        "The file is a Hangul document of the format before 2000 (HWP 3).",
        code="unsupported_type",
        hint="Save it as HWPX (or HWP 5) in Hangul and upload that.",
    )


def _hwp_5(header: bytes) -> str:
    """Raises DocumentError for documents that are locked, or that their author only lets be looked at."""
    flags = int.from_bytes(header[36:40], "little")
    if flags & (_HWP_PASSWORD | _HWP_DRM | _HWP_CERTIFICATE):
        raise DocumentError("The document is locked with a password or a right of use.", code="document_locked")
    if flags & _HWP_DISTRIBUTION:
        raise DocumentError(
            "The document was saved for distribution: it may be looked at and not be copied from.",
            code="document_locked",
            hint="Ask its author for the document as it was before, or for a PDF.",
        )
    return HWP


def _zip(path: Path, suffix: str) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            check_archive(members)
            names = {member.filename for member in members}
            mime = archive.read("mimetype")[:200].decode("ascii", "replace").strip() if "mimetype" in names else ""
            locked = "META-INF/manifest.xml" in names and b"encryption-data" in archive.read("META-INF/manifest.xml")
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError) as error:
        raise DocumentError(f"The file is a damaged archive ({error}).", code="document_unreadable") from error
    except RuntimeError as error:  # zipfile's word for an encrypted member
        raise DocumentError("The file is locked with a password.", code="document_locked") from error
    kind = HWPX if "hwp" in mime or "Contents/header.xml" in names else ODT if mime.startswith(ODT) else None
    if kind and locked:
        raise DocumentError("The document is locked with a password.", code="document_locked")
    if kind or mime == EPUB:
        return kind or EPUB
    for folder, media_type in (("word/", DOCX), ("ppt/", PPTX), ("xl/", XLSX)):
        if "[Content_Types].xml" in names and any(member.startswith(folder) for member in names):
            if "xl/workbook.bin" in names:
                raise Unsupported(
                    "The file is a binary Excel workbook (xlsb).", hint="Save it as XLSX and upload that."
                )
            return media_type
    what = "an OpenDocument file other than text" if mime else "an archive"
    raise _not_read(what, suffix)


def check_archive(members: list[zipfile.ZipInfo]) -> None:
    """Raises TooLarge when an archive would unpack to far more than it is."""
    unpacked = sum(member.file_size for member in members)
    packed = max(1, sum(member.compress_size for member in members))
    bomb = unpacked > 20 << 20 and unpacked > _MAX_RATIO * packed
    if len(members) > _MAX_MEMBERS or unpacked > _MAX_UNPACKED or bomb:
        raise DocumentError(
            f"The file unpacks to {unpacked >> 20} MB in {len(members)} parts, more than is read.",
            code="document_too_large",
        )


def _ole(path: Path, suffix: str) -> str:
    try:
        with olefile.OleFileIO(path) as ole:
            streams = {entry[0] for entry in ole.listdir() if entry}
            header = ole.openstream("FileHeader").read(256) if ole.exists("FileHeader") else b""
            word = ole.openstream("WordDocument").read(12) if ole.exists("WordDocument") else b""
    except (OSError, olefile.olefile.OleFileError, IndexError, ValueError, TypeError) as error:
        raise DocumentError("The file is a damaged Office document.", code="document_unreadable") from error
    is_locked_word = len(word) == 12 and word[11] & _DOC_ENCRYPTED
    if is_locked_word or streams & {"EncryptedPackage", "EncryptionInfo", "EncryptedSummary"}:
        raise DocumentError("The document is locked with a password.", code="document_locked")
    if header.startswith(b"HWP Document File"):
        return _hwp_5(header)
    if "__properties_version1.0" in streams:
        return MSG
    if streams & {"Workbook", "Book"}:
        return XLS
    if "WordDocument" in streams:
        return DOC
    if "PowerPoint Document" in streams:
        return PPT
    raise _not_read("an Office file of an unknown kind", suffix)


def _text(path: Path, suffix: str) -> Sniffed:
    """Which kind of text. Raises DocumentError or Unsupported for bytes that are none."""
    data = path.read_bytes()
    declared = _declared_encoding(data)
    try:
        text, warning = text_reader.decode(data, declared=declared)
    except DocumentError:
        raise _not_read("data of an unknown kind", suffix) from None
    found = kind_of_text(text, suffix)
    promised = PROMISES.get(suffix)
    if promised is not None and promised not in _TEXTS and len(set(text[:_SAMPLE])) < _LETTERS:
        raise DocumentError(
            f"The file's name ends in {suffix}, but nothing of that is in it.", code="document_mislabelled"
        )
    if promised is not None and promised != found and (promised not in (*_BY_NAME, XML) or found == HTML):
        warning = _mismatch(suffix, found)
    return Sniffed(found, warning=warning, text=text)


def kind_of_text(text: str, suffix: str) -> str:
    """Markup says what it is; for the rest the suffix decides, and plain is what is left."""
    start = text[:4000].lstrip("\ufeff")
    promised = PROMISES.get(suffix)
    if _HTML_START.match(start):
        return HTML
    if promised == HTML and _XML_ELEMENT.search(start):
        return HTML
    may_be_xml = promised == CSV or promised not in _BY_NAME
    if promised == XML or (may_be_xml and _XML_START.match(start)):
        return XML
    if promised in _BY_NAME:
        return promised
    if promised == EML or suffix not in PROMISES:
        return EML if _is_mail(start, sure=promised != EML) else PLAIN
    return PLAIN


def _is_mail(start: str, *, sure: bool) -> bool:
    """Header lines on top; `sure` asks for two that every mail has."""
    headers = re.split(r"\r?\n\r?\n", start.lstrip(), maxsplit=1)[0]
    first = headers.split("\n", 1)[0]
    return bool(_HEADER_LINE.match(first)) and len(_MAIL_HEADERS.findall(headers)) >= (2 if sure else 1)


def _declared_encoding(data: bytes) -> str | None:
    """What an HTML meta tag or an XML declaration says."""
    head = data[:2048].decode("latin-1")
    match = re.search(r"""<\?xml[^>]*encoding=["']([\w.-]+)""", head) or re.search(
        r"""<meta[^>]*charset=["']?([\w.-]+)""", head, re.I
    )
    name = match[1].lower() if match else None
    return {"euc-kr": "cp949", "ks_c_5601-1987": "cp949", "iso-8859-1": "cp1252", "latin1": "cp1252"}.get(
        name or "", name
    )
