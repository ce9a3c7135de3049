"""Mail by an SMTP server: one message at a time, by the standard library in a thread."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from llmflow.config.settings import Mail
from llmflow.errors import LLMFlowError, OrganError, UsageError


class Mailer:
    """`can_send`: a server is named."""

    def __init__(self, settings: Mail) -> None:
        self._settings = settings
        self.can_send = bool(settings.host and settings.sender)

    async def send(self, to: str, subject: str, text: str) -> None:
        """Returns when the server has taken it. Raises OrganError (mail_failed) for what may go better later, and
        UsageError (mail_refused) for an address that the server does not take."""
        message = EmailMessage()
        try:
            message["From"] = self._settings.sender
            message["To"] = to
            message["Subject"] = " ".join(subject.split()) or "LLMFlow"
            message["Date"] = formatdate(localtime=True)
            message["Message-ID"] = make_msgid(domain=self._settings.sender.rpartition("@")[2].strip(" >") or None)
            message["Auto-Submitted"] = "auto-generated"
            message.set_content(text)
        except ValueError as error:
            raise UsageError(f"{to} or mail.sender is no address: {error}.", code="mail_refused") from error
        await asyncio.to_thread(self._deliver, to, message)

    def _deliver(self, to: str, message: EmailMessage) -> None:
        settings = self._settings
        try:
            with self._connected() as server:
                if settings.user:
                    server.login(settings.user, settings.password)
                server.send_message(message, to_addrs=[to])
        except smtplib.SMTPRecipientsRefused as error:
            code, words = next(iter(error.recipients.values()))
            raise _refusal(code, words) from error
        except smtplib.SMTPResponseException as error:
            raise _refusal(error.smtp_code, error.smtp_error, is_ours=True) from error
        except (smtplib.SMTPException, OSError) as error:
            where = f"{settings.host}:{settings.port}"
            raise OrganError(f"The mail server {where} does not take mail: {error}.", code="mail_failed") from error

    def _connected(self) -> smtplib.SMTP:
        settings, trust = self._settings, ssl.create_default_context()
        if settings.tls == "tls":
            return smtplib.SMTP_SSL(settings.host, settings.port, timeout=settings.timeout_s, context=trust)
        server = smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout_s)
        if settings.tls == "starttls":
            try:
                server.starttls(context=trust)
            except BaseException:
                server.close()
                raise
        return server


def _refusal(code: int, words: bytes | str, *, is_ours: bool = False) -> LLMFlowError:
    """5xx about the address is for good; about our sign-in or our mail somebody may yet mend it."""
    said = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    text = f"The mail server answers {code}: {' '.join(said.split())[:300]}"
    if code >= 500 and not is_ours:
        return UsageError(text, code="mail_refused")
    return OrganError(text, code="mail_failed")
