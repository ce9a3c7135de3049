"""Apps: make, find, change, delete."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from llmflow.api import auth
from llmflow.apps.types import App, AppContents, ChatConfig
from llmflow.errors import UsageError

router = APIRouter(tags=["apps"])


class NewApp(BaseModel):
    name: str = Field(max_length=200)
    description: str = Field("", max_length=2000)
    knowledge: list[str] = Field(default_factory=list, description="Ids or names of knowledge bases")
    model: str = Field("", description="A model's id; empty: the default")
    instruction: str = Field("", max_length=20_000)
    opening_statement: str = Field("", max_length=10_000)


class ChangedApp(BaseModel):
    """What is left out stays as it is. `seen_at`: the app's `updated_at` as the change was made on it; where somebody
    else changed it since, the change is refused."""

    name: str | None = Field(None, max_length=200)
    description: str | None = Field(None, max_length=2000)
    knowledge: list[str] | None = Field(None, description="Ids or names of knowledge bases")
    model: str | None = Field(None, description="A model's id; empty: the default")
    instruction: str | None = Field(None, max_length=20_000)
    opening_statement: str | None = Field(None, max_length=10_000)
    suggested_questions: list[Annotated[str, Field(max_length=500)]] | None = Field(None, max_length=20)
    suggested_questions_after_answer: bool | None = None
    retriever_resource: bool | None = Field(None, description="Whether answers show their citations")
    speech_to_text: bool | None = Field(None, description="Whether recordings are written down; needs organs.speech")
    text_to_speech: bool | None = Field(None, description="Whether answers are read aloud; needs organs.speech")
    voice: str | None = Field(None, max_length=200, description="Of the speech server; empty: its own")
    top_k: int | None = Field(None, ge=0, le=100, description="Passages given to the model; 0: as the settings say")
    language: Literal["", "ko", "en"] | None = Field(None, description="Of the answers; empty: the question's")
    icon: str | None = Field(None, min_length=1, max_length=16, description="An emoji")
    icon_background: str | None = Field(None, pattern="^#[0-9A-Fa-f]{6}$")
    seen_at: int | None = None


@router.get("/apps")
async def list_apps(request: Request) -> list[App]:
    caller = await auth.console_caller(request)
    return await auth.platform_of(request).apps.catalogue.all(caller.workspace_id)


@router.post("/apps", status_code=201)
async def create_app(body: NewApp, request: Request) -> App:
    """A chat app over knowledge bases."""
    caller = await auth.console_caller(request)
    platform = auth.platform_of(request)
    bases = [await platform.knowledge.bases.get(caller.workspace_id, name) for name in body.knowledge]
    config = ChatConfig(
        knowledge=tuple(base.id for base in bases),
        model=body.model,
        instruction=body.instruction,
        opening_statement=body.opening_statement,
    )
    return await platform.apps.catalogue.create(caller.workspace_id, body.name, config, description=body.description)


@router.get("/apps/{app}")
async def get_app(app: str, request: Request) -> App:
    """By id or name."""
    caller = await auth.console_caller(request)
    return await auth.platform_of(request).apps.catalogue.get(caller.workspace_id, app)


@router.patch("/apps/{app}")
async def change_app(app: str, body: ChangedApp, request: Request) -> App:
    """Changes what is given. Refused (changed_meanwhile) when somebody else changed the app since `seen_at`."""
    caller = await auth.console_caller(request)
    platform = auth.platform_of(request)
    found = await platform.apps.catalogue.get(caller.workspace_id, app)
    given = body.model_dump(exclude_none=True, exclude={"name", "description", "seen_at"})
    if found.has_graph and given.keys() - {"icon", "icon_background"}:
        named = ", ".join(sorted(given.keys() - {"icon", "icon_background"}))
        raise UsageError(f"{named}: the design of a {found.mode} app says it; change its draft.", param=named)
    if body.knowledge is not None:
        bases = [await platform.knowledge.bases.get(caller.workspace_id, name) for name in body.knowledge]
        given["knowledge"] = tuple(dict.fromkeys(base.id for base in bases))
    if body.model:
        await platform.gateway.info(body.model)  # raises for one there is not
    if body.suggested_questions is not None:
        given["suggested_questions"] = tuple(text for q in body.suggested_questions if (text := q.strip()))
    if body.top_k == 0:
        given["top_k"] = None
    return await platform.apps.catalogue.update(
        caller.workspace_id,
        found.id,
        name=body.name,
        description=body.description,
        config=replace(found.config, **given),
        seen_at=body.seen_at if body.seen_at is not None else found.updated_at,
    )


@router.get("/apps/{app}/contents")
async def app_contents(app: str, request: Request) -> AppContents:
    """How much belongs to the app, and would be deleted with it."""
    caller = await auth.console_caller(request)
    catalogue = auth.platform_of(request).apps.catalogue
    return await catalogue.contents(await catalogue.get(caller.workspace_id, app))


@router.delete("/apps/{app}", status_code=204)
async def delete_app(app: str, request: Request) -> None:
    caller = await auth.console_caller(request)
    await auth.platform_of(request).apps.catalogue.delete(caller.workspace_id, app)
