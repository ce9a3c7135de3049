"""Conversations, their messages, and feedback on them."""

from __future__ import annotations

import json
from typing import Any, Literal, get_args
from uuid import UUID, uuid5

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from llmflow.api.routes.service import shapes
from llmflow.api.routes.service.dify import CHATS, HEADERS, Call, answer, checked, operation
from llmflow.apps.chat.queries import ConversationOrder
from llmflow.apps.chat.variables import Variable
from llmflow.apps.forms.types import HumanForm
from llmflow.apps.types import ChatMessage, EndUser
from llmflow.errors import UsageError
from llmflow.store.ids import is_uuid
from llmflow.wiring import Platform

_ORDERS: dict[str, ConversationOrder] = {order: order for order in get_args(ConversationOrder)}


class ConversationRenamePayload(msgspec.Struct, frozen=True):
    name: str | None = None
    auto_generate: bool | None = None


class MessageFeedbackPayload(msgspec.Struct, frozen=True):
    rating: Literal["like", "dislike"] | None = None
    content: str | None = None


def routes(platform: Platform) -> list[Route]:
    one = "/conversations/{conversation_id:uuid}"
    return [
        operation(platform, "/conversations", "GET", _list, only=CHATS),
        operation(platform, one, "DELETE", _delete, only=CHATS),
        operation(platform, f"{one}/name", "POST", _rename, only=CHATS),
        operation(platform, f"{one}/variables", "GET", _variables, only=CHATS),
        operation(platform, f"{one}/variables/{{variable_id:uuid}}", "PUT", _write_variable, only=CHATS),
        operation(platform, "/messages", "GET", _messages, only=CHATS),
        operation(platform, "/messages/{message_id:uuid}/feedbacks", "POST", _rate),
        operation(platform, "/app/feedbacks", "GET", _feedbacks),
    ]


def _id(call: Call) -> str:
    return str(call.request.path_params["conversation_id"])


def _uuid(call: Call, name: str) -> str | None:
    given = call.query(name)
    if given is not None and not is_uuid(given):
        raise UsageError(f"{given} is not a valid uuid.", param=name)
    return given.lower() if given else None


async def _list(call: Call) -> Response:
    user = await call.asking_user()
    order = _ORDERS.get(call.query("sort_by") or "-updated_at")
    if order is None:
        raise UsageError(f"sort_by must be one of {', '.join(_ORDERS)}.", param="sort_by")
    limit = call.count("limit", 20)
    found, has_more = await call.platform.apps.conversations.page(
        user, order=order, last_id=_uuid(call, "last_id"), limit=limit
    )
    introduction = call.app.config.opening_statement
    data = [shapes.conversation(conversation, introduction) for conversation in found]
    return answer({"limit": limit, "has_more": has_more, "data": data})


async def _delete(call: Call) -> Response:
    user = await call.user((await call.body()).get("user"))
    await call.platform.apps.conversations.delete(user, _id(call))
    return Response(status_code=204, media_type="application/json", headers=dict(HEADERS))


async def _rename(call: Call) -> Response:
    body = await call.body()
    user = await call.user(body.get("user"))
    wanted = checked(body, ConversationRenamePayload)
    name = (wanted.name or "").strip()
    if not wanted.auto_generate and not name:
        raise UsageError("name is required when auto_generate is false", param="name")
    renamed = await call.platform.apps.conversations.rename(user, _id(call), None if wanted.auto_generate else name)
    return answer(shapes.conversation(renamed, call.app.config.opening_statement))


async def _variables(call: Call) -> Response:
    """Chat apps have none; chatflows do."""
    user = await call.asking_user()
    limit = call.count("limit", 20)
    found, has_more = await call.platform.apps.variables.page(
        user, _id(call), name=call.query("variable_name"), last_id=_uuid(call, "last_id"), limit=limit
    )
    said = await _descriptions(call)
    data = [_variable(variable, said) for variable in found]
    return answer({"limit": limit, "has_more": has_more, "data": data})


async def _write_variable(call: Call) -> Response:
    body = await call.body()
    user = await call.user(body.get("user"))
    if "value" not in body:
        raise UsageError("value is required", param="value")
    variable_id = str(call.request.path_params["variable_id"])
    written = await call.platform.apps.variables.write(user, _id(call), variable_id, body["value"])
    return answer(_variable(written, await _descriptions(call)))


