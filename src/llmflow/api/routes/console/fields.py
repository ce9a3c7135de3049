"""What a knowledge base's documents can say of themselves: its metadata fields."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request
from pydantic import BaseModel
from pydantic import Field as Limited

from llmflow.api import auth
from llmflow.knowledge.conditions import FieldType
from llmflow.knowledge.fields import Field
from llmflow.knowledge.types import KnowledgeBase
from llmflow.wiring import Platform

router = APIRouter(tags=["knowledge"])


class NewField(BaseModel):
    """`type`: of its values; a time is in Unix seconds."""

    name: str = Limited(max_length=255)
    type: FieldType


class FieldName(BaseModel):
    name: str = Limited(max_length=255)


@dataclass(frozen=True, slots=True)
class CountedField:
    """`documents`: how many say something of it."""

    field: Field
    documents: int


@router.get("/knowledge/{base}/fields")
async def list_fields(base: str, request: Request) -> list[CountedField]:
    """In the order they were made."""
    platform, found = await _base(request, base)
    counts = await platform.knowledge.fields.counts(found)
    return [CountedField(field, counts.get(field.id, 0)) for field in await platform.knowledge.fields.all(found)]


@router.post("/knowledge/{base}/fields", status_code=201)
async def create_field(base: str, body: NewField, request: Request) -> Field:
    platform, found = await _base(request, base)
    return await platform.knowledge.fields.create(found, body.name, body.type)


@router.patch("/knowledge/{base}/fields/{field_id}")
async def rename_field(base: str, field_id: str, body: FieldName, request: Request) -> Field:
    platform, found = await _base(request, base)
    return await platform.knowledge.fields.rename(found, field_id, body.name)


@router.delete("/knowledge/{base}/fields/{field_id}", status_code=204)
async def delete_field(base: str, field_id: str, request: Request) -> None:
    """With what documents say of it."""
    platform, found = await _base(request, base)
    await platform.knowledge.fields.delete(found, field_id)


async def _base(request: Request, id_or_name: str) -> tuple[Platform, KnowledgeBase]:
    caller = await auth.console_caller(request)
    platform = auth.platform_of(request)
    return platform, await platform.knowledge.bases.get(caller.workspace_id, id_or_name)
