"""Knowledge bases: list, make, look at, change, delete."""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from llmflow.api.routes.service.datasets import shapes
from llmflow.api.routes.service.dify import DatasetCall, answer, checked, dataset_operation, nothing, paged
from llmflow.apps.types import App
from llmflow.errors import Conflict, LLMFlowError, NotFound, UsageError
from llmflow.knowledge.external import ExternalApi
from llmflow.knowledge.retrieval_model import RetrievalModel, wanted_rule
from llmflow.knowledge.rule import SearchRule, kept_rule
from llmflow.knowledge.rule import checked as checked_rule
from llmflow.knowledge.types import Contents, KnowledgeBase
from llmflow.wiring import Platform

Technique = Literal["high_quality", "economy"]
Permission = Literal["only_me", "all_team_members", "partial_members"]
_NO_CONTENTS = Contents()


class DatasetCreatePayload(msgspec.Struct, frozen=True):
    name: str
    description: str = ""
    indexing_technique: Technique | None = None
    permission: Permission | None = "only_me"
    provider: Literal["vendor", "external"] = "vendor"
    retrieval_model: RetrievalModel | None = None
    external_knowledge_api_id: str | None = None
    external_knowledge_id: str | None = None


class ExternalRetrievalModel(msgspec.Struct, frozen=True):
    top_k: Annotated[int, msgspec.Meta(ge=1, le=100)] = 10
    score_threshold: float | None = None
    score_threshold_enabled: bool | None = False

    def rule(self, before: SearchRule) -> SearchRule:
        threshold = self.score_threshold if self.score_threshold_enabled else None
        return dataclasses.replace(before, top_k=self.top_k, threshold=threshold)


class DatasetUpdatePayload(msgspec.Struct, frozen=True):
    """What is left out, or null, stays as it is."""

    name: str | None = None
    description: str | None = None
    indexing_technique: Technique | None = None
    permission: Permission | None = None
    retrieval_model: RetrievalModel | None = None
    external_retrieval_model: ExternalRetrievalModel | None = None
    external_knowledge_api_id: str | None = None
    external_knowledge_id: str | None = None


def routes(platform: Platform) -> list[Route]:
    one = "/datasets/{dataset_id:uuid}"
    return [
        dataset_operation(platform, "/datasets", "GET", _list),
        dataset_operation(platform, "/datasets", "POST", _create),
        dataset_operation(platform, one, "GET", _get),
        dataset_operation(platform, one, "PATCH", _change),
        dataset_operation(platform, one, "DELETE", _delete),
    ]


async def _list(call: DatasetCall) -> Response:
    page, limit = call.page
    keyword = unicodedata.normalize("NFC", call.query("keyword") or "").casefold()
    tag_ids = [*call.request.query_params.getlist("tag_ids"), *call.request.query_params.getlist("tag_ids[]")]
    found = await call.platform.knowledge.bases.all(call.caller.workspace_id)
    if tag_ids:
        tagged = await call.platform.knowledge.tags.tagged(call.caller.workspace_id, tag_ids)
        found = [base for base in found if base.id in tagged]
    found = [base for base in found if keyword in base.name.casefold()][::-1]  # the newest first
    shown = found[(page - 1) * limit : page * limit]
    return paged(await _shown(call, shown), page, limit, len(found))


async def _create(call: DatasetCall) -> Response:
    wanted = checked(await call.body(), DatasetCreatePayload)
    api, rule = await _api(call, wanted), wanted_rule(wanted.retrieval_model)
    service = {
        shapes.PERMISSION: wanted.permission or "only_me",
        **({shapes.INDEXING: wanted.indexing_technique} if wanted.indexing_technique else {}),
        **_retrieval(wanted.retrieval_model),
    }
    try:
        made = await call.platform.knowledge.bases.create(
            call.caller.workspace_id,
            wanted.name,
            description=wanted.description,
            service=service,
            created_by=call.caller.key_id,
            external_api_id=api.id if api else None,
            external_id=wanted.external_knowledge_id or "" if api else "",
        )
    except Conflict as error:
        raise _taken() from error
    made = await search_by(call, made, rule)
    return answer((await _shown(call, [made]))[0])


