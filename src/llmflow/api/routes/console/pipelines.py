"""Pipelines of knowledge: what reads and cuts a base's documents, and what its form is given with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from llmflow.api import auth
from llmflow.errors import NotFound
from llmflow.knowledge.types import KnowledgeBase
from llmflow.wiring import Platform

router = APIRouter(tags=["knowledge"])


class Inputs(BaseModel):
    inputs: dict[str, Any] = Field(description="By the names of the form's fields; what is left out has its default")


@dataclass(frozen=True, slots=True)
class PipelineField:
    """`type`: text-input, paragraph, select, number, checkbox, file or file-list."""

    variable: str
    label: str
    type: str
    required: bool
    default: Any
    max_length: int | None
    options: list[str]
    description: str


@dataclass(frozen=True, slots=True)
class PipelineStart:
    """`type`: local_file, online_document, website_crawl or online_drive."""

    node_id: str
    title: str
    type: str
    provider: str
    form: list[PipelineField]


@dataclass(frozen=True, slots=True)
class BasePipeline:
    """`inputs`: what documents that say nothing else are read with."""

    app_id: str
    name: str
    is_published: bool
    starts: list[PipelineStart]
    inputs: dict[str, Any]


@router.get("/knowledge/{base}/pipeline")
async def get_pipeline(base: str, request: Request) -> BasePipeline:
    """The pipeline that reads the base's documents. 404 for a base that has none."""
    platform, found = await _found(request, base)
    return await _shown(platform, found)


@router.put("/knowledge/{base}/pipeline/inputs")
async def change_inputs(base: str, body: Inputs, request: Request) -> BasePipeline:
    """What the pipeline's form is given with documents that come from now on, or are read again."""
    platform, found = await _found(request, base)
    return await _shown(platform, await platform.pipelines.set_inputs(found, body.inputs))


async def _found(request: Request, base: str) -> tuple[Platform, KnowledgeBase]:
    caller = await auth.console_caller(request)
    platform = auth.platform_of(request)
    return platform, await platform.knowledge.bases.get(caller.workspace_id, base)


async def _shown(platform: Platform, base: KnowledgeBase) -> BasePipeline:
    found = await platform.pipelines.of(base)
    if found is None:
        raise NotFound(f"`{base.name}` has no pipeline.", param="knowledge")
    starts = [
        PipelineStart(
            start.node_id,
            start.title,
            start.type,
            start.provider_name,
            [
                PipelineField(
                    field.variable,
                    field.label or field.variable,
                    field.type,
                    field.required,
                    field.default,
                    field.max_length,
                    list(field.options),
                    field.description or "",
                )
                for field in start.form
                if not field.hide
            ],
        )
        for start in found.starts
    ]
    return BasePipeline(found.app.id, found.app.name, found.is_published, starts, base.pipeline_inputs)
