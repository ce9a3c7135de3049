"""Files to a knowledge base: finding them, sending them, waiting until they are read, saying how it went."""

from __future__ import annotations

import dataclasses
import os
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmflow.cli.client import Server, part
from llmflow.cli.show import ProgressLine, coloured, note, print_json, size
from llmflow.errors import LLMFlowError
from llmflow.knowledge.unpack import MEDIA_TYPES

COLOURS = {"ready": "green", "failed": "red", "running": "yellow"}
_FINAL = ("ready", "failed")
_PAGE = 1000
_FIRST_LOOK_S, _LAST_LOOK_S = 0.2, 1.0
#: Errors of the server, not of one file: going on would only repeat them.
_FATAL = ("server_unreachable", "unauthorized", "key_expired", "forbidden", "disk_full")
_STAGES = {
    "": "begins",
    "unpack": "unpacking",
    "parse": "reading",
    "chunk": "cutting",
    "ask": "asking the model",
    "embed": "embedding",
    "index": "indexing",
}
#: Error fields of a sent file, and where the server's document has them.
_ERROR = (("code", "error_code"), ("message", "error_message"), ("hint", "error_hint"))


@dataclass(frozen=True, slots=True)
class File:
    path: Path
    name: str  # what it will be called in the knowledge base


@dataclass(frozen=True, slots=True)
class Sent:
    """One file's fate. `outcome`: the server's word, or "refused"; `state`: of its document, as last seen."""

    path: str
    name: str
    outcome: str
    id: str = ""
    state: str = ""
    code: str = ""
    message: str = ""
    hint: str = ""
    warnings: tuple[str, ...] = ()
    is_archive: bool = False


def collect(paths: Sequence[Path]) -> tuple[list[File], list[Sent]]:
    """The files under `paths`, each with a name of its own, and the paths that lead to none.

    A file keeps its own name; where an earlier one took it, the folders are put before it: "2024 › report.pdf"."""
    files: list[File] = []
    missing: list[Sent] = []
    taken: set[str] = set()
    for given in paths:
        if given.is_dir():
            found = [(path, path.relative_to(given)) for path in _walk(given)]
        elif given.exists():
            found = [(given, given)]
        else:
            missing.append(_refused(given, given.name, "not_found", f"There is no file {given}.", "Check the path."))
            continue
        for path, relative in found:
            name = _free_name(relative, path, taken)
            taken.add(name)
            files.append(File(path, name))
    return files, missing


