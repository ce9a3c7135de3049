"""What Studio says, by the keys of its own dictionaries: a test names a button as a reader of a language finds it."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from tests.studio.browser.look import ROOT


@cache
def _dictionary(language: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "studio" / "src" / "i18n" / f"{language}.json").read_text("utf-8"))
    return found


def say(key: str, language: str = "en", /, **values: object) -> str:
    """The text of a key such as "chat.send", its `{{places}}` filled."""
    found: Any = _dictionary(language)
    for part in key.split("."):
        found = found[part]
    text = str(found)
    for name, value in values.items():
        for place in (name, f"{name}, number"):
            text = text.replace(f"{{{{{place}}}}}", str(value))
    return text
