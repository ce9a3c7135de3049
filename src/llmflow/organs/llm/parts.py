"""Parts of OpenAI's messages, for adapters whose protocol has other words for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from llmflow.errors import UsageError
from llmflow.ports.llm import Message


@dataclass(frozen=True, slots=True)
class Image:
    """`data`: base64; else `url`."""

    media_type: str = ""
    data: str = ""
    url: str = ""


def text_of(message: Message) -> str:
    if isinstance(message.content, list):
        return "\n".join(str(part.get("text") or "") for part in message.content if part.get("text"))
    return message.content or ""


def image_of(part: dict[str, Any]) -> Image | None:
    """None: it is no image. Raises UsageError for a part that is neither image nor text."""
    kind = part.get("type", "text")
    if kind in ("text", "refusal"):
        return None
    if kind != "image_url":
        raise UsageError(f"This model takes text and images, no `{kind}`.", param="messages")
    given = part.get("image_url")
    url = str(given.get("url") if isinstance(given, dict) else given or "")
    if not url.startswith("data:"):
        return Image(url=url)
    head, _, data = url.removeprefix("data:").partition(",")
    if not head.endswith(";base64"):
        raise UsageError("An image in a data: address must be base64.", param="messages")
    return Image(media_type=head.removesuffix(";base64") or "image/png", data=data)


def arguments_of(function: dict[str, Any]) -> dict[str, Any]:
    """A tool call's arguments as an object. Raises UsageError for what is none."""
    try:
        found = msgspec.json.decode(function.get("arguments") or "{}")
    except msgspec.DecodeError as error:
        raise UsageError("A tool call's arguments are no JSON.", param="messages") from error
    if not isinstance(found, dict):
        raise UsageError("A tool call's arguments are no JSON object.", param="messages")
    return found
