"""The forms that runs ask people by: kept, found by their links, answered once.

A link's token is made from the form's id under the master key: it can be shown again and stands nowhere.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import msgspec

from llmflow.apps.chat import file_queries
from llmflow.apps.chat.files import AppFiles
from llmflow.apps.forms import queries
from llmflow.apps.forms.check import check, check_type
from llmflow.apps.forms.types import Answering, Asked, HumanForm, Mail, Reply, State
from llmflow.apps.types import App, AppFile, EndUser
from llmflow.errors import NotFound, PreconditionFailed, UsageError
from llmflow.store.content import Scope
from llmflow.store.crypto import Cipher, digest
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms
from llmflow.workflow.context import Question, Recipient
from llmflow.workflow.form import filled_in
from llmflow.workflow.journal import queries as run_queries
from llmflow.workflow.journal.stored import NewRun

_ADDRESS = re.compile(r"[^@\s<>\",;:]{1,64}@[^@\s<>\",;:]{1,255}")
_json = msgspec.json.Encoder()


class Forms:
    """`now`: the time, in Unix milliseconds."""

    def __init__(
        self,
        database: Database,
        cipher: Cipher,
        files: AppFiles,
        *,
        max_characters: int,
        now: Callable[[], int] = now_ms,
    ) -> None:
        self._database = database
        self._cipher = cipher
        self._files = files
        self._max_characters = max_characters
        self.now = now
        self.mail_begins: Literal["off", "waiting"] = "off"
        self.addressed: Callable[[], None] = lambda: None  # hears when somebody is to be written to
        self.opened: Callable[[int], None] = lambda _: None  # hears when each form expires

    def token(self, form_id: str, address: str = "") -> str:
        """The end of the form's link, or of the one for an address. Whoever has it may answer."""
        return self._cipher.token(f"form {form_id} {address}")

    async def ask(self, app: App, run: NewRun, question: Question) -> int:
        """Keeps the form; one that was asked already stays. When it expires."""
        asked = Asked(
            title=question.title,
            content=question.content,
            inputs=list(question.inputs),
            actions=list(question.actions),
            defaults=dict(question.defaults),
            in_app=question.in_app,
            letters=[Mail(letter.subject, letter.body) for letter in question.letters],
        )
        words = _json.encode(asked).decode()
        now = self.now()
        row = {
            "id": question.id,
            "workspace_id": app.workspace_id,
            "app_id": app.id,
            "run_id": run.id,
            "node_id": question.node_id,
            "at": list(question.at),
            "digest": digest(self.token(question.id)),
            "asked": await self._database.boundary.admit_one(Scope("run", run.id), words),
            "status": "waiting",
            "answer": None,
            "answered_as": "",
            "answered_by": "",
            "created_at": now,
            "expires_at": now + question.seconds * 1000,
            "answered_at": None,
            "taken_at": None,
        }
        recipients = await self._recipients(app, run, question, now) if question.letters else []
        async with self._database.write() as connection:
            await queries.insert(connection, row, recipients)
            kept = await queries.form(connection, queries.by_id(question.id))
        assert kept is not None
        self.opened(kept.expires_at)
        if recipients:
            self.addressed()
        return kept.expires_at

    async def _recipients(self, app: App, run: NewRun, question: Question, now: int) -> list[dict[str, Any]]:
        """A row for each address, whoever it was named by. Members of another installation, and whoever began the run
        without an account, have none here."""
        async with self._database.read() as connection:
            members = await queries.addresses(connection, app.workspace_id)
        told: dict[str, int] = {}
        for number, letter in enumerate(question.letters):
            for to in letter.to:
                for address in _addresses(to, run, members):
                    if _ADDRESS.fullmatch(address):
                        told.setdefault(address, number)
        by_address = {address: id for id, address in members.items()}
        return [
            {
                "id": new_id(),
                "workspace_id": app.workspace_id,
                "form_id": question.id,
                "account_id": by_address.get(address),
                "address": address,
                "digest": digest(self.token(question.id, address)),
                "letter": number,
                "mail": self.mail_begins,
                "tries": 0,
                "error": "",
                "next_at": now if self.mail_begins == "waiting" else None,
                "created_at": now,
                "sent_at": None,
            }
            for address, number in told.items()
        ]

    async def by_token(self, token: str) -> HumanForm:
        """By the form's link, or the one that an address was sent. Raises NotFound (form_not_found)."""
        async with self._database.read() as connection:
            sent = await queries.address_of(connection, digest(token))
        if sent is None:
            return await self._found(queries.by_digest(digest(token)))
        return replace(await self._found(queries.by_id(sent[0])), sent_to=sent[1])

    async def get(self, workspace_id: str, form_id: str) -> HumanForm:
        """Raises NotFound (form_not_found)."""
        found = await self._found(queries.by_id(form_id))
        if found.workspace_id != workspace_id:
            raise _unknown()
        return found

    async def _found(self, which: Any) -> HumanForm:
        async with self._database.read() as connection:
            found = await queries.form(connection, which)
        if found is None:
            raise _unknown()
        return found

    async def of_runs(self, run_ids: Sequence[str]) -> dict[str, list[HumanForm]]:
        """What those runs asked, by run, as it was asked."""
        found: dict[str, list[HumanForm]] = {}
        if run_ids:
            async with self._database.read() as connection:
                for form in await queries.of_runs(connection, run_ids):
                    found.setdefault(form.run_id, []).append(form)
        return found

    async def told(self, forms: Sequence[HumanForm], account_id: str) -> set[str]:
        """The ids of those that the account was told of."""
        if not forms:
            return set()
        async with self._database.read() as connection:
            return await queries.told(connection, [form.id for form in forms], account_id)

    def state(self, form: HumanForm) -> State:
        """expired: nobody answered in time, or the run is over."""
        if form.status == "submitted":
            return "submitted"
        return "waiting" if form.is_open and form.expires_at > self.now() else "expired"

    def check_open(self, form: HumanForm) -> None:
        """Raises PreconditionFailed (human_input_form_submitted, human_input_form_expired)."""
        if form.status == "submitted":
            raise PreconditionFailed(
                f"This form has already been submitted by another user, form_id={form.id}",
                code="human_input_form_submitted",
            )
        if not form.is_open or form.expires_at <= self.now():
            raise PreconditionFailed(f"This form has expired, form_id={form.id}", code="human_input_form_expired")

    async def submit(self, form: HumanForm, who: Answering, action_id: str, inputs: Mapping[str, Any]) -> None:
        """Keeps the answer, once. Raises UsageError (invalid_form_data) and what `check_open` raises."""
        self.check_open(form)
        given = check(form.asked, action_id, inputs, max_characters=self._max_characters)
        values = await self._with_files(form, given)
        action = next(action for action in form.asked.actions if action["id"] == action_id)
        reply = Reply(
            action_id=action_id,
            action_text=action["title"],
            inputs=values,
            content=filled_in(form.asked.content, values),
        )
        words = _json.encode(reply).decode()
        answer = await self._database.boundary.admit_one(Scope("run", form.run_id), words)
        uses = file_queries.uses(form.workspace_id, form.app_id, _file_ids(values), await self._owner_of_files(form))
        async with self._database.write() as connection:
            is_kept = await queries.submit(connection, form.id, answer=answer, kind=who.kind, by=who.by, now=self.now())
            if is_kept:
                await file_queries.insert_uses(connection, uses)
        if not is_kept:
            found = await self._found(queries.by_id(form.id))
            self.check_open(found)
            raise PreconditionFailed(f"This form has expired, form_id={form.id}", code="human_input_form_expired")

    async def take_file(self, form: HumanForm, name: str, pieces: AsyncIterator[bytes]) -> AppFile:
        """A file for the form, sent under the name of the run's user. Raises what AppFiles.upload and `check_open`
        raise, and NotFound for a form that asks for none."""
        self.check_open(form)
        if not any(field["type"] in ("file", "file-list") for field in form.asked.inputs):
            raise NotFound("This form takes no files.")
        return await self._files.upload(await self.user_of(form), name, pieces)

    async def user_of(self, form: HumanForm) -> EndUser:
        """Whose files the run reads, and so whose name those for the form are sent under."""
        async with self._database.read() as connection:
            run = await run_queries.run(connection, form.run_id)
        return EndUser((run and run.end_user_id) or "", form.workspace_id, form.app_id, "", 0)

    async def _owner_of_files(self, form: HumanForm) -> str:
        async with self._database.read() as connection:
            run = await run_queries.run(connection, form.run_id)
        return (run and run.message_id) or form.run_id

    async def _with_files(self, form: HumanForm, given: Mapping[str, Any]) -> dict[str, Any]:
        """Files as values of a workflow. Raises UsageError (invalid_form_data) for one that is not the run's user's, or
        of a kind that is not asked."""
        found = dict(given)
        fields = [field for field in form.asked.inputs if field["type"] in ("file", "file-list")]
        if not fields:
            return found
        user = await self.user_of(form)
        for field in fields:
            name = field["output_variable_name"]
            named = given[name] if field["type"] == "file-list" else [given[name]]
            try:
                values = await self._files.values(user, named)
            except UsageError as error:
                raise UsageError(error.message, code="invalid_form_data", param=name) from error
            for value in values:
                check_type(field, name, value)
            found[name] = values if field["type"] == "file-list" else values[0]
        return found


def _addresses(to: Recipient, run: NewRun, members: Mapping[str, str]) -> list[str]:
    match to.kind:
        case "address":
            return [to.value.strip().lower()]
        case "everybody":
            return list(members.values())
        case "member":
            ids = [to.value]
        case "initiator":
            ids = [run.account_id or ""]
    return [members[id] for id in ids if id in members]


def _file_ids(values: Mapping[str, Any]) -> list[str]:
    listed = [item for value in values.values() for item in (value if isinstance(value, list) else [value])]
    return [item["related_id"] for item in listed if isinstance(item, dict) and item.get("related_id")]


def _unknown() -> NotFound:
    return NotFound("Form not found", code="form_not_found")
