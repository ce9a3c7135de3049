"""What a log may have of a path."""

from __future__ import annotations

import pytest

from llmflow.api.middleware import shown_path

TOKEN = "q3Jx0vWm2kT8_sZ-41bNcY7d"
UUID = "01a2156d-23a1-77e1-ad4c-0f1b2c3d4e5f"


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/api/v1/apps", "/api/v1/apps"),
        (f"/v1/conversations/{UUID}/variables", f"/v1/conversations/{UUID}/variables"),
        (f"/invite/{TOKEN}", "/invite/q3Jx***"),
        (f"/v1/form/human_input/{TOKEN}", "/v1/form/human_input/q3Jx***"),
        (f"/v1/form/human_input/{UUID}", "/v1/form/human_input/01a2***"),
        ("/v1/form/human_input/short", "/v1/form/human_input/shor***"),
        (f"/p/{TOKEN}", "/p/q3Jx***"),
        (f"/api/public/v1/apps/{TOKEN}/ask", "/api/public/v1/apps/q3Jx***/ask"),
        (f"/hooks/{UUID}", "/hooks/01a2***"),
        (
            "/api/v1/knowledge/규정/documents/휴가 규정.md",
            r"/api/v1/knowledge/\uaddc\uc815/documents/\ud734\uac00 \uaddc\uc815.md",
        ),
        ("/x\nGET /y 200", r"/x\nGET /y 200"),
        ("/x\x1b[31m\r", r"/x\x1b[31m\r"),
    ],
)
def test_a_path_is_shown_on_one_line_and_without_what_opens_something(path: str, shown: str) -> None:
    assert shown_path(path) == shown
