"""The inbox: forms that runs wait for. Editors see all of the workspace, members those they were told of."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from llmflow.access.types import reaches
from llmflow.api import auth
from llmflow.apps.forms.inbox import Entry, Told
from llmflow.apps.forms.types import Answering, State
from llmflow.wiring import Platform
from llmflow.workflow.form import excerpt

router = APIRouter(tags=["forms"])


class FormRow(BaseModel):
    """`answered_as`: account, end_user, or link, whoever had it; `answered_by`: their name or address, where one is
    known. Times are Unix milliseconds."""

    id: str
    app_id: str
    app_name: str
    run_id: str
    title: str
    excerpt: str = Field(description="The beginning of what is asked")
    state: State
    answered_as: str
    answered_by: str
    action: str = Field(description='The button that was pressed; "" none yet')
    created_at: int
    expires_at: int
    answered_at: int | None


class FormPage(BaseModel):
    forms: list[FormRow]
    total: int
    page: int
    limit: int


class FormDetail(FormRow):
    """`content`: Markdown, with {{#$output.NAME#}} where a field belongs; of an answered form with what was said.
    `link`: the path of the form's page, for whoever shall answer; "" when it is over. `told`: who was told."""

    content: str
    inputs: list[dict[str, Any]]
    actions: list[dict[str, Any]]
    defaults: dict[str, Any]
    reply: dict[str, Any] | None
    link: str
    told: list[Told]


class FormAnswer(BaseModel):
    """`inputs`: by field; a file as {"type", "transfer_method": "local_file", "upload_file_id"}."""

    action: str = Field(max_length=200)
    inputs: dict[str, Any] = Field(default_factory=dict)


class WaitingForms(BaseModel):
    count: int


class FormFile(BaseModel):
    id: str
    name: str
    size: int
    media_type: str


@router.get("/forms")
async def list_forms(
    request: Request,
    state: Literal["waiting", "over"] = "waiting",
    page: int = Query(1, ge=1, le=100_000),
    limit: int = Query(20, ge=1, le=100),
) -> FormPage:
    """Those that wait, the most urgent first; or those that are over, the newest first."""
    platform, workspace_id, only, _ = await _reader(request)
    found, total = await platform.apps.inbox.page(
        workspace_id, only=only, waiting=state == "waiting", offset=(page - 1) * limit, limit=limit
    )
    return FormPage(forms=[FormRow(**_row(entry)) for entry in found], total=total, page=page, limit=limit)


@router.get("/forms/waiting")
async def count_forms(request: Request) -> WaitingForms:
    """How many wait."""
    platform, workspace_id, only, _ = await _reader(request)
    return WaitingForms(count=await platform.apps.inbox.waiting(workspace_id, only=only))


@router.get("/forms/{form_id}")
async def get_form(form_id: str, request: Request) -> FormDetail:
    platform, workspace_id, only, _ = await _reader(request)
    return _detail(platform, *await platform.apps.inbox.get(workspace_id, form_id, only=only))


@router.post("/forms/{form_id}")
async def answer_form(form_id: str, body: FormAnswer, request: Request) -> FormDetail:
    """Answers it, once; the run goes on."""
    platform, workspace_id, only, account_id = await _reader(request)
    entry, _ = await platform.apps.inbox.get(workspace_id, form_id, only=only)
    who = Answering("account", account_id) if account_id else Answering("link")
    await platform.apps.desk.submit(entry.form, who, body.action, body.inputs)
    return _detail(platform, *await platform.apps.inbox.get(workspace_id, form_id, only=only))


@router.post("/forms/{form_id}/files", status_code=201)
async def send_form_file(form_id: str, request: Request, name: str = Query(min_length=1, max_length=500)) -> FormFile:
    """Sends a file for the form, its bytes as the body."""
    platform, workspace_id, only, _ = await _reader(request)
    entry, _ = await platform.apps.inbox.get(workspace_id, form_id, only=only)

    async def pieces() -> AsyncIterator[bytes]:
        async for piece in request.stream():
            yield piece

    file = await platform.apps.forms.take_file(entry.form, name, pieces())
    return FormFile(id=file.id, name=file.name, size=file.size, media_type=file.media_type)


async def _reader(request: Request) -> tuple[Platform, str, str | None, str | None]:
    """The platform, the workspace, the account whose forms alone are shown (None: all), and who asks."""
    caller = await auth.console_caller(request, needs="member")
    only = None if reaches(caller.role, "editor") else caller.account_id or ""
    return auth.platform_of(request), caller.workspace_id, only, caller.account_id


def _row(entry: Entry) -> dict[str, Any]:
    form = entry.form
    return {
        "id": form.id,
        "app_id": form.app_id,
        "app_name": entry.app_name,
        "run_id": form.run_id,
        "title": form.asked.title,
        "excerpt": excerpt(form.asked.content),
        "state": entry.state,
        "answered_as": form.answered_as,
        "answered_by": entry.answered_by,
        "action": form.reply.action_text or form.reply.action_id if form.reply else "",
        "created_at": form.created_at,
        "expires_at": form.expires_at,
        "answered_at": form.answered_at,
    }


def _detail(platform: Platform, entry: Entry, told: list[Told]) -> FormDetail:
    form, asked, reply = entry.form, entry.form.asked, entry.form.reply
    return FormDetail(
        **_row(entry),
        content=reply.content if reply else asked.content,
        inputs=asked.inputs,
        actions=asked.actions,
        defaults=asked.defaults,
        reply={"action_id": reply.action_id, "inputs": reply.inputs} if reply else None,
        link=f"/form/{platform.apps.forms.token(form.id)}" if entry.state == "waiting" else "",
        told=told,
    )
