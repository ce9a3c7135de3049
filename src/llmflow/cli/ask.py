"""`llmflow ask`: one question to an app, its answer as it comes, its citations."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from llmflow.cli.client import Server, connect, part
from llmflow.cli.options import Home, Json
from llmflow.cli.show import ProgressLine, coloured, note, plain, print_json
from llmflow.errors import LLMFlowError, NotFound, OrganError


def ask(
    app: Annotated[
        str, typer.Argument(metavar="APP", help="The app's name or id; `demo` is there from the first start")
    ],
    question: Annotated[
        str, typer.Argument(metavar="QUESTION", help="In any language the app's model or documents have")
    ],
    conversation: Annotated[
        str | None, typer.Option(metavar="ID", help="Go on with this conversation; --json shows its id")
    ] = None,
    user: Annotated[str | None, typer.Option(metavar="NAME", help="Whose conversation it is")] = None,
    as_json: Json = False,
    home: Home = None,
) -> None:
    """Ask an app; prints the answer as it comes, then its citations."""
    wanted = {"question": question, "conversation_id": conversation, "user": user}
    with connect(home) as server:
        try:
            answer, end = _receive(server, app, {k: v for k, v in wanted.items() if v is not None}, live=not as_json)
        except LLMFlowError as error:
            if error.code == "not_found" and not conversation:
                raise _no_such_app(server, app) from error
            raise
    if as_json:
        names = ("kind", "citations", "conversation_id", "message_id", "hint")
        print_json({"answer": answer, **{name: end.get(name) for name in names}})
        return
    _print_rest(answer, end)


def _receive(server: Server, app: str, wanted: dict[str, Any], *, live: bool) -> tuple[str, dict[str, Any]]:
    """The answer's text and its last event. `live`: prints the text as it comes."""
    line = ProgressLine()
    text = ""
    for event in server.events(f"/apps/{part(app)}/ask", json=wanted):
        match event.get("event"):
            case "waiting":
                line.say(f"Still reading the documents: {event['ready']} of {event['total']} ready ...")
            case "delta":
                line.clear()
                text += event["text"]
                if live:
                    print(plain(event["text"]), end="", flush=True)
            case "replace":
                if live:
                    print(f"\n\n{plain(event['text'])}", end="", flush=True)
                text = event["text"]
            case "end":
                line.clear()
                return text, event
            case "error":
                line.clear()
                if live and text:
                    print()
                found = event["error"]
                raise LLMFlowError(found["message"], code=found["code"], hint=found.get("hint"))
    raise OrganError("The server ended the answer before it was whole.", code="server_unreachable")


def _print_rest(answer: str, end: dict[str, Any]) -> None:
    print()
    citations = end.get("citations") or []
    if citations:
        print(f"\n{coloured('Citations', 'bold')}")
    for citation in citations:
        print(f"  [{citation['position']}] {cited(citation)}")
    hint = end.get("hint") or ""
    if hint and hint not in answer:
        note(f"\n{hint}")


def cited(citation: dict[str, Any]) -> str:
    """Where a passage stands: "handbook.pdf, p. 3 - Leave > Sick leave"."""
    page = f", p. {citation['page']}" if citation.get("page") else ""
    headings = " > ".join(citation.get("heading_path") or ())
    return plain(f"{citation['document']}{page}{f' - {headings}' if headings else ''}")


def _no_such_app(server: Server, app: str) -> NotFound:
    names = [found["name"] for found in server.call("GET", "/apps")]
    there = f"There are: {', '.join(names)}." if names else "There is none yet; `llmflow apps create` makes one."
    return NotFound(f"There is no app `{app}`. {there}", param="app")
