"""Which model a knowledge base is embedded with, and embedding it anew with another."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from llmflow.api import auth
from llmflow.knowledge.types import Embedded, KnowledgeBase

router = APIRouter(tags=["knowledge"])


class WantedModel(BaseModel):
    model: str = Field("", max_length=500, description="Empty: the embedding organ's")


@router.get("/knowledge/{base}/embedding")
async def get_embedding(base: str, request: Request) -> Embedded:
    """The model of the index that serves, whether it is here, and how far another is."""
    return await auth.platform_of(request).knowledge.reembeddings.of(await _base(request, base))


@router.post("/knowledge/{base}/embedding", status_code=202)
async def embed_anew(base: str, body: WantedModel, request: Request) -> Embedded:
    """Makes every passage's vector anew, from its text as it is kept, while the index serves as it is; then the new one
    serves. One that was begun with the same model goes on."""
    reembeddings = auth.platform_of(request).knowledge.reembeddings
    found = await _base(request, base)
    await reembeddings.begin(found, body.model)
    return await reembeddings.of(await _base(request, base))


@router.delete("/knowledge/{base}/embedding")
async def stop_embedding_anew(base: str, request: Request) -> Embedded:
    """Gives up what was begun: the index that serves goes on."""
    reembeddings = auth.platform_of(request).knowledge.reembeddings
    await reembeddings.stop(await _base(request, base))
    return await reembeddings.of(await _base(request, base))


async def _base(request: Request, id_or_name: str) -> KnowledgeBase:
    caller = await auth.console_caller(request)
    return await auth.platform_of(request).knowledge.bases.get(caller.workspace_id, id_or_name)
