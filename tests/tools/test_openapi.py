"""OpenAPI documents of every version become tools: their names, schemas, servers, and what is left out with why."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from llmflow.cli.openapi import document
from llmflow.errors import LLMFlowError, TooLarge, UsageError
from llmflow.tools.openapi.describe import describe
from llmflow.tools.openapi.types import Described, Operation, Scheme

DOCUMENTS = Path(__file__).parent / "documents"
OFFICIAL = Path(__file__).parents[2].parent / "shared" / "data" / "dify" / "service_api.openapi.json"
MEGABYTE = 1 << 20


def described(name: str, source_url: str = "") -> Described:
    return describe((DOCUMENTS / name).read_bytes(), max_bytes=MEGABYTE, source_url=source_url)


def operation(name: str, id: str) -> Operation:
    return next(one for one in described(name).operations if one.id == id)


def test_a_document_is_told_with_its_server_its_credential_and_its_operations() -> None:
    found = described("store.yaml")
    assert (found.title, found.version, found.description) == ("상점 API", "1.2", "상품과 주문을 다룹니다.")
    assert found.base_url == "https://kr.shop.example/v2"
    assert found.scheme == Scheme("api_key", "X-Api-Key", "header")
    assert [(one.method, one.path) for one in found.operations] == [
        ("get", "/products/{id}"),
        ("put", "/products/{id}"),
        ("get", "/products"),
        ("post", "/products"),
        ("post", "/trees"),
        ("post", "/notes"),
        ("post", "/uploads"),
        ("post", "/any"),
    ]


def test_what_cannot_be_made_a_tool_is_told_with_why() -> None:
    found = {one.what: one.why for one in described("store.yaml").skipped}
    assert "leads out of the document" in found["/elsewhere"]
    assert "leads nowhere" in found["GET /nowhere"]


def test_names_are_unique_and_such_as_a_model_may_call() -> None:
    names = [one.name for one in described("store.yaml").operations]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in names)
    assert names[:3] == ["getProduct", "product_replace_it", "products_get"]
    assert re.fullmatch(r"getProduct_[0-9a-f]{6}", names[3])


def test_parameters_of_the_path_are_joined_and_an_operations_own_stand_for_them() -> None:
    schema = operation("store.yaml", "getProduct").schema
    assert schema == {
        "type": "object",
        "properties": {
            "id": {"type": "integer", "exclusiveMinimum": 0, "description": "번호"},
            "lang": {"type": "string", "enum": ["ko", "en"], "description": "언어"},
            "X-Trace": {"type": "string"},
            "session": {"type": "string"},
        },
        "required": ["id"],
    }


def test_a_body_of_an_object_gives_its_properties_as_arguments() -> None:
    replaced = operation("store.yaml", "product/replace it!")
    assert replaced.schema["properties"] == {
        "id": {"type": "integer", "exclusiveMinimum": 0, "description": "번호"},
        "lang": {"type": "string", "default": "ko"},
        "name": {"type": "string", "maxLength": 20},
        "price": {"type": ["number", "null"]},
        "body_id": {"type": "integer"},  # the path has an `id` already
    }
    assert replaced.schema["required"] == ["id", "name", "price"]
    assert replaced.body is not None
    assert replaced.body.fields == {"name": "name", "price": "price", "body_id": "id"}


def test_a_schema_that_comes_to_itself_again_ends_there() -> None:
    planted = operation("store.yaml", "plant")
    assert planted.body is not None and planted.body.kind == "json"
    assert planted.schema["properties"]["branches"] == {"type": "array", "items": {"type": "object"}}


def test_a_body_that_is_no_object_is_one_argument() -> None:
    found = operation("store.yaml", "any").schema["properties"]
    assert found == {"body": {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "number"}}]}}


def test_argument_names_are_of_letters_that_models_servers_take() -> None:
    found = operation("store.yaml", "products_get")
    assert "filter_name_" in found.schema["properties"]
    assert next(one.name for one in found.parameters if one.argument == "filter_name_") == "filter[name]"


def test_the_old_version_has_hosts_bodies_forms_and_files() -> None:
    found = described("old.json")
    assert found.base_url == "https://old.example:8443/api"
    assert found.scheme == Scheme("api_key", "api_key", "query")
    by_id = {one.id: one for one in found.operations}
    assert by_id["addItem"].schema["required"] == ["name"]
    form, file = by_id["sendForm"].body, by_id["sendFile"].body
    assert form is not None and (form.kind, form.fields) == ("form", {"who": "who", "tags": "tags"})
    assert file is not None and (file.kind, file.files) == ("multipart", ("file",))
    assert by_id["sendFile"].schema["properties"]["file"]["description"] == "파일"


def test_the_new_version_has_lists_of_types_and_words_beside_references() -> None:
    found = described("new.yaml", "https://new.example/openapi.yaml")
    assert (found.base_url, found.scheme) == ("https://new.example/base", Scheme("bearer"))
    assert found.operations[0].schema["properties"] == {
        "kind": {"const": "thing"},
        "size": {"type": ["integer", "null"], "exclusiveMinimum": 0},
        "owner": {"type": "string", "description": "누구 것인지"},
    }


def test_a_relative_server_of_an_uploaded_document_is_none() -> None:
    assert described("new.yaml").base_url == ""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "its top must be keys"),
        (b"just words", "its top must be keys"),
        (b"{", "Line 2"),
        (b"a: [1", "Line 2"),
        ("# 설명\n\tpaths: {}".encode(), "Line 2"),
        (b"\xff\xfe\x00", "Line 1"),
        (b'{"openapi": "4.0.0", "paths": {"/": {}}}', "OpenAPI 4.0.0"),
        (b'{"swagger": "1.2", "paths": {"/": {}}}', "OpenAPI 1.2"),
        (b'{"a": 1}', "neither `openapi` nor `swagger`"),
        (b'{"openapi": "3.0.0", "paths": {}}', "no paths"),
        (b'{"openapi": "3.1.0", "webhooks": {}}', "no paths"),
        (b'{"openapi": "3.0.0", "paths": {"/a": {"get": 3}}}', "no operation"),
        (b'{"openapi": "3.0.0", "paths": {"/a": {"$ref": "b.json"}}}', "leads out of the document"),
        (b'{"openapi": "3.0.0", "paths": {"/a": {"$ref": "#/paths/~1a"}}}', "in a circle"),
    ],
)
def test_what_is_no_openapi_document_is_refused_with_why(content: bytes, said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)) as caught:
        describe(content, max_bytes=MEGABYTE)
    assert caught.value.code == "openapi_unreadable"


def test_a_document_that_is_too_large_is_refused() -> None:
    bomb = b"openapi: 3.0.0\na: &a [1,1,1,1,1,1,1,1,1]\n"
    for letter, last in zip(b"bcdefgh", b"abcdefg", strict=True):
        bomb += b"%c: &%c [%s]\n" % (letter, letter, b",".join([b"*%c" % last] * 9))
    paths: dict[str, dict[str, dict[str, str]]] = {f"/{number}": {"get": {}} for number in range(2000)}
    many = json.dumps({"openapi": "3.0.0", "paths": paths}).encode()
    for content, limit in ((b" " * 100, 10), (bomb, MEGABYTE), (many, MEGABYTE)):
        with pytest.raises(TooLarge) as caught:
            describe(content, max_bytes=limit)
        assert caught.value.code == "openapi_too_large"


def test_schemas_that_branch_without_end_stay_small() -> None:
    wide = {
        f"S{number}": {
            "type": "object",
            "properties": {
                f"p{part}": {"$ref": f"#/components/schemas/S{(number * 7 + part) % 50}"} for part in range(9)
            },
        }
        for number in range(50)
    }
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/S0"}}}}
    root = {"openapi": "3.0.0", "paths": {"/a": {"post": {"requestBody": body}}}, "components": {"schemas": wide}}
    found = describe(json.dumps(root).encode(), max_bytes=MEGABYTE).operations[0]
    assert set(found.schema["properties"]) == {f"p{part}" for part in range(9)}
    assert len(json.dumps(found.schema)) < 60_000


def test_parts_of_the_wrong_shape_are_passed_over() -> None:
    root = {
        "openapi": "3.0.0",
        "info": "이름",
        "servers": [{"url": 3}, "x"],
        "security": {"a": 1},
        "components": {"securitySchemes": ["x"], "schemas": None},
        "paths": {
            "/a/{b}": {
                "parameters": "none",
                "get": {
                    "operationId": 7,
                    "summary": ["x"],
                    "parameters": [3, {}, {"in": "query"}, {"in": "body"}, {"in": "moon", "name": "m"}],
                    "requestBody": {"content": []},
                },
                "post": {"requestBody": {"content": {"application/json": None}}, "parameters": None},
                "put": {"requestBody": {"content": {"application/json": {"schema": {"properties": {"a": 3}}}}}},
            }
        },
    }
    found = describe(json.dumps(root).encode(), max_bytes=MEGABYTE)
    assert sorted(one.name for one in found.operations) == ["7", "ab_post", "ab_put"]
    assert all("b" in one.schema["required"] for one in found.operations)


def test_our_own_descriptions_become_tools_whole() -> None:
    documents = [json.dumps(document()).encode()]
    if OFFICIAL.exists():
        documents.append(OFFICIAL.read_bytes())
    for content in documents:
        root = json.loads(content)
        count = sum(
            method in ("get", "put", "post", "delete", "patch") for item in root["paths"].values() for method in item
        )
        found = describe(content, max_bytes=16 * MEGABYTE)
        assert (len(found.operations), found.skipped) == (count, ())
        for one in found.operations:
            assert set(one.schema["required"]) <= set(one.schema["properties"])


def test_no_document_makes_anything_else_than_a_coded_error() -> None:
    whole = (DOCUMENTS / "store.yaml").read_bytes()
    for cut in range(0, len(whole), 97):
        try:
            describe(whole[:cut], max_bytes=MEGABYTE)
        except LLMFlowError as error:
            assert error.code.startswith("openapi_")


def test_a_schema_of_very_many_properties_stays_small_however_often_it_is_named() -> None:
    wide = {"type": "object", "properties": {f"p{n}": {"type": "string"} for n in range(20_000)}}
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Wide"}}}}
    paths = {f"/{n}": {"post": {"operationId": f"op{n}", "requestBody": body}} for n in range(50)}
    root = {"openapi": "3.0.0", "info": {"title": "넓음"}, "servers": [{"url": "https://x.example"}], "paths": paths}
    whole = json.dumps(root | {"components": {"schemas": {"Wide": wide}}}).encode()
    found = describe(whole, max_bytes=MEGABYTE, source_url="")
    assert len(found.operations) == 50
    assert max(len(one.schema["properties"]) for one in found.operations) < 2_000
