"""`llmflow knowledge evaluate`: questions in, a table of settings out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run, Stub

QUESTION = {"question": "연차는?", "documents": ["규정.txt"], "passage": "", "line": 2}


def setting(name: str, ndcg: float, **more: Any) -> dict[str, Any]:
    measured = {"questions": 1, "recall_at_10": 1.0, "mrr_at_10": 1.0, "p50_ms": 12.3, "behind": 0.0, "margin": 0.0}
    return {"name": name, "ndcg_at_10": ndcg, "notes": {}, **measured, **more}


@pytest.fixture
def asked(stub: Stub, tmp_path: Path) -> Path:
    """A file of questions, and a server that has asked them."""
    stub.routes["POST", "/knowledge/kb/questions"] = (200, {"questions": [QUESTION], "problems": []})
    stub.routes["POST", "/knowledge/kb/evaluations"] = (202, {"id": "e1"})
    settings = [
        setting("dense", 0.9),
        setting("keyword", 0.5, behind=0.4, margin=0.5),
        setting("rerank", 0.0, questions=0, notes={"rerank_missing": 1}),
    ]
    evaluation = {"id": "e1", "state": "done", "done": 1, "total": 1, "best": "dense", "settings": settings}
    shown = {"evaluation": evaluation, "would_be": {"dense": {"mode": "dense"}}}
    stub.routes["GET", "/knowledge/kb/evaluations/e1"] = (200, shown)
    stub.routes["PUT", "/knowledge/kb/retrieval"] = (200, {"mode": "dense"})
    file = tmp_path / "질문.csv"
    file.write_text("question,document\n연차는?,규정.txt\n", "utf-8")
    return file


def test_settings_stand_beside_each_other_and_the_base_stays_as_it_is(run: Run, stub: Stub, asked: Path) -> None:
    out = run("knowledge", "evaluate", "kb", str(asked)).out.splitlines()
    assert [line.split()[:3] for line in out[1:]] == [
        ["dense", "0.900", "1.000"],
        ["keyword", "0.500", "1.000"],
        ["rerank", "-", "-"],
    ]
    assert "best" in out[1]
    assert "as good" in out[2]
    assert "rerank_missing" in out[3]
    assert stub.sent("POST")[1].json == {"name": "질문.csv", "questions": [QUESTION], "leave_out": False}
    assert stub.sent("PUT") == []


def test_the_best_setting_is_applied_when_that_is_wished_for(run: Run, stub: Stub, asked: Path) -> None:
    result = run("knowledge", "evaluate", "kb", str(asked), "--apply", "--json")
    assert result.json["applied"] == "dense"
    assert stub.sent("PUT")[0].json == {"mode": "dense"}


def test_lines_at_fault_end_it_unless_they_may_be_left_out(run: Run, stub: Stub, asked: Path) -> None:
    problems = [{"line": 3, "fault": "no_document", "text": "No document is named.", "what": ""}]
    stub.routes["POST", "/knowledge/kb/questions"] = (200, {"questions": [QUESTION], "problems": problems})
    refused = run("knowledge", "evaluate", "kb", str(asked))
    assert refused.code == 1
    assert "line 3: No document is named." in refused.err
    assert len(stub.sent("POST")) == 1
    assert run("knowledge", "evaluate", "kb", str(asked), "--leave-out").code == 0


def test_a_run_that_failed_says_why(run: Run, stub: Stub, asked: Path) -> None:
    failed = {
        "id": "e1",
        "state": "failed",
        "error_code": "organ_unavailable",
        "error_message": "Away.",
        "error_hint": "",
    }
    stub.routes["GET", "/knowledge/kb/evaluations/e1"] = (200, {"evaluation": failed, "would_be": {}})
    result = run("knowledge", "evaluate", "kb", str(asked), "--json")
    assert (result.code, result.error["code"]) == (1, "organ_unavailable")


def test_a_file_that_is_not_there_is_a_mistake_of_use(run: Run, stub: Stub, tmp_path: Path) -> None:
    assert run("knowledge", "evaluate", "kb", str(tmp_path / "none.csv"), "--json").error["param"] == "file"
