"""Every error that the server can tell has words in both of Studio's languages."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from llmflow.errors import CODES
from llmflow.workflow import dsl

DSL = Path(dsl.__path__[0])
WORDS = Path(__file__).resolve().parents[2] / "studio" / "src" / "i18n"


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_code_says_what_happened_and_what_to_do(language: str) -> None:
    errors = json.loads((WORDS / f"{language}.json").read_text("utf-8"))["errors"]
    lacking = [code for code in CODES if not (errors.get(code, {}).get("message") and errors[code].get("hint"))]
    assert lacking == [], f"give them words in studio/src/i18n/{language}.json under errors"


def test_no_words_are_kept_for_a_code_that_is_gone() -> None:
    errors = json.loads((WORDS / "ko.json").read_text("utf-8"))["errors"]
    of_studio = {"invalid_answer", "studio_fault"}
    assert {code for code, words in errors.items() if isinstance(words, dict)} - set(CODES) == of_studio


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_reason_of_an_imports_report_has_words(language: str) -> None:
    words = json.loads((WORDS / f"{language}.json").read_text("utf-8"))["pipeline"]["why"]
    source = "".join(file.read_text("utf-8") for file in sorted(DSL.glob("*.py")))
    codes = set(re.findall(r'(?:Reason\(|_feature\([^)]*, )\s*"([a-z_]+)"', source))
    assert "search_differs" in codes and "feature_unserved" in codes
    assert set(words) == codes, f"studio/src/i18n/{language}.json, pipeline.why"
