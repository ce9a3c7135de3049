"""Compiles one operation of a document: its parameters and body as one JSON schema, and where each goes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from llmflow.tools.names import LONGEST_NAME, UNSAFE, named
from llmflow.tools.openapi.references import References
from llmflow.tools.openapi.schemas import Schemas, shortened
from llmflow.tools.openapi.types import Body, BodyKind, Operation, Parameter, Where

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_PLACES: tuple[Where, ...] = ("path", "query", "header", "cookie")
_IGNORED = frozenset({"accept", "content-type", "authorization"})  # as OpenAPI says; the call sets them
_STYLES: dict[str, tuple[str, bool]] = {  # Swagger 2.0's collectionFormat
    "csv": ("form", False),
    "ssv": ("spaceDelimited", False),
    "tsv": ("tabDelimited", False),
    "pipes": ("pipeDelimited", False),
    "multi": ("form", True),
}
_OF_2 = (
    "type format items default enum minimum maximum minLength maxLength pattern minItems maxItems description".split()
)


class Compiler:
    """`consumes`: Swagger 2.0's, of the whole document."""

    def __init__(self, references: References, *, consumes: Any = None) -> None:
        self._references = references
        self._consumes = consumes

    def compiled(self, path: str, method: str, item: Mapping[str, Any], operation: Mapping[str, Any]) -> Operation:
        """`name` may be one that another operation has too. Raises LookupError for a parameter or body that leads
        nowhere, ValueError for what no request can carry."""
        schemas = Schemas(self._references)
        taken: dict[str, dict[str, Any]] = {}
        required: list[str] = []
        parameters: list[Parameter] = []
        body: Body | None = None
        forms: list[Mapping[str, Any]] = []
        for given in self._given(item, operation):
            place = given.get("in")
            if place == "body":
                body = self._whole(given.get("schema"), self._media_of_2(operation), given, taken, required, schemas)
            elif place == "formData":
                forms.append(given)
            elif place in _PLACES and not _is_left_out(given):
                parameters.append(self._parameter(given, place, taken, required, schemas))
        for name in re.findall(r"\{([^{}]+)\}", path):
            if not any(one.where == "path" and one.name == name for one in parameters):
                given = {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                parameters.append(self._parameter(given, "path", taken, required, schemas))
        if forms:
            body = self._form(forms, operation, taken, required, schemas)
        elif "requestBody" in operation:
            body = self._body(operation["requestBody"], taken, required, schemas)
        id = str(operation.get("operationId") or "")
        text = operation.get("description")
        summary = operation.get("summary")
        return Operation(
            id=id or _made_id(path, method),
            name=named(id or _made_id(path, method)) or method,
            method=method,
            path=path,
            schema={"type": "object", "properties": taken, "required": required},
            summary=shortened(summary, 200) if isinstance(summary, str) else "",
            description=shortened(text, 1000) if isinstance(text, str) else "",
            parameters=tuple(parameters),
            body=body,
        )

    def _given(self, item: Mapping[str, Any], operation: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The parameters of the path and of the operation; one of the operation stands for one of that name."""
        found: dict[tuple[Any, Any], dict[str, Any]] = {}
        for owner in (item, operation):
            listed = owner.get("parameters")
            for one in listed if isinstance(listed, list) else ():
                given, _ = self._references.whole(one)
                found[given.get("in"), given.get("name")] = given
        yield from found.values()

    def _parameter(
        self,
        given: Mapping[str, Any],
        place: Where,
        taken: dict[str, dict[str, Any]],
        required: list[str],
        schemas: Schemas,
    ) -> Parameter:
        name = str(given["name"])
        content = given.get("content")
        is_json = False
        if isinstance(content, Mapping) and content:
            is_json = True
            media = next(iter(content.values()))
            schema = media.get("schema") if isinstance(media, Mapping) else {}
        else:
            schema = given.get("schema", {key: given[key] for key in _OF_2 if key in given})
        argument = _free(name, place, taken)
        taken[argument] = _described(schemas.written(schema), given)
        if given.get("required") is True or place == "path":
            required.append(argument)
        if "collectionFormat" in given or "schema" not in given:
            style, explode = _STYLES.get(str(given.get("collectionFormat")), ("form", False))
            style = "simple" if place in ("path", "header") else style
        else:
            style = str(given.get("style") or ("form" if place in ("query", "cookie") else "simple"))
            explode = given["explode"] if isinstance(given.get("explode"), bool) else style == "form"
        return Parameter(argument, name, place, style, explode, is_json, given.get("allowReserved") is True)

    def _form(
        self,
        forms: list[Mapping[str, Any]],
        operation: Mapping[str, Any],
        taken: dict[str, dict[str, Any]],
        required: list[str],
        schemas: Schemas,
    ) -> Body:
        """Swagger 2.0's fields of a form."""
        fields: dict[str, str] = {}
        files = []
        for given in forms:
            name = str(given.get("name") or "")
            argument = _free(name, "body", taken)
            schema = schemas.written({key: given[key] for key in _OF_2 if key in given})
            if is_file(schema):
                files.append(name)
                schema = _file_argument(schema)
            taken[argument] = _described(schema, given)
            fields[argument] = name
            if given.get("required") is True:
                required.append(argument)
        is_multipart = files or self._media_of_2(operation) == "multipart/form-data"
        media = "multipart/form-data" if is_multipart else "application/x-www-form-urlencoded"
        return Body(media, kind_of_body(media), fields=fields, files=tuple(files))

    def _media_of_2(self, operation: Mapping[str, Any]) -> str:
        listed = operation.get("consumes", self._consumes)
        media = [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []
        return preferred(media) or "application/json"

    def _body(self, value: Any, taken: dict[str, dict[str, Any]], required: list[str], schemas: Schemas) -> Body | None:
        given, _ = self._references.whole(value)
        content = given.get("content")
        if not isinstance(content, Mapping) or not content:
            return None
        media = preferred(str(name) for name in content)
        one = content.get(media) or next(iter(content.values()))
        schema = one.get("schema") if isinstance(one, Mapping) else None
        return self._whole(schema, media, given, taken, required, schemas)

    def _whole(
        self,
        schema: Any,
        media: str,
        given: Mapping[str, Any],
        taken: dict[str, dict[str, Any]],
        required: list[str],
        schemas: Schemas,
    ) -> Body:
        """A body whose properties are arguments where it is an object, else an argument of its own."""
        kind = kind_of_body(media)
        written = schemas.written(schema)
        is_required = given.get("required") is True
        properties = written.get("properties", {})
        if kind in ("json", "form", "multipart") and properties and written.get("type") == "object":
            fields = {}
            files = tuple(name for name, value in properties.items() if kind == "multipart" and is_file(value))
            for name, value in properties.items():
                argument = _free(name, "body", taken)
                taken[argument] = _file_argument(value) if name in files else value
                fields[argument] = name
                if is_required and name in written.get("required", ()):
                    required.append(argument)
            return Body(media, kind, fields=fields, files=files)
        argument = _free("body", "body", taken)
        taken[argument] = _described(written if kind != "binary" else _file_argument({}), given)
        if is_required:
            required.append(argument)
        return Body(media, kind, argument=argument)


def kind_of_body(media: str) -> BodyKind:
    media = media.partition(";")[0].strip().lower()
    if media == "application/json" or media.endswith("+json") or media in ("*/*", "application/*", ""):
        return "json"
    if media == "application/x-www-form-urlencoded":
        return "form"
    if media.startswith("multipart/"):
        return "multipart"
    return "text" if media.startswith("text/") or "xml" in media or "yaml" in media else "binary"


_ORDER: tuple[BodyKind, ...] = ("json", "form", "multipart", "text", "binary")


def preferred(media: Any) -> str:
    """The one that is written best here; "" of none."""
    return min(media, key=lambda one: _ORDER.index(kind_of_body(one)), default="")


def is_file(schema: Mapping[str, Any]) -> bool:
    """The field of a form is a file, or a list of them."""
    one = schema.get("items", schema) if schema.get("type") == "array" else schema
    if not isinstance(one, Mapping):
        return False
    media = str(one.get("contentMediaType") or "")
    return one.get("format") == "binary" or (bool(media) and kind_of_body(media) == "binary")


def _file_argument(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A file is given as a workflow carries it, not as text."""
    kept = {"description": schema["description"]} if "description" in schema else {}
    if schema.get("type") == "array":
        return {"type": "array", "items": {"type": "object", "format": "file"}, **kept}
    return {"type": "object", "format": "file", **kept}


def _is_left_out(given: Mapping[str, Any]) -> bool:
    """Nameless, or one of the headers that say how a body is written and who asks."""
    name = str(given.get("name") or "")
    return not name or (given.get("in") == "header" and name.lower() in _IGNORED)


def _made_id(path: str, method: str) -> str:
    """As Dify calls an operation without an id, so that its nodes find it."""
    return f"{UNSAFE.sub('', path.removeprefix('/')) or 'root'}_{method}"


def _described(schema: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    text = given.get("description")
    return {**schema, "description": shortened(text)} if isinstance(text, str) and text.strip() else schema


def _free(name: str, place: str, taken: Mapping[str, Any]) -> str:
    """A name that no other argument has, of letters that every model's server takes."""
    plain = re.sub(r"[^A-Za-z0-9_.-]", "_", name)[:LONGEST_NAME] or place
    if plain not in taken:
        return plain
    found = f"{place}_{plain}"[:LONGEST_NAME]
    number = 2
    while found in taken:
        found = f"{place}_{plain}"[: LONGEST_NAME - 3] + f"_{number}"
        number += 1
    return found
