"""Forms that runs ask people by: look at one, send one in. Those alone that whoever uses the app may answer."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from llmflow.api.routes.service.dify import GRAPHS, Call, answer, checked, operation
from llmflow.apps.forms.types import Answering, HumanForm
from llmflow.errors import NotFound
from llmflow.wiring import Platform
from llmflow.workflow.variables import text_of


class HumanInputFormSubmitPayload(msgspec.Struct, frozen=True):
    inputs: dict[str, Any]
    action: str


def routes(platform: Platform) -> list[Route]:
    path = "/form/human_input/{form_token}"
    return [
        operation(platform, path, "GET", _show, only=GRAPHS),
        operation(platform, path, "POST", _submit, only=GRAPHS),
    ]


async def _show(call: Call) -> Response:
    form = await _form(call)
    call.platform.apps.forms.check_open(form)
    asked = form.asked
    return answer(
        {
            "form_content": asked.content,
            "inputs": asked.inputs,
            "resolved_default_values": {name: text_of(value) for name, value in asked.defaults.items()},
            "user_actions": asked.actions,
            "expiration_time": form.expires_at // 1000,
        }
    )


async def _submit(call: Call) -> Response:
    body = await call.body()
    user = await call.user(body.get("user"), required=True)
    sent = checked(body, HumanInputFormSubmitPayload)
    form = await _form(call)
    await call.platform.apps.desk.submit(form, Answering("end_user", user.id), sent.action, sent.inputs)
    return answer({})


async def _form(call: Call) -> HumanForm:
    """Raises NotFound (form_not_found), also for a form of another app, or one for others than the app's users."""
    form = await call.platform.apps.forms.by_token(str(call.request.path_params["form_token"]))
    if form.app_id != call.app.id or not form.asked.in_app:
        raise NotFound("Form not found", code="form_not_found")
    return form
