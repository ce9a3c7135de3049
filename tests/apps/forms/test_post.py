"""Mail to people whom a workflow asks, through a real SMTP conversation on this machine."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from llmflow.apps.forms.inbox import Told
from llmflow.apps.forms.post import Post
from llmflow.apps.forms.types import Answering, HumanForm
from llmflow.config.settings import Mail
from llmflow.net.mail import Mailer
from llmflow.organs.llm.scripted import ScriptedLlm
from llmflow.store.database import Database
from llmflow.store.ids import new_id
from llmflow.store.tables import accounts
from llmflow.workflow.events import WorkflowPaused
from tests.apps.fakes import WORKSPACE, World, world_of
from tests.apps.runs.test_runs import heard, run_of
from tests.flow_apps import dsl, end, human, start

BASE = "https://llmflow.example.com"
MINUTE = 60_000


class SmtpServer:
    """Speaks as much SMTP as a client needs. `refused`: addresses it never takes; `is_down`: it has no time now."""

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []
        self.refused: set[str] = set()
        self.is_down = False
        self.port = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(line: str) -> None:
            writer.write(line.encode() + b"\r\n")

        say("220 here")
        while line := (await reader.readline()).decode().strip():
            word = line[:4].upper()
            if word in ("EHLO", "HELO"):
                say("250 here")
            elif word == "MAIL":
                say("451 come again later" if self.is_down else "250 ok")
            elif word == "RCPT":
                address = line.partition("<")[2].partition(">")[0]
                say("550 no such user" if address in self.refused else "250 ok")
            elif word == "DATA":
                say("354 go on")
                raw = await reader.readuntil(b"\r\n.\r\n")
                message = email.message_from_bytes(raw[:-3].replace(b"\r\n..", b"\r\n."), policy=email.policy.default)
                assert isinstance(message, EmailMessage)
                self.taken.append(message)
                say("250 taken")
            elif word == "QUIT":
                say("221 bye")
                break
            else:
                say("250 ok")
        writer.close()


@pytest.fixture
async def smtp() -> AsyncIterator[SmtpServer]:
    made = SmtpServer()
    server = await asyncio.start_server(made.talk, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()


@pytest.fixture
async def mail_world(database: Database, tmp_path: Path, smtp: SmtpServer) -> AsyncIterator[tuple[World, Post]]:
    """On both databases; with two members."""
    world = await world_of(database, tmp_path, ScriptedLlm())
    async with database.write() as connection:
        for name in ("jisu", "minho"):
            row = {"id": new_id(), "workspace_id": WORKSPACE, "email": f"{name}@example.com", "name": name}
            await connection.execute(
                accounts.insert().values(password_hash="", role="member", preferences={}, created_at=0, **row)
            )
    post = posting(world, smtp)
    yield world, post
    await post.close()
    await world.room.close()


def posting(world: World, smtp: SmtpServer) -> Post:
    settings = Mail(host="127.0.0.1", port=smtp.port, tls="none", sender="LLMFlow <llmflow@example.com>", timeout_s=5)
    return Post(world.database, world.room.forms, Mailer(settings), base_url=BASE)


async def asked(world: World, *addresses: str, everybody: bool = False, body: str = "답: {{#url#}}") -> HumanForm:
    """A form that waits, with a letter to these."""
    items = [{"type": "external", "email": address} for address in addresses]
    config = {
        "recipients": {"whole_workspace": everybody, "items": items},
        "subject": "확인: {{#start.q#}}",
        "body": body,
    }
    methods = [{"type": "email", "enabled": True, "config": config}]
    nodes = (start("q"), human("ask", "휴가", [], "ok", delivery_methods=methods), end(how="ask.__action_id"))
    edges = (("start", "ask"), ("ask:ok", "end"))
    _, live = await run_of(world, dsl(f"메일 {new_id()}", nodes, edges), q="연차 3일")
    last = (await heard(live))[-1]
    assert isinstance(last, WorkflowPaused)
    return await world.room.forms.get(WORKSPACE, last.asked[0].id)


async def told(world: World, form: HumanForm) -> dict[str, Told]:
    _, found = await world.room.inbox.get(WORKSPACE, form.id, only=None)
    return {one.address: one for one in found}


async def test_each_recipient_gets_a_link_of_their_own_that_says_who_answered(
    mail_world: tuple[World, Post], smtp: SmtpServer
) -> None:
    world, post = mail_world
    form = await asked(world, "outside@partner.kr", "Jisu@example.com", everybody=True)
    await post.settled()
    assert sorted(message["To"] for message in smtp.taken) == [
        "jisu@example.com",
        "minho@example.com",
        "outside@partner.kr",
    ]
    (message,) = [message for message in smtp.taken if message["To"] == "outside@partner.kr"]
    assert (message["Subject"], message["From"]) == ("확인: 연차 3일", "LLMFlow <llmflow@example.com>")
    text = message.get_content().strip()
    assert text.startswith(f"답: {BASE}/form/")
    assert {one.mail for one in (await told(world, form)).values()} == {"sent"}
    linked = await world.room.forms.by_token(text.rpartition("/")[2])
    assert (linked.id, linked.sent_to) == (form.id, "outside@partner.kr")
    await world.room.desk.submit(linked, Answering("link", linked.sent_to), "ok", {})
    entry, _ = await world.room.inbox.get(WORKSPACE, form.id, only=None)
    assert (entry.state, entry.answered_by) == ("submitted", "outside@partner.kr")


async def test_a_letter_without_a_place_for_the_link_has_it_at_the_end(
    mail_world: tuple[World, Post], smtp: SmtpServer
) -> None:
    world, post = mail_world
    await asked(world, "a@partner.kr", body="확인해 주세요.")
    await post.settled()
    lines = smtp.taken[0].get_content().split()
    assert lines[:2] == ["확인해", "주세요."]
    assert lines[2].startswith(f"{BASE}/form/")


async def test_a_server_without_time_is_asked_again_after_a_restart_too(
    mail_world: tuple[World, Post], smtp: SmtpServer
) -> None:
    world, post = mail_world
    smtp.is_down = True
    form = await asked(world, "a@partner.kr")
    await post.settled()
    found = (await told(world, form))["a@partner.kr"]
    assert (found.mail, found.error) == ("waiting", "The mail server answers 451: come again later")
    post.ring()
    await post.settled()
    assert smtp.taken == []  # not before its time
    await post.close()
    smtp.is_down = False
    world.room.forms.now = lambda: form.created_at + 2 * MINUTE
    again = posting(world, smtp)
    again.ring()
    await again.settled()
    assert (await told(world, form))["a@partner.kr"].mail == "sent"
    assert len(smtp.taken) == 1
    await again.close()


async def test_an_address_that_is_refused_is_given_up_and_the_others_are_written_to(
    mail_world: tuple[World, Post], smtp: SmtpServer
) -> None:
    world, post = mail_world
    smtp.refused = {"nobody@partner.kr"}
    form = await asked(world, "nobody@partner.kr", "a@partner.kr")
    await post.settled()
    found = await told(world, form)
    assert (found["nobody@partner.kr"].mail, found["nobody@partner.kr"].error) == (
        "failed",
        "The mail server answers 550: no such user",
    )
    assert found["a@partner.kr"].mail == "sent"
    assert (await world.room.forms.get(WORKSPACE, form.id)).is_open


async def test_nobody_is_written_to_about_a_form_that_is_over(mail_world: tuple[World, Post], smtp: SmtpServer) -> None:
    world, post = mail_world
    smtp.is_down = True
    form = await asked(world, "a@partner.kr")
    await post.settled()
    smtp.is_down = False
    await world.room.desk.submit(form, Answering("link"), "ok", {})
    world.room.forms.now = lambda: form.created_at + 2 * MINUTE
    post.ring()
    await post.settled()
    assert smtp.taken == []
    assert (await told(world, form))["a@partner.kr"].mail == "failed"


async def test_without_a_server_nothing_is_sent_and_that_is_kept(world: World) -> None:
    form = await asked(world, "a@partner.kr")
    assert (await told(world, form))["a@partner.kr"].mail == "off"
    await world.room.post.settled()