async def _descriptions(call: Call) -> dict[str, str]:
    """What the design says of the variables, by name."""
    if not call.app.has_graph:
        return {}
    compiled = await call.platform.apps.plans.in_force(call.app)
    return {variable.name: variable.description for variable in compiled.document.conversation}


def _variable(variable: Variable, said: dict[str, str]) -> dict[str, Any]:
    """Dify gives every value as text, numbers and objects too."""
    is_text = isinstance(variable.value, str)
    return {
        "id": variable.id,
        "name": variable.name,
        "value_type": variable.type,
        "value": variable.value if is_text else json.dumps(variable.value, ensure_ascii=False),
        "description": said.get(variable.name, ""),
        "created_at": shapes.seconds(variable.created_at),
        "updated_at": shapes.seconds(variable.updated_at),
    }


async def _messages(call: Call) -> Response:
    user = await call.asking_user()
    conversation_id = _uuid(call, "conversation_id")
    if conversation_id is None:
        raise UsageError("Missing required parameter: conversation_id", param="conversation_id")
    limit = call.count("limit", 20)
    found, has_more = await call.platform.apps.conversations.messages(
        user, conversation_id, first_id=_uuid(call, "first_id"), limit=limit
    )
    names = await _file_names(call, user, found)
    with_sources = call.app.config.retriever_resource
    extra = await _asked(call, found)
    data = [
        shapes.message(
            m,
            [_file(m, at, f, names) for at, f in enumerate(m.files)],
            extra.get(m.workflow_run_id or "", []),
            with_sources=with_sources,
        )
        for m in found
    ]
    return answer({"limit": limit, "has_more": has_more, "data": data})


async def _asked(call: Call, messages: list[ChatMessage]) -> dict[str, list[dict[str, Any]]]:
    """The forms of the messages' runs, by run; with the token of those that wait for whoever uses the app."""
    if not call.app.has_graph:
        return {}
    forms = call.platform.apps.forms
    asked = await forms.of_runs([m.workflow_run_id for m in messages if m.workflow_run_id])

    def token(form: HumanForm) -> str | None:
        return forms.token(form.id) if form.asked.in_app and forms.state(form) == "waiting" else None

    return {run: [shapes.human_input(form, token(form)) for form in found] for run, found in asked.items()}


async def _file_names(call: Call, user: EndUser, messages: list[ChatMessage]) -> dict[str, dict[str, Any]]:
    """What is known of the uploaded files that the messages name, by id."""
    ids = [file["upload_file_id"] for message in messages for file in message.files if "upload_file_id" in file]
    found = await call.platform.apps.files.of(user, ids)
    return {
        key: {"filename": file.name, "mime_type": file.media_type, "size": file.size, "url": f"/v1/files/{key}/preview"}
        for key, file in found.items()
    }


def _file(message: ChatMessage, at: int, file: dict[str, Any], names: dict[str, dict[str, Any]]) -> dict[str, Any]:
    upload_id = file.get("upload_file_id")
    known = names.get(str(upload_id), {"filename": "", "mime_type": "", "size": 0, "url": file.get("url", "")})
    return {
        "id": upload_id or str(uuid5(UUID(message.id), str(at))),
        "type": file["type"],
        "transfer_method": file["transfer_method"],
        "belongs_to": "user",
        "upload_file_id": upload_id,
        **known,
    }


async def _rate(call: Call) -> Response:
    body = await call.body()
    user = await call.user(body.get("user"), required=True)
    wanted = checked(body, MessageFeedbackPayload)
    message_id = str(call.request.path_params["message_id"])
    await call.platform.apps.feedback.rate(
        call.app.workspace_id, user, message_id, wanted.rating, content=wanted.content
    )
    return answer({"result": "success"})


async def _feedbacks(call: Call) -> Response:
    page, limit = call.count("page", 1, most=1_000_000), call.count("limit", 20, most=101)
    found = await call.platform.apps.feedback.page(call.app.id, page=page, limit=limit)
    data = [
        {
            "id": feedback.id,
            "app_id": feedback.app_id,
            "conversation_id": feedback.conversation_id,
            "message_id": feedback.message_id,
            "rating": feedback.rating,
            "content": feedback.content,
            "from_source": "user",
            "from_end_user_id": feedback.end_user_id,
            "from_account_id": None,
            "created_at": shapes.iso(feedback.created_at),
            "updated_at": shapes.iso(feedback.updated_at),
        }
        for feedback in found
    ]
    return answer({"data": data})