def _walk(folder: Path) -> Iterator[Path]:
    """Regular files below `folder` in order, links followed, each folder entered once, hidden ones passed over."""
    seen: set[tuple[int, int]] = set()
    for root, folders, names in os.walk(folder, followlinks=True):
        about = Path(root).stat()
        if (about.st_dev, about.st_ino) in seen:
            folders.clear()
            continue
        seen.add((about.st_dev, about.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(root, name)
            if not name.startswith((".", "~$")) and path.is_file():
                yield path


def _free_name(relative: Path, path: Path, taken: set[str]) -> str:
    candidates = (relative.name, " › ".join(relative.parts), " › ".join(path.absolute().parts[1:]))
    names = [unicodedata.normalize("NFC", name.replace("/", "")) for name in candidates]
    return next((name for name in names if name not in taken), names[-1])


def send(server: Server, base: str, files: Sequence[File]) -> list[Sent]:
    """Uploads one after another; a file that cannot be read or is refused does not stop the others."""
    line = ProgressLine()
    sent = []
    for number, file in enumerate(files, 1):
        line.say(f"Sending {number} of {len(files)}: {file.name}")
        sent.append(_send(server, base, file))
    line.clear()
    return sent


def _send(server: Server, base: str, file: File) -> Sent:
    try:
        answer = server.upload(f"/knowledge/{part(base)}/documents/{part(file.name)}", file.path)
    except OSError as error:
        message = f"It cannot be read: {error.strerror or error}."
        return _refused(file.path, file.name, "document_unreadable", message, "Check the file's permissions.")
    except LLMFlowError as error:
        if error.code in _FATAL:
            raise
        return _refused(file.path, file.name, error.code, error.message, error.hint)
    document = answer["document"]
    return _seen(Sent(str(file.path), document["name"], answer["outcome"], document["id"]), document)


def _refused(path: Path, name: str, code: str, message: str, hint: str) -> Sent:
    return Sent(str(path), name, "refused", code=code, message=message, hint=hint)


def _seen(one: Sent, document: dict[str, Any]) -> Sent:
    """`one` with what the server says of its document now."""
    failed = document["state"] == "failed"
    error = {name: document[field] if failed else "" for name, field in _ERROR}
    is_archive = document["media_type"] in MEDIA_TYPES and not failed
    return dataclasses.replace(
        one, state=document["state"], warnings=tuple(document["warnings"]), is_archive=is_archive, **error
    )


def wait(server: Server, base: str, sent: Sequence[Sent]) -> list[Sent]:
    """Looks until every document is ready or failed, showing what is being done; with what came out of archives."""
    waited = _wait(server, base, sent)
    inside = [one for archive in waited if archive.is_archive for one in _inside(server, base, archive)]
    return [*waited, *_wait(server, base, inside)]


def _inside(server: Server, base: str, archive: Sent) -> list[Sent]:
    found = documents_of(server, base, inside=archive.id)
    return [_seen(Sent(archive.path, one["name"], archive.outcome, one["id"]), one) for one in found]


def _wait(server: Server, base: str, sent: Sequence[Sent]) -> list[Sent]:
    line = ProgressLine()
    now = {one.id: one for one in sent if one.id}
    pause = _FIRST_LOOK_S
    while waiting := [key for key, one in now.items() if one.state not in _FINAL]:
        busy = _busy(server, base)
        if busy is not None:
            for key in waiting:
                now[key] = _seen(now[key], busy[key]) if key in busy else _look(server, now[key])
        finished = sum(one.state in _FINAL for one in now.values())
        active = next((d for d in (busy or {}).values() if d["state"] == "running" and d["id"] in now), None)
        line.say(f"{finished} of {len(now)} read. {described(active) if active else ''}")
        if finished < len(now):
            time.sleep(pause)
            pause = min(pause * 1.3, _LAST_LOOK_S)
    line.clear()
    return [now.get(one.id, one) for one in sent]


def _busy(server: Server, base: str) -> dict[str, dict[str, Any]] | None:
    """Documents queued or running, by id; None while they are too many to list again and again."""
    counts = server.call("GET", f"/knowledge/{part(base)}")["documents"]
    if counts.get("queued", 0) + counts.get("running", 0) > _PAGE:
        return None
    # the queued first: one that begins between the two looks is then seen twice, not missed
    found = [*documents_of(server, base, state="queued"), *documents_of(server, base, state="running")]
    return {document["id"]: document for document in found}


def _look(server: Server, one: Sent) -> Sent:
    """What became of one that is no longer busy."""
    try:
        return _seen(one, server.call("GET", f"/documents/{one.id}"))
    except LLMFlowError as error:
        if error.code != "not_found":
            raise
        message = "It was deleted while it was waited for."
        return dataclasses.replace(one, state="failed", code="not_found", message=message)


def documents_of(
    server: Server, base: str, *, state: str | None = None, inside: str | None = None
) -> list[dict[str, Any]]:
    """Every document of the base, newest first; `inside`: that came out of this archive."""
    found: list[dict[str, Any]] = []
    while True:
        page = server.call(
            "GET", f"/knowledge/{part(base)}/documents", state=state, inside=inside, offset=len(found), limit=_PAGE
        )
        found += page["documents"]
        if not page["documents"] or len(found) >= page["total"]:
            return found


def described(document: dict[str, Any]) -> str:
    """A document on one line: what is being done with it, what it holds, or what went wrong."""
    name, state = document["name"], document["state"]
    if state == "running":
        share = f" {document['done']} of {document['total']}" if document["total"] else ""
        return f"{name}: {_STAGES.get(document['stage'], document['stage'])}{share}"
    if state == "failed":
        hint = f" {document['error_hint']}" if document["error_hint"] else ""
        return f"{name}: {document['error_code']}: {document['error_message']}{hint}"
    if state == "ready":
        pages = f", {document['pages']} pages" if document["pages"] else ""
        if document["media_type"] in MEDIA_TYPES:
            return f"{name} ({size(document['size'])}, unpacked)"
        return f"{name} ({size(document['size'])}{pages}, {document['chunk_count']} passages)"
    return f"{name} ({size(document['size'])})"


def report(sent: Sequence[Sent], *, waited: bool, as_json: bool) -> None:
    """How it went: counts on stdout, what went wrong on stderr; or one document."""
    outcomes = Counter(one.outcome for one in sent)
    states = Counter(one.state for one in sent if one.state)
    if as_json:
        names = ("accepted", "replaced", "unchanged", "duplicate", "refused")
        counts = {name: outcomes[name] for name in names} | {state: states[state] for state in _FINAL}
        print_json({"documents": [dataclasses.asdict(one) for one in sent], "counts": counts})
        return
    for one in sent:
        if one.code:
            what = "refused" if one.outcome == "refused" else "failed"
            note(f"{coloured(what, 'red')} {one.path}: [{one.code}] {one.message} {one.hint}".rstrip())
        for warning in one.warnings:
            note(f"{coloured('note', 'yellow')} {one.name}: {warning}")
    print(", ".join(f"{count} {outcome}" for outcome, count in outcomes.items()) or "No files found.")
    if waited and states:
        print(", ".join(f"{count} {coloured(state, COLOURS.get(state, 'dim'))}" for state, count in states.items()))
    elif outcomes["accepted"] or outcomes["replaced"]:
        note("They are being read now; `llmflow knowledge documents KB` shows how far.")
