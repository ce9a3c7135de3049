"""Forms that an answer on a public page waits for: its visitor answers those that are for whoever uses the app."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from llmflow.access.rates import Rate, Rates
from llmflow.api.routes.public import forms
from llmflow.api.routes.public.visit import Visit, operation
from llmflow.apps.forms.types import Answering, HumanForm
from llmflow.apps.types import EndUser
from llmflow.wiring import Platform

_WRITES = Rate.each_minute(30)  # of one address


def routes(platform: Platform, rates: Rates) -> list[Route]:
    path = "/messages/{message_id}/forms/{form_id}"

    async def form_of(visit: Visit) -> tuple[HumanForm, EndUser]:
        rates.take([(f"form POST {visit.address}", _WRITES)])
        user = await visit.owner()
        found = await platform.apps.forms_in_chat.find(user, visit.named("message_id"), visit.named("form_id"))
        return found, user

    async def submit(visit: Visit) -> Response:
        form, user = await form_of(visit)
        return await forms.submit(platform, visit.request, form, Answering("end_user", user.id))

    async def take_file(visit: Visit) -> Response:
        form, _ = await form_of(visit)
        return await forms.take_file(platform, visit.request, form)

    return [
        operation(platform, rates, path, "POST", submit),
        operation(platform, rates, f"{path}/files", "POST", take_file),
    ]
