"""An OpenAPI document as a tree, and which kind of it it is."""

from __future__ import annotations

from typing import Any

import msgspec

from llmflow.config.tree import Codes, tree
from llmflow.errors import TooLarge, UsageError

_CODES = Codes("openapi_unreadable", "openapi_too_large")


def read(content: bytes, *, max_bytes: int) -> dict[str, Any]:
    """JSON quickly, YAML bounded. Raises UsageError (openapi_unreadable) and TooLarge (openapi_too_large)."""
    if len(content) > max_bytes:
        text = f"The document has {len(content) // 1024} KB; at most {max_bytes // 1024} are read."
        raise TooLarge(text, code=_CODES.too_large)
    if content.lstrip()[:1] == b"{":
        try:
            found = msgspec.json.decode(content)
        except (msgspec.DecodeError, RecursionError):
            found = None  # YAML may begin so too, and says where it is wrong
        if isinstance(found, dict):
            return _checked(found)
    return _checked(tree(content, max_bytes=max_bytes, codes=_CODES))


def _checked(found: dict[str, Any]) -> dict[str, Any]:
    version = found.get("openapi", found.get("swagger"))
    if not str(version).startswith(("2.0", "3.0", "3.1")):
        what = f"OpenAPI {version}" if version is not None else "something that says neither `openapi` nor `swagger`"
        text = f"The document is {what[:100]}; OpenAPI 3.0 and 3.1 and Swagger 2.0 are read."
        raise UsageError(text, code=_CODES.unreadable)
    if not isinstance(found.get("paths"), dict) or not found["paths"]:
        raise UsageError("The document has no paths: it describes no operation.", code=_CODES.unreadable)
    return found
