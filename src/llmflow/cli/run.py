"""`llmflow apps run`: one run of a workflow, its text as it comes, or its outputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmflow.cli.client import Server, connect, part
from llmflow.cli.options import Home, Json
from llmflow.cli.show import note, plain, print_json
from llmflow.errors import LLMFlowError, OrganError, UsageError


def run_app(app: str, given: list[str], version: str, as_json: Json, home: Home) -> None:
    """Prints the text the run streams, then outputs that were not streamed; with --json all outputs."""
    body = {"inputs": inputs_of(given), "version": _number(version)}
    with connect(home) as server:
        run_id, texts, last = _followed(server.events(f"/apps/{part(app)}/runs", json=body), live=not as_json)
        if last["event"] == "workflow_paused":
            waits = ", ".join(node for node, _ in last["reasons"])
            message = f"The run {run_id} waits for a person at {waits}."
            raise OrganError(message, code="run_paused", hint=_hint(server, app, run_id))
    outputs = last.get("outputs") or {}
    if last["status"] in ("failed", "stopped"):
        raise LLMFlowError(last.get("error") or f"The run was {last['status']}.", code=last.get("error_code"))
    if as_json:
        told = {name: last.get(name, 0) for name in ("elapsed_time", "total_tokens", "total_steps")}
        print_json({"run_id": run_id, "status": last["status"], "outputs": outputs, **told})
        return
    print()
    rest = {name: value for name, value in outputs.items() if value not in texts}
    if rest and not (len(outputs) == 1 and texts):
        print_json(rest)
    if last["status"] == "partial-succeeded":
        note("Some nodes failed and were passed over; the run's page shows which.")


def inputs_of(given: list[str]) -> dict[str, Any]:
    """["q=안녕"] to {"q": "안녕"}. Raises UsageError."""
    found = {}
    for item in given:
        name, is_pair, value = item.partition("=")
        if not is_pair or not name:
            raise UsageError(f"`{item}` is no input; write --input name=value.", param="input")
        found[name] = value
    return found


def _number(version: str) -> int | None:
    if version == "":
        return None
    if version == "draft":
        return 0
    if version.isascii() and version.isdigit() and 0 < int(version) < 2**31:
        return int(version)
    raise UsageError(f"`{version}` is no version; give a number, or draft.", param="version")


def _followed(events: Iterator[dict[str, Any]], *, live: bool) -> tuple[str, set[str], dict[str, Any]]:
    """The run's id, what it streamed, and its last event."""
    run_id, texts = "", [""]
    for event in events:
        match event["event"]:
            case "run":
                run_id = event["run_id"]
            case "text_chunk":
                texts.append(event["text"])
                if live:
                    print(plain(event["text"]), end="", flush=True)
            case "text_replace":
                texts = [event["text"]]
                if live:
                    print(f"\n\n{plain(event['text'])}", end="", flush=True)
            case "workflow_finished" | "workflow_paused":
                return run_id, {"".join(texts), *texts}, event
    raise OrganError("The server ended the stream before the run was over.", code="server_unreachable")


def _hint(server: Server, app: str, run_id: str) -> str:
    return (
        "A form of it is answered in Studio's inbox or by its link; a node in doubt with POST "
        f"{server.url}/api/v1/apps/{part(app)}/runs/{run_id}/answer."
    )
