"""What people think of answers: yours of one, everybody's of an app."""

from __future__ import annotations

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from llmflow.api import auth
from llmflow.api.routes.console.asking import CONSOLE, asker
from llmflow.apps.types import Rating, Review

router = APIRouter(tags=["chat"])


class Opinion(BaseModel):
    rating: Rating
    reason: str = Field("", max_length=5_000)
    correction: str = Field("", max_length=50_000, description="The answer as it should have been")


@router.put("/apps/{app}/messages/{message_id}/feedback", status_code=204)
async def rate(app: str, message_id: str, body: Opinion, request: Request, user: str = CONSOLE) -> None:
    """Instead of what you said of this answer before."""
    found, asking = await asker(request, app, user)
    feedback = auth.platform_of(request).apps.feedback
    await feedback.rate(
        found.workspace_id,
        asking,
        message_id,
        body.rating,
        content=body.reason.strip(),
        correction=body.correction.strip(),
    )


@router.delete("/apps/{app}/messages/{message_id}/feedback", status_code=204)
async def take_back(app: str, message_id: str, request: Request, user: str = CONSOLE) -> None:
    found, asking = await asker(request, app, user)
    await auth.platform_of(request).apps.feedback.rate(found.workspace_id, asking, message_id, None)


@router.get("/apps/{app}/feedback")
async def list_feedback(
    app: str, request: Request, page: int = Query(1, ge=1, le=1_000_000), limit: int = Query(50, ge=1, le=100)
) -> list[Review]:
    """Everybody's of this app, newest first, for administrators: it holds other people's questions."""
    caller = await auth.console_caller(request, needs="admin")
    room = auth.platform_of(request).apps
    found = await room.catalogue.get(caller.workspace_id, app)
    return await room.feedback.reviews(found.id, page=page, limit=limit)
