"""The base of an imported pipeline, made as the pipeline's last node says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from llmflow.apps.names import fitting, free
from llmflow.apps.types import App
from llmflow.errors import UsageError
from llmflow.knowledge.bases import Bases
from llmflow.knowledge.retrieval_model import RetrievalModel, wanted_rule
from llmflow.knowledge.types import KnowledgeBase
from llmflow.workflow.dsl.document import Document, text
from llmflow.workflow.dsl.pipeline import index_of


async def base_of(bases: Bases, app: App, document: Document, *, author: str | None) -> KnowledgeBase:
    """A new base under the app's name, or one with a number. Raises UsageError (dsl_invalid) for a pipeline that writes
    to none."""
    index = index_of(document)
    service = said_of(document)
    names = {base.name for base in await bases.all(app.workspace_id, to_search=True)}
    base = await bases.create(
        app.workspace_id,
        free(fitting(app.name), names),
        description=app.description,
        service=service,
        created_by=author,
        pipeline_id=app.id,
    )
    rule = retrieval_of(index)
    if rule is not None:
        await bases.set_retrieval(base, rule.rule())
    return await bases.get(base.workspace_id, base.id)


def said_of(document: Document) -> dict[str, Any]:
    """What clients of the Service API are shown of the base. Raises UsageError (dsl_invalid)."""
    index = index_of(document)
    if not index:
        message = "The file is no Dify DSL: a pipeline of knowledge ends in a `knowledge-index` node, which is missing."
        raise UsageError(message, code="dsl_invalid")
    rule = retrieval_of(index)
    technique = "economy" if index.get("indexing_technique") == "economy" else "high_quality"
    shown = {} if rule is None else {"retrieval_model": msgspec.to_builtins(rule)}
    return {"indexing_technique": technique, "doc_form": text(index.get("chunk_structure")) or "text_model", **shown}


def retrieval_of(index: Mapping[str, Any]) -> RetrievalModel | None:
    """How the base is to be searched; None where the node says nothing that is understood. An economical base is
    searched by words."""
    try:
        found = msgspec.convert(index.get("retrieval_model") or {}, RetrievalModel)
        wanted_rule(found)
    except (msgspec.ValidationError, UsageError):
        return None
    if index.get("indexing_technique") == "economy":
        return msgspec.structs.replace(found, search_method="keyword_search")
    return found if index.get("retrieval_model") else None
