"""Annotations of an app, and the reply that is made of them."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from llmflow.api.routes.service import shapes
from llmflow.api.routes.service.dify import HEADERS, Call, answer, checked, operation
from llmflow.apps.annotations.reply import Action
from llmflow.apps.annotations.types import Annotation
from llmflow.errors import UsageError
from llmflow.wiring import Platform

_MOST = 100
_STATUSES = {"queued": "waiting", "running": "processing", "done": "completed"}
_ACTIONS: dict[str, Action] = {action: action for action in get_args(Action)}


class AnnotationCreatePayload(msgspec.Struct, frozen=True):
    question: str
    answer: str


class AnnotationReplyActionPayload(msgspec.Struct, frozen=True):
    """Dify wants all three for either action."""

    score_threshold: float
    embedding_provider_name: str
    embedding_model_name: str


def routes(platform: Platform) -> list[Route]:
    one, reply = "/apps/annotations/{annotation_id:uuid}", "/apps/annotation-reply/{action}"
    return [
        operation(platform, "/apps/annotations", "GET", _list),
        operation(platform, "/apps/annotations", "POST", _create),
        operation(platform, one, "PUT", _change),
        operation(platform, one, "DELETE", _delete),
        operation(platform, reply, "POST", _switch),
        operation(platform, f"{reply}/status/{{job_id:uuid}}", "GET", _status),
    ]


async def _list(call: Call) -> Response:
    page = call.count("page", 1, most=1_000_000)
    limit = min(_MOST, call.count("limit", 20, most=999_999_999))
    keyword = call.query("keyword") or ""
    found, total = await call.platform.apps.annotations.page(call.app, keyword=keyword, page=page, limit=limit)
    return answer(
        {
            "data": [_shape(annotation) for annotation in found],
            "has_more": page * limit < total,
            "limit": limit,
            "total": total,
            "page": page,
        }
    )


async def _create(call: Call) -> Response:
    wanted = checked(await call.body(), AnnotationCreatePayload)
    made = await call.platform.apps.annotations.create(call.app, wanted.question, wanted.answer)
    return answer(_shape(made), status=201)


async def _change(call: Call) -> Response:
    wanted = checked(await call.body(), AnnotationCreatePayload)
    changed = await call.platform.apps.annotations.change(call.app, _id(call), wanted.question, wanted.answer)
    return answer(_shape(changed))


async def _delete(call: Call) -> Response:
    await call.platform.apps.annotations.delete(call.app, _id(call))
    return Response(status_code=204, media_type="application/json", headers=dict(HEADERS))


async def _switch(call: Call) -> Response:
    action = _action(call)
    wanted = checked(await call.body(), AnnotationReplyActionPayload)
    if not 0 <= wanted.score_threshold <= 1:
        raise UsageError("score_threshold must be a number from 0 to 1.", param="score_threshold")
    job_id = await call.platform.apps.annotation_reply.switch(
        call.app, action, model=wanted.embedding_model_name, score_threshold=wanted.score_threshold
    )
    return answer({"job_id": job_id, "job_status": "waiting"})


async def _status(call: Call) -> Response:
    job_id = str(call.request.path_params["job_id"])
    found = await call.platform.apps.annotation_reply.status(_action(call), job_id)
    if found is None:
        raise UsageError("The job does not exist.")
    status = _STATUSES.get(found.state, "error")
    return answer(
        {"job_id": job_id, "job_status": status, "error_msg": found.error or found.state if status == "error" else ""}
    )


def _action(call: Call) -> Action:
    action = _ACTIONS.get(str(call.request.path_params["action"]))
    if action is None:
        raise UsageError("action must be enable or disable.", param="action")
    return action


def _id(call: Call) -> str:
    return str(call.request.path_params["annotation_id"])


def _shape(found: Annotation) -> dict[str, Any]:
    return {
        "id": found.id,
        "question": found.question,
        "answer": found.answer,
        "hit_count": found.hit_count,
        "created_at": shapes.seconds(found.created_at),
    }
