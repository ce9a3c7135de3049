"""`llmflow knowledge evaluate`: which way of searching finds what it should."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from llmflow.cli.client import Server, connect, part
from llmflow.cli.options import Home, Json
from llmflow.cli.show import coloured, note, print_json, table
from llmflow.errors import LLMFlowError, UsageError

_PAUSE_S = 1.0
_TOLD = 20  # lines at fault


def evaluate(
    base: Annotated[str, typer.Argument(metavar="KB", help="The knowledge base's name or id")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV or JSON Lines: question, document, passage")],
    leave_out: Annotated[bool, typer.Option("--leave-out", help="Go on without lines that cannot be asked")] = False,
    take_best: Annotated[bool, typer.Option("--apply", help="Make the best setting the base's own")] = False,
    as_json: Json = False,
    home: Home = None,
) -> None:
    """Measure how well dense, keyword, hybrid and reranked search find the documents that answer your questions."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.", param="file") from error
    path = f"/knowledge/{part(base)}"
    with connect(home) as server:
        read = server.call("POST", f"{path}/questions", content=content)
        problems, questions = read["problems"], read["questions"]
        for one in problems[:_TOLD]:
            note(f"line {one['line']}: {one['text']}")
        if problems and not leave_out:
            hint = "Correct them, or give --leave-out."
            raise UsageError(f"{len(problems)} lines cannot be asked.", code="questions_invalid", hint=hint)
        body = {"name": file.name, "questions": questions, "leave_out": leave_out}
        begun = server.call("POST", f"{path}/evaluations", json=body)
        shown = _wait(server, f"{path}/evaluations/{begun['id']}")
        found = shown["evaluation"]
        if found["state"] == "failed":
            raise LLMFlowError(found["error_message"], code=found["error_code"], hint=found["error_hint"])
        if take_best and found["best"]:
            server.call("PUT", f"{path}/retrieval", json=shown["would_be"][found["best"]])
    if as_json:
        print_json({"evaluation": found, "applied": found["best"] if take_best else None})
        return
    print(
        table(("SETTING", "NDCG@10", "RECALL@10", "MRR@10", "P50", ""), [_row(found, one) for one in found["settings"]])
    )
    if take_best and found["best"]:
        print(f"{coloured('Applied', 'green')} {found['best']}")
    elif found["best"]:
        note(f"--apply makes `{found['best']}` the base's own setting.")


def _wait(server: Server, path: str) -> dict[str, Any]:
    told = -1
    while True:
        shown: dict[str, Any] = server.call("GET", path)
        found = shown["evaluation"]
        if found["state"] not in ("queued", "running"):
            return shown
        if found["done"] != told:
            told = found["done"]
            note(f"{told} of {found['total']} questions asked")
        time.sleep(_PAUSE_S)


def _row(found: dict[str, Any], one: dict[str, Any]) -> tuple[str, ...]:
    if not one["questions"]:
        return (one["name"], "-", "-", "-", "-", ", ".join(one["notes"]) or "not measured")
    mark = coloured("best", "green") if one["name"] == found["best"] else ""
    if not mark and one["behind"] <= one["margin"]:
        mark = "as good, as far as these questions tell"
    shares = (f"{one[key]:.3f}" for key in ("ndcg_at_10", "recall_at_10", "mrr_at_10"))
    return (one["name"], *shares, f"{one['p50_ms']:.0f} ms", mark)
