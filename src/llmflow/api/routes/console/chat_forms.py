"""Forms that an answer waits for, answered where the question was asked."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi import APIRouter, Query, Request

from llmflow.access.types import reaches
from llmflow.api import auth
from llmflow.api.routes.console.asking import CONSOLE, end_user
from llmflow.api.routes.console.forms import FormAnswer, FormFile
from llmflow.apps.forms.types import Answering, HumanForm

router = APIRouter(tags=["chat"])


@router.post("/apps/{app}/messages/{message_id}/forms/{form_id}", status_code=204)
async def answer_chat_form(
    app: str, message_id: str, form_id: str, body: FormAnswer, request: Request, user: str = CONSOLE
) -> None:
    """Answers it, once; the answer to the question goes on."""
    form, who = await _form(request, app, message_id, form_id, user)
    await auth.platform_of(request).apps.desk.submit(form, who, body.action, body.inputs)


@router.post("/apps/{app}/messages/{message_id}/forms/{form_id}/files", status_code=201)
async def send_chat_form_file(
    app: str,
    message_id: str,
    form_id: str,
    request: Request,
    name: str = Query(min_length=1, max_length=500),
    user: str = CONSOLE,
) -> FormFile:
    """Sends a file for the form, its bytes as the body."""
    form, _ = await _form(request, app, message_id, form_id, user)

    async def pieces() -> AsyncIterator[bytes]:
        async for piece in request.stream():
            yield piece

    file = await auth.platform_of(request).apps.forms.take_file(form, name, pieces())
    return FormFile(id=file.id, name=file.name, size=file.size, media_type=file.media_type)


async def _form(request: Request, app: str, message_id: str, form_id: str, user: str) -> tuple[HumanForm, Answering]:
    """A form of a message of whoever asks, which they may answer, and as whom."""
    caller = await auth.console_caller(request, needs="member")
    room = auth.platform_of(request).apps
    found = await room.catalogue.get(caller.workspace_id, app)
    asking = await end_user(request, caller, found.id, user)
    form = await room.forms_in_chat.find(
        asking, message_id, form_id, account_id=caller.account_id, sees_all=reaches(caller.role, "editor")
    )
    who = Answering("account", caller.account_id) if caller.account_id else Answering("end_user", asking.id)
    return form, who
