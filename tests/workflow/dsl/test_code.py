"""What a report says about code that finds less here than it found in Dify's sandbox."""

from __future__ import annotations

from typing import Any

import pytest

from llmflow.workflow.dsl.code import code_reasons


def codes(source: str, language: str = "python3", **data: Any) -> dict[str, str]:
    return {reason.code: reason.text for reason in code_reasons({"code": source, "code_language": language, **data})}


@pytest.mark.parametrize(
    ("source", "language", "code", "named"),
    [
        ("import jieba\ndef main(): ...", "python3", "code_package_missing", "`jieba`"),
        ("def main():\n    from 없는것.안 import x", "python3", "code_package_missing", "`없는것`"),
        ("import json, requests\ndef main(): ...", "python3", "code_no_network", "`requests`"),
        ("from urllib.request import urlopen", "python3", "code_no_network", "`urllib.request`"),
        ("from concurrent.futures import ThreadPoolExecutor", "python3", "code_one_thread", "`concurrent.futures`"),
        ("def main(:", "python3", "code_invalid", "no valid Python"),
        ("function main() { const fs = require('fs'); }", "javascript", "code_names", "`require`"),
        ("function main() { return Buffer.from('가') }", "javascript", "code_names", "`Buffer`"),
    ],
)
def test_what_is_not_here_is_named(source: str, language: str, code: str, named: str) -> None:
    found = codes(source, language)
    assert list(found) == [code]
    assert named in found[code]


@pytest.mark.parametrize(
    ("source", "language"),
    [
        ("import json, re, datetime\nfrom urllib.parse import quote\nimport yaml, bs4\ndef main(): ...", "python3"),
        ("import asyncio\ndef main(): ...", "python3"),
        (
            "// require('fs') once\nfunction main({a}) { const required = a; return {r: required.process} }",
            "javascript",
        ),
    ],
)
def test_code_that_finds_all_it_wants_is_exact(source: str, language: str) -> None:
    assert codes(source, language) == {}


def test_dependencies_are_named() -> None:
    found = codes("def main(): ...", dependencies=[{"name": "jieba", "version": "0.42"}])
    assert "`jieba`" in found["code_dependencies"]