async def _api(call: DatasetCall, wanted: DatasetCreatePayload) -> ExternalApi | None:
    """The server whose knowledge it is to be; None: ours. Raises UsageError."""
    if wanted.provider == "vendor":
        return None
    if not wanted.external_knowledge_api_id or not wanted.external_knowledge_id:
        raise UsageError("external_knowledge_api_id and external_knowledge_id are required.", param="provider")
    try:
        return await call.platform.knowledge.external.get(call.caller.workspace_id, wanted.external_knowledge_api_id)
    except NotFound as error:
        raise UsageError(error.message, param="external_knowledge_api_id") from error


async def search_by(call: DatasetCall, base: KnowledgeBase, rule: SearchRule | None) -> KnowledgeBase:
    """The base, searched by this from now on where it is given."""
    if rule is None:
        return base
    await call.platform.knowledge.bases.set_retrieval(base, rule)
    return await call.platform.knowledge.bases.by_id(base.workspace_id, base.id)


async def _get(call: DatasetCall) -> Response:
    return answer((await _shown(call, [await call.base()]))[0])


async def _change(call: DatasetCall) -> Response:
    base = await call.base()
    wanted = checked(await call.body(), DatasetUpdatePayload)
    said = {shapes.PERMISSION: wanted.permission, shapes.INDEXING: wanted.indexing_technique}
    service = {key: value for key, value in said.items() if value is not None} | _retrieval(wanted.retrieval_model)
    if base.is_external and wanted.external_knowledge_api_id not in (None, base.external_api_id):
        message = "A knowledge base stays with the server that it was made for; make another."
        raise UsageError(message, param="external_knowledge_api_id")
    other = wanted.external_knowledge_id if base.is_external else None
    rule = wanted_rule(wanted.retrieval_model)
    if base.is_external and wanted.external_retrieval_model is not None:
        rule = checked_rule(wanted.external_retrieval_model.rule(rule or kept_rule(base.retrieval)))
    try:
        changed = await call.platform.knowledge.bases.change(
            base.workspace_id,
            base.id,
            name=wanted.name,
            description=wanted.description,
            service=service,
            external_id=other,
        )
    except Conflict as error:
        raise _taken() from error
    changed = await search_by(call, changed, rule)
    (shown,) = await _shown(call, [changed])
    return answer({**shown, "partial_member_list": []})


async def _delete(call: DatasetCall) -> Response:
    base = await call.base()
    if _users(await call.platform.apps.uses.of(base.workspace_id), base):
        raise Conflict(
            "The knowledge base is being used by some apps. Please remove it from the apps before deleting.",
            code="dataset_in_use",
        )
    await call.platform.pipelines.delete(base.workspace_id, base.id)
    return nothing()


def _taken() -> Conflict:
    return Conflict(
        "The dataset name already exists. Please modify your dataset name.", code="dataset_name_duplicate", param="name"
    )


def _retrieval(model: RetrievalModel | None) -> dict[str, Any]:
    return {} if model is None else {shapes.RETRIEVAL: msgspec.to_builtins(model)}


def _users(uses: Mapping[str, Sequence[App]], base: KnowledgeBase) -> set[str]:
    """Ids of the apps that search the base."""
    return {app.id for name in (base.id, base.name) for app in uses.get(name, ())}


async def _shown(call: DatasetCall, bases: Sequence[KnowledgeBase]) -> list[dict[str, Any]]:
    platform, ids = call.platform, [base.id for base in bases]
    contents = await platform.knowledge.bases.contents(ids)
    tags, fields = await platform.knowledge.tags.of_bases(ids), await platform.knowledge.fields.of_bases(ids)
    uses = await platform.apps.uses.of(call.caller.workspace_id)
    apis = {api.id: api for api in await platform.knowledge.external.all(call.caller.workspace_id)}
    names = {account.id: account.name for account in await platform.members.all(call.caller.workspace_id)}
    try:
        embedding_model = await platform.gateway.embedding_model()
    except LLMFlowError:  # a server that does not answer has no model now
        embedding_model = ""
    pipelines = [base.pipeline_id for base in bases if base.pipeline_id is not None]
    published = await platform.apps.designs.published(pipelines)
    shown = []
    for base in bases:
        held = contents.get(base.id, _NO_CONTENTS)
        shown.append(
            shapes.dataset(
                base,
                documents=held.documents,
                available=held.available,
                words=held.words,
                apps=len(_users(uses, base)),
                tags=tags.get(base.id, []),
                fields=fields.get(base.id, []),
                embedding_model=embedding_model,
                author=names.get(base.created_by or "", ""),
                api=apis.get(base.external_api_id or ""),
                is_published=base.pipeline_id in published,
            )
        )
    return shown
