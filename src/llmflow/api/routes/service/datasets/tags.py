"""Tags of knowledge bases: list, make, rename, delete, bind, unbind."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from llmflow.api.routes.service.dify import DatasetCall, answer, checked, dataset_operation, nothing, taken_is_invalid
from llmflow.errors import UsageError
from llmflow.knowledge.tags import Tag
from llmflow.wiring import Platform


class TagCreatePayload(msgspec.Struct, frozen=True):
    name: str


class TagUpdatePayload(msgspec.Struct, frozen=True):
    tag_id: str
    name: str


class TagDeletePayload(msgspec.Struct, frozen=True):
    tag_id: str


class TagBindingPayload(msgspec.Struct, frozen=True):
    """`tag_id`: one alone, as older clients unbind it."""

    target_id: str
    tag_ids: list[str] | None = None
    tag_id: str | None = None


def routes(platform: Platform) -> list[Route]:
    of_base = "/datasets/{dataset_id:uuid}/tags"
    return [
        dataset_operation(platform, "/datasets/tags", "GET", _list),
        dataset_operation(platform, "/datasets/tags", "POST", _create),
        dataset_operation(platform, "/datasets/tags", "PATCH", _rename),
        dataset_operation(platform, "/datasets/tags", "DELETE", _delete),
        dataset_operation(platform, "/datasets/tags/binding", "POST", _bind),
        dataset_operation(platform, "/datasets/tags/unbinding", "POST", _unbind),
        dataset_operation(platform, of_base, "GET", _of_base),
        dataset_operation(platform, of_base, "POST", _of_base),  # as older clients ask
    ]


async def _list(call: DatasetCall) -> Response:
    return answer([_shape(tag) for tag in await call.platform.knowledge.tags.all(call.caller.workspace_id)])


async def _create(call: DatasetCall) -> Response:
    wanted = checked(await call.body(), TagCreatePayload)
    with taken_is_invalid():
        return answer(_shape(await call.platform.knowledge.tags.create(call.caller.workspace_id, wanted.name)))


async def _rename(call: DatasetCall) -> Response:
    wanted = checked(await call.body(), TagUpdatePayload)
    with taken_is_invalid():
        return answer(
            _shape(await call.platform.knowledge.tags.rename(call.caller.workspace_id, wanted.tag_id, wanted.name))
        )


async def _delete(call: DatasetCall) -> Response:
    wanted = checked(await call.body(), TagDeletePayload)
    await call.platform.knowledge.tags.delete(call.caller.workspace_id, wanted.tag_id)
    return nothing()


async def _bind(call: DatasetCall) -> Response:
    wanted = checked(await call.body(), TagBindingPayload)
    await call.platform.knowledge.tags.bind(await call.base_of(wanted.target_id), _ids(wanted))
    return nothing()


async def _unbind(call: DatasetCall) -> Response:
    wanted = checked(await call.body(), TagBindingPayload)
    await call.platform.knowledge.tags.unbind(await call.base_of(wanted.target_id), _ids(wanted))
    return nothing()


async def _of_base(call: DatasetCall) -> Response:
    base = await call.base()
    found = (await call.platform.knowledge.tags.of_bases([base.id])).get(base.id, [])
    return answer({"data": [{"id": tag.id, "name": tag.name} for tag in found], "total": len(found)})


def _ids(wanted: TagBindingPayload) -> list[str]:
    ids = wanted.tag_ids or ([wanted.tag_id] if wanted.tag_id else [])
    if not ids:
        raise UsageError("Tag IDs is required.", param="tag_ids")
    return ids


def _shape(tag: Tag) -> dict[str, Any]:
    return {"id": tag.id, "name": tag.name, "type": "knowledge", "binding_count": str(tag.bases)}
