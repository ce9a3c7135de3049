"""What documents say of themselves: fields of a base, their values, and what is known of every document."""

from __future__ import annotations

from typing import Any, Literal, get_args

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from llmflow.api.routes.service.datasets import shapes
from llmflow.api.routes.service.dify import DatasetCall, answer, checked, dataset_operation, nothing, taken_is_invalid
from llmflow.errors import NotFound, UsageError
from llmflow.knowledge.conditions import BUILT_IN
from llmflow.knowledge.fields import Field
from llmflow.wiring import Platform

Switch = Literal["enable", "disable"]
_MOST_DOCUMENTS = 1_000


class MetadataArgs(msgspec.Struct, frozen=True):
    type: Literal["string", "number", "time"]
    name: str


class MetadataUpdatePayload(msgspec.Struct, frozen=True):
    name: str


class MetadataDetail(msgspec.Struct, frozen=True):
    """`name`: of the field, which its id names already."""

    id: str
    name: str | None = None
    value: str | int | float | None = None


class DocumentMetadataOperation(msgspec.Struct, frozen=True):
    document_id: str
    metadata_list: list[MetadataDetail]
    partial_update: bool = False


class MetadataOperationData(msgspec.Struct, frozen=True):
    operation_data: list[DocumentMetadataOperation]


def routes(platform: Platform) -> list[Route]:
    of_base = "/datasets/{dataset_id:uuid}/metadata"
    one = of_base + "/{metadata_id:uuid}"
    return [
        dataset_operation(platform, of_base, "GET", _list),
        dataset_operation(platform, of_base, "POST", _create),
        dataset_operation(platform, f"{of_base}/built-in", "GET", _built_in),
        dataset_operation(platform, f"{of_base}/built-in/{{action}}", "POST", _switch),
        dataset_operation(platform, one, "PATCH", _rename),
        dataset_operation(platform, one, "DELETE", _delete),
        dataset_operation(platform, "/datasets/{dataset_id:uuid}/documents/metadata", "POST", _describe),
    ]


async def _list(call: DatasetCall) -> Response:
    base = await call.base()
    counts = await call.platform.knowledge.fields.counts(base)
    found = await call.platform.knowledge.fields.all(base)
    return answer(
        {
            "doc_metadata": [{**_shape(field), "count": counts.get(field.id, 0)} for field in found],
            "built_in_field_enabled": shapes.has_built_in(base),
        }
    )


async def _create(call: DatasetCall) -> Response:
    base = await call.base()
    wanted = checked(await call.body(), MetadataArgs)
    with taken_is_invalid():
        return answer(_shape(await call.platform.knowledge.fields.create(base, wanted.name, wanted.type)), status=201)


async def _rename(call: DatasetCall) -> Response:
    base = await call.base()
    wanted = checked(await call.body(), MetadataUpdatePayload)
    with taken_is_invalid():
        return answer(_shape(await call.platform.knowledge.fields.rename(base, _id(call), wanted.name)))


async def _delete(call: DatasetCall) -> Response:
    await call.platform.knowledge.fields.delete(await call.base(), _id(call))
    return nothing()


async def _built_in(call: DatasetCall) -> Response:
    await call.base()
    return answer({"fields": [{"name": name, "type": type} for name, type in BUILT_IN.items()]})


async def _switch(call: DatasetCall) -> Response:
    base = await call.base()
    action = str(call.request.path_params["action"])
    if action not in get_args(Switch):
        raise UsageError("action must be enable or disable.", param="action")
    await call.platform.knowledge.bases.change(
        base.workspace_id, base.id, service={shapes.BUILT_IN_FIELDS: action == "enable"}
    )
    return answer({"result": "success"})


async def _describe(call: DatasetCall) -> Response:
    """All is looked at before anything is written."""
    base = await call.base()
    wanted = checked(await call.body(), MetadataOperationData).operation_data
    if len(wanted) > _MOST_DOCUMENTS:
        raise UsageError(f"At most {_MOST_DOCUMENTS} documents are described at once.", param="operation_data")
    described = []
    for one in wanted:
        try:
            document = await call.document_of(base, one.document_id)
        except NotFound as error:
            raise UsageError("Document not found.", param="document_id") from error
        values = {said.id: said.value for said in one.metadata_list if said.id != "built-in"}
        described.append((document, await call.platform.knowledge.fields.checked(base, values), one.partial_update))
    for document, values, keep_others in described:
        await call.platform.knowledge.documents.set_metadata(document, values, keep_others=keep_others)
    return answer({"result": "success"})


def _id(call: DatasetCall) -> str:
    return str(call.request.path_params["metadata_id"])


def _shape(field: Field) -> dict[str, Any]:
    return {"id": field.id, "type": field.type, "name": field.name}
