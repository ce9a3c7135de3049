"""Checks what somebody sends in for a form against what was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llmflow.apps.chat.files import file_object
from llmflow.apps.forms.types import Asked
from llmflow.errors import UsageError

_CODE = "invalid_form_data"


def check(asked: Asked, action_id: str, inputs: Mapping[str, Any], *, max_characters: int) -> dict[str, Any]:
    """The values of the form's fields; what it does not ask is dropped, files are left as they were named. Raises
    UsageError (invalid_form_data)."""
    if action_id not in (action["id"] for action in asked.actions):
        raise UsageError(f"Invalid action: {action_id[:100]}", code=_CODE, param="action")
    names = [field["output_variable_name"] for field in asked.inputs]
    missing = [name for name in names if name not in inputs]
    if missing:
        raise UsageError(f"Missing required inputs: {', '.join(missing)}", code=_CODE, param="inputs")
    fields = zip(names, asked.inputs, strict=True)
    return {name: _checked(field, name, inputs[name], max_characters) for name, field in fields}


def _checked(field: Mapping[str, Any], name: str, value: Any, max_characters: int) -> Any:
    match field["type"]:
        case "paragraph":
            if not isinstance(value, str):
                raise _wrong(name, "must be a text")
            if len(value) > max_characters:
                raise _wrong(name, f"must have at most {max_characters} characters")
            return value
        case "select":
            options = field["option_source"]["value"]
            if not isinstance(value, str) or value not in options:
                raise _wrong(name, f"must be one of: {', '.join(options)[:500]}")
            return value
        case "file":
            return _file(field, name, value)
    if not isinstance(value, list):
        raise _wrong(name, "must be a list of files")
    most = field.get("number_limits") or 0
    if most and len(value) > most:
        raise _wrong(name, f"takes at most {most} files")
    return [_file(field, name, item) for item in value]


def _file(field: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    try:
        file = file_object(value)
    except UsageError as error:
        raise _wrong(name, f"must be a file: {error.message}") from error
    methods = field.get("allowed_file_upload_methods") or ()
    if methods and file["transfer_method"] not in methods:
        raise _wrong(name, f"takes files by {', '.join(methods)}")
    return file


def check_type(field: Mapping[str, Any], name: str, file: Mapping[str, Any]) -> None:
    """`file`: a value of a workflow. Raises UsageError (invalid_form_data) for a file of a kind that is not asked."""
    allowed: Sequence[str] = field.get("allowed_file_types") or ()
    extensions = {each.lower().lstrip(".") for each in field.get("allowed_file_extensions") or ()}
    extension = str(file.get("extension") or "").lower().lstrip(".")
    if not allowed or file.get("type") in allowed or ("custom" in allowed and extension in extensions):
        return
    named = ", ".join([each for each in allowed if each != "custom"] + sorted(f".{each}" for each in extensions))
    raise _wrong(name, f"takes files of these kinds: {named}")


def _wrong(name: str, what: str) -> UsageError:
    return UsageError(f"{name} {what}.", code=_CODE, param=name)
