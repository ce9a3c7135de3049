"""`ask`: the answer as it comes, its citations, its ends."""

from __future__ import annotations

from typing import Any

from tests.cli.conftest import Run, Stub, events, refusal

CITATION: dict[str, Any] = {
    "position": 1,
    "document": "휴가 규정.pdf",
    "page": 3,
    "chunk_id": "c1",
    "heading_path": ["휴가", "연차"],
    "score": 0.9,
    "quote": "연차는 15일이다.",
}


def end(kind: str = "generated", hint: str = "", citations: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    found = [CITATION] if citations is None else citations
    return {
        "event": "end",
        "message_id": "m1",
        "conversation_id": "v1",
        "kind": kind,
        "hint": hint,
        "citations": found,
    }


def test_the_answer_is_followed_by_its_citations(run: Run, stub: Stub) -> None:
    said = events({"event": "delta", "text": "15일"}, {"event": "delta", "text": "입니다 [1]."}, end())
    stub.routes["POST", "/apps/demo/ask"] = (200, said)
    result = run("ask", "demo", "연차는 며칠인가요?")
    assert result.code == 0
    assert result.out == "15일입니다 [1].\n\nCitations\n  [1] 휴가 규정.pdf, p. 3 - 휴가 > 연차\n"
    assert stub.requests[0].json == {"question": "연차는 며칠인가요?"}


def test_json_is_one_document(run: Run, stub: Stub) -> None:
    said = events(
        {"event": "waiting", "ready": 1, "total": 8}, {"event": "delta", "text": "예"}, end("quoted", "Connect one.")
    )
    stub.routes["POST", "/apps/demo/ask"] = (200, said)
    result = run("ask", "demo", "q", "--conversation", "v1", "--user", "kim", "--json")
    assert result.json == {
        "answer": "예",
        "kind": "quoted",
        "citations": [CITATION],
        "conversation_id": "v1",
        "message_id": "m1",
        "hint": "Connect one.",
    }
    assert stub.requests[0].json == {"question": "q", "conversation_id": "v1", "user": "kim"}
    assert "1 of 8 ready" in result.err


def test_the_hint_of_an_answer_is_shown_once(run: Run, stub: Stub) -> None:
    hint = "A larger model could phrase it."
    stub.routes["POST", "/apps/demo/ask"] = (200, events({"event": "delta", "text": "Yes."}, end("quoted", hint)))
    assert run("ask", "demo", "q").err == f"\n{hint}\n"
    told = {"event": "delta", "text": f"Yes. {hint}"}
    stub.routes["POST", "/apps/demo/ask"] = (200, events(told, end("quoted", hint)))
    assert run("ask", "demo", "q").err == ""


def test_a_withdrawn_answer_is_replaced(run: Run, stub: Stub) -> None:
    said = events({"event": "delta", "text": "16 days"}, {"event": "replace", "text": "15 days"}, end(citations=[]))
    stub.routes["POST", "/apps/demo/ask"] = (200, said)
    assert run("ask", "demo", "q", "--json").json["answer"] == "15 days"
    assert run("ask", "demo", "q").out == "16 days\n\n15 days\n"


def test_an_error_in_the_midst_of_an_answer_fails(run: Run, stub: Stub) -> None:
    said = events(
        {"event": "delta", "text": "Be"}, {"event": "error", **refusal("model_failed", "Out of memory.", "Look.")}
    )
    stub.routes["POST", "/apps/demo/ask"] = (200, said)
    result = run("ask", "demo", "q")
    assert (result.code, result.out) == (1, "Be\n")
    assert result.err == "error[model_failed]: Out of memory.\n  Look.\n"


def test_an_answer_without_an_end_fails(run: Run, stub: Stub) -> None:
    stub.routes["POST", "/apps/demo/ask"] = (200, events({"event": "delta", "text": "Be"}))
    result = run("ask", "demo", "q", "--json")
    assert (result.code, result.out) == (1, "")
    assert result.error["message"] == "The server ended the answer before it was whole."


def test_an_unknown_app_names_those_there_are(run: Run, stub: Stub) -> None:
    stub.routes["POST", "/apps/%EB%8D%B0%EB%AA%A8/ask"] = (404, refusal("not_found", "No app."))
    stub.routes["GET", "/apps"] = (200, [{"name": "demo"}, {"name": "인사"}])
    assert "There is no app `데모`. There are: demo, 인사." in run("ask", "데모", "q").err


def test_an_answer_cannot_steer_the_terminal(run: Run, stub: Stub) -> None:
    citation = CITATION | {"heading_path": ["\x1b]0;x\x07휴가"]}
    said = events({"event": "delta", "text": "\x1b[2J15일\n"}, end(citations=[citation]))
    stub.routes["POST", "/apps/demo/ask"] = (200, said)
    result = run("ask", "demo", "q")
    assert result.out == "[2J15일\n\n\nCitations\n  [1] 휴가 규정.pdf, p. 3 - ]0;x휴가\n"
