"""E-mail: .eml (RFC 822, MIME) and Outlook's .msg. Attachments are listed; those that can be read follow the body."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterable
from email.message import EmailMessage

import msgspec
import oxmsg

from llmflow.errors import LLMFlowError
from llmflow.organs.parser.draft import Draft
from llmflow.organs.parser.source import ReadPart, Source

MAX_ATTACHMENTS = 20
MAX_ATTACHMENT = 50 << 20  # bytes

_FIELDS = ("From", "To", "Cc", "Bcc", "Date", "Subject")
_PARAGRAPHS = re.compile(r"\n[ \t]*\n\s*")


class Mail(msgspec.Struct):
    fields: list[tuple[str, str]]
    subject: str
    text: str
    html: str
    attachments: list[tuple[str, bytes | None]]
    encrypted: bool = False


def read_eml(source: Source) -> None:
    data = source.text.lstrip("\ufeff \n\r").encode("utf-8", "surrogateescape")
    message = email.message_from_bytes(data, policy=_POLICY)
    assert isinstance(message, EmailMessage)
    _write(_open(message), source)


_POLICY = email.policy.default.clone(raise_on_defect=False)


def _header(message: EmailMessage, name: str) -> str:
    try:
        return " ".join(str(message.get(name) or "").split())
    except (ValueError, IndexError, AttributeError, TypeError):  # the header parser's own faults on broken headers
        raw = next((v for k, v in message.raw_items() if k.lower() == name.lower()), "")
        return " ".join(str(raw).split())


def _content(part: EmailMessage) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    charset = part.get_content_charset() or "utf-8"
    charset = {"ks_c_5601-1987": "cp949", "euc-kr": "cp949", "us-ascii": "utf-8"}.get(charset, charset)
    try:
        return payload.decode(charset)
    except (LookupError, UnicodeDecodeError):
        try:
            return payload.decode("utf-8")
        except UnicodeDecodeError:
            return payload.decode("cp1252", "replace")


def _open(message: EmailMessage) -> Mail:
    mail = Mail([], _header(message, "Subject"), "", "", [])
    mail.fields = [(name, value) for name in _FIELDS if (value := _header(message, name))]
    parts = [message]
    while parts:
        part = parts.pop(0)
        kind = part.get_content_type()
        name = part.get_filename()
        if kind == "multipart/encrypted":
            mail.encrypted = True
        if kind == "message/rfc822":
            inner = part.get_payload()
            first = inner[0] if isinstance(inner, list) and inner else None
            nested = first.as_bytes() if isinstance(first, EmailMessage) else None
            mail.attachments.append((name or "message.eml", nested))
        elif part.is_multipart():
            parts = [p for p in part.iter_parts() if isinstance(p, EmailMessage)] + parts
        elif name or part.get_content_disposition() == "attachment":
            payload = part.get_payload(decode=True)
            mail.attachments.append((name or "unnamed", payload if isinstance(payload, bytes) else None))
        elif kind == "text/html":
            mail.html += _content(part)
        elif kind.startswith("text/"):
            mail.text += _content(part) + "\n\n"
        else:
            payload = part.get_payload(decode=True)
            mail.attachments.append((f"unnamed {kind}", payload if isinstance(payload, bytes) else None))
    return mail


def read_msg(source: Source) -> None:
    message = oxmsg.Message.load(str(source.path))
    headers = message.message_headers
    recipients = ", ".join(_person(r.name, r.email_address) for r in message.recipients)
    fields = [
        ("From", message.sender or ""),
        ("To", headers.get("To") or recipients),
        ("Cc", headers.get("Cc", "")),
        ("Date", message.sent_date.isoformat(" ", "minutes") if message.sent_date else headers.get("Date", "")),
        ("Subject", message.subject),
    ]
    attachments = [(a.file_name or "unnamed", a.file_bytes) for a in message.attachments]
    mail = Mail([(k, v) for k, v in fields if v], message.subject, message.body or "", "", list(attachments))
    if not mail.text.strip():
        mail.html = message.html_body or ""
    _write(mail, source)


def _person(name: str, address: str) -> str:
    return f"{name} <{address}>" if name and address and name != address else name or address


def _write(mail: Mail, source: Source) -> None:
    draft = source.draft
    if mail.subject:
        draft.title = mail.subject
        draft.add("Title", mail.subject, level=1)
    draft.add("UncategorizedText", "\n".join(f"{name}: {value}" for name, value in mail.fields))
    if mail.encrypted:
        draft.warn("The message is encrypted; only its header could be read.")
    elif mail.text.strip():
        for paragraph in _PARAGRAPHS.split(mail.text.replace("\r\n", "\n")):
            draft.add("NarrativeText", paragraph)
    elif mail.html.strip():
        source.read_html(mail.html, draft)
    if mail.attachments:
        draft.add("UncategorizedText", "Attachments: " + ", ".join(name for name, _ in mail.attachments))
    if source.read_part is not None and not mail.encrypted:
        _read_attachments(mail.attachments, draft, source.read_part)


def _read_attachments(attachments: Iterable[tuple[str, bytes | None]], draft: Draft, read_part: ReadPart) -> None:
    for index, (name, data) in enumerate(attachments):
        if not data:
            continue
        if index >= MAX_ATTACHMENTS or len(data) > MAX_ATTACHMENT:
            draft.warn(f"The attachment {name} was not read: more or larger attachments than are read at once.")
            continue
        try:
            document = read_part(data, name)
        except LLMFlowError as error:
            draft.warn(f"The attachment {name} was not read: {error.message}")
            continue
        draft.close_headings()
        draft.add("Title", name, level=1)
        for element in document.elements:
            draft.add(
                element.kind,
                element.text,
                level=(element.level or 1) + 1 if element.kind == "Title" else None,
                html=element.html,
                ocr=element.ocr,
            )
        for warning in document.warnings:
            draft.warn(f"{name}: {warning}")
