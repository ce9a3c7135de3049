"""`llmflow knowledge`: bases, their documents, search."""

from __future__ import annotations

import sys
import time
import unicodedata
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from llmflow.cli import upload
from llmflow.cli.ask import cited
from llmflow.cli.client import Server, connect, part
from llmflow.cli.evaluate import evaluate
from llmflow.cli.options import Home, Json
from llmflow.cli.options import group as new_group
from llmflow.cli.show import coloured, cut, note, print_json, size, table, when
from llmflow.errors import LLMFlowError, NotFound, UsageError

group = new_group("Knowledge bases and their documents.")

group.command()(evaluate)

_LOOK_EVERY_S = 1.0

_Base = Annotated[str, typer.Argument(metavar="KB", help="The knowledge base's name or id")]


@group.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The knowledge base's name")],
    description: Annotated[str, typer.Option(help="One line for people")] = "",
    as_json: Json = False,
    home: Home = None,
) -> None:
    """Make an empty knowledge base."""
    with connect(home) as server:
        made = server.call("POST", "/knowledge", json={"name": name, "description": description})
    if as_json:
        print_json(made)
        return
    print(f"{coloured('Made', 'green')} knowledge base {made['name']} ({made['id']})")
    note(f'Next: llmflow knowledge add "{made["name"]}" FILE...')


@group.command()
def add(
    base: _Base,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files, and folders with all they hold")],
    wait: Annotated[bool, typer.Option("--wait", help="Return when every document is ready or failed")] = False,
    make: Annotated[bool, typer.Option("--create", help="Make the knowledge base where there is none")] = False,
    as_json: Json = False,
    home: Home = None,
) -> None:
    """Upload documents. Hidden files in folders are passed over, the same bytes are not indexed twice, and each file of
    an archive (.zip, .tar, .tar.gz, .tgz, .tar.bz2, .tar.xz, .gz) becomes a document of its own."""
    files, missing = upload.collect(paths)
    with connect(home) as server:
        _ensure(server, base, make=make)
        sent = [*missing, *upload.send(server, base, files)]
        if wait:
            sent = upload.wait(server, base, sent)
    upload.report(sent, waited=wait, as_json=as_json)
    if any(one.outcome == "refused" or one.state == "failed" for one in sent):
        raise typer.Exit(1)


@group.command("list")
def list_bases(as_json: Json = False, home: Home = None) -> None:
    """List the knowledge bases and the states of their documents."""
    with connect(home) as server:
        found = server.call("GET", "/knowledge")
    bases = [{**entry["base"], "documents": entry["documents"]} for entry in found]
    if as_json:
        print_json({"knowledge": bases})
        return
    rows = [
        (b["name"], _counts(b["documents"]), b["id"], when(b["created_at"]), cut(b["description"], 50)) for b in bases
    ]
    empty = "No knowledge bases yet. `llmflow knowledge create` makes one."
    print(table(("NAME", "DOCUMENTS", "ID", "MADE", "ABOUT"), rows) if rows else empty)


@group.command()
def documents(
    base: _Base,
    state: Annotated[
        Literal["queued", "running", "ready", "failed"] | None, typer.Option(help="Only those in this state")
    ] = None,
    as_json: Json = False,
    home: Home = None,
) -> None:
    """List the documents, newest first, with what is being done or went wrong."""
    with connect(home) as server:
        _ensure(server, base)
        found = upload.documents_of(server, base, state=state)
    if as_json:
        print_json({"documents": found, "total": len(found)})
        return
    for document in found:
        state = document["state"]
        print(f"{coloured(f'{state:<7}', upload.COLOURS.get(state, 'dim'))}  {upload.described(document)}")
    if not found:
        print("No documents.")


@group.command()
def search(
    base: _Base,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="Words or a question")],
    mode: Annotated[
        Literal["dense", "keyword", "hybrid", "graph"] | None,
        typer.Option(help="By meaning, by words, by both; graph: not in this version. None: as the base is set"),
    ] = None,
    top_k: Annotated[int | None, typer.Option("--top-k", min=1, max=100, help="Passages at most")] = None,
    rerank: Annotated[bool, typer.Option("--rerank", help="Order them by the reranker that is set up")] = False,
    as_json: Json = False,
    home: Home = None,
) -> None:
    """Find passages, best first, with the scores of each search."""
    if mode == "graph":
        raise UsageError("Graph search is not in this version.", code="not_yet", hint="Use --mode hybrid.")
    with connect(home) as server:
        _ensure(server, base)
        wishes = {"mode": mode, "top_k": top_k, "rerank": rerank or None}
        asked = {"query": query, **{name: value for name, value in wishes.items() if value is not None}}
        searched = server.call("POST", f"/knowledge/{part(base)}/search", json=asked)
    hits = searched["found"]
    for said in searched["notes"]:
        note(said["text"])
    if as_json:
        print_json({"query": query, "mode": mode, "hits": hits})
        return
    for rank, hit in enumerate(hits, 1):
        scores = ", ".join(f"{name} {score:.3f}" for name, score in hit["scores"].items() if score is not None)
        print(f"{coloured(f'{rank}. {cited(hit)}', 'bold')}  {hit['score']:.3f} ({scores})\n   {cut(hit['text'], 300)}")
    if not hits:
        print("Nothing found.")


@group.command()
def reembed(
    base: _Base,
    model: Annotated[str, typer.Option(help="The embedding model; without it, the embedding organ's")] = "",
    stop: Annotated[bool, typer.Option("--stop", help="Give up what was begun; the old index goes on")] = False,
    status: Annotated[bool, typer.Option("--status", help="Only say how far it is")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Return when the new index serves")] = False,
    as_json: Json = False,
    home: Home = None,
) -> None:
    """Make every passage's vector anew with another model, while the old index serves."""
    with connect(home) as server:
        _ensure(server, base)
        path = f"/knowledge/{part(base)}/embedding"
        if status:
            found = server.call("GET", path)
        elif stop:
            found = server.call("DELETE", path)
        else:
            found = server.call("POST", path, json={"model": model})
        while wait and (found["anew"] or {}).get("state") in ("running", "waiting"):
            if not as_json:
                note(_embedded(found))
            time.sleep(_LOOK_EVERY_S)
            found = server.call("GET", path)
    print_json(found) if as_json else print(_embedded(found))
    if wait and (found["anew"] or {}).get("state") == "failed":
        raise typer.Exit(1)


@group.command()
def sources(base: _Base, as_json: Json = False, home: Home = None) -> None:
    """List where the knowledge base gets documents by itself, and how the last synchronisation went."""
    with connect(home) as server:
        _ensure(server, base)
        found = server.call("GET", f"/knowledge/{part(base)}/sources")
    if as_json:
        print_json({"sources": found})
        return
    rows = [(s["name"], s["kind"], s["state"], _reported(s["reports"][:1]), s["id"]) for s in found]
    print(table(("NAME", "KIND", "STATE", "LAST", "ID"), rows) if rows else "No sources. Studio and the API make them.")


@group.command()
def sync(
    base: _Base,
    name: Annotated[str, typer.Argument(metavar="SOURCE", help="The source's name or id")],
    wait: Annotated[bool, typer.Option("--wait", help="Return when it is done")] = False,
    as_json: Json = False,
    home: Home = None,
) -> None:
    """Look into a source: new, changed and removed files become new, replaced and removed documents."""
    with connect(home) as server:
        _ensure(server, base)
        path = f"/knowledge/{part(base)}/sources"
        source = next((s for s in server.call("GET", path) if name in (s["id"], s["name"])), None)
        if source is None:
            raise NotFound(f"{base} has no source `{name}`.", hint="`llmflow knowledge sources` lists them.")
        source = server.call("POST", f"/sources/{source['id']}/synchronise")
        while wait and source["state"] != "idle":
            time.sleep(_LOOK_EVERY_S)
            source = next(s for s in server.call("GET", path) if s["id"] == source["id"])
    print_json(source) if as_json else print(_reported(source["reports"][:1]) if wait else "Begun.")
    if wait and source["reports"] and (source["reports"][0]["error_code"] or source["reports"][0]["failed"]):
        raise typer.Exit(1)


def _reported(reports: list[dict[str, Any]]) -> str:
    if not reports:
        return "never"
    (last,) = reports
    counts = ", ".join(f"{last[name]} {name}" for name in ("new", "changed", "removed", "unchanged", "same", "failed"))
    return f"{counts}. {last['error_message']} {last['error_hint']}".rstrip() if last["error_message"] else counts


def _embedded(found: dict[str, Any]) -> str:
    anew = found["anew"]
    if anew is None or anew["state"] == "switched":
        gone = "" if found["is_here"] else ", which is not here any more: it is searched by words alone"
        return f"Indexed with {found['model'] or 'no model yet'}{gone}"
    told = f"{anew['state']}: {anew['done']} of {anew['total']} passages embedded with {anew['model']}"
    return f"{told}. {anew['error_message']} {anew['error_hint']}".rstrip() if anew["error_message"] else told


@group.command()
def retry(base: _Base, as_json: Json = False, home: Home = None) -> None:
    """Queue every failed document anew."""
    with connect(home) as server:
        _ensure(server, base)
        failed = upload.documents_of(server, base, state="failed")
        for document in failed:
            server.call("POST", f"/documents/{document['id']}/retry")
    if as_json:
        print_json({"retried": [{"id": d["id"], "document": d["name"]} for d in failed]})
    else:
        print(f"{len(failed)} queued again." if failed else "None had failed.")


@group.command()
def remove(
    base: _Base,
    names: Annotated[list[str], typer.Argument(metavar="DOCUMENT...", help="Names or ids of documents")],
    as_json: Json = False,
    home: Home = None,
) -> None:
    """Delete documents, everywhere."""
    with connect(home) as server:
        _ensure(server, base)
        there = upload.documents_of(server, base)
        chosen = [_document(there, base, name) for name in names]
        for document in chosen:
            server.call("DELETE", f"/documents/{document['id']}")
    if as_json:
        print_json({"removed": [{"id": d["id"], "document": d["name"]} for d in chosen]})
        return
    for document in chosen:
        print(f"{coloured('Removed', 'green')} {document['name']} ({size(document['size'])})")


@group.command()
def delete(
    base: _Base,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
    as_json: Json = False,
    home: Home = None,
) -> None:
    """Delete a knowledge base with all its documents."""
    with connect(home) as server:
        found = _ensure(server, base)
        if not yes and not as_json:
            if not sys.stdin.isatty():
                raise UsageError("Deleting a knowledge base needs --yes where nobody can be asked.", param="yes")
            held = _counts(found["documents"])
            typer.confirm(f"Delete {found['base']['name']} with its documents ({held})?", abort=True, err=True)
        server.call("DELETE", f"/knowledge/{part(base)}")
    if as_json:
        print_json({"deleted": found["base"]["id"]})
    else:
        print(f"{coloured('Deleted', 'green')} {found['base']['name']}")


def _ensure(server: Server, base: str, *, make: bool = False) -> dict[str, Any]:
    """The base with its counts; made when `make`. Raises NotFound, naming those there are."""
    try:
        found: dict[str, Any] = server.call("GET", f"/knowledge/{part(base)}")
        return found
    except LLMFlowError as error:
        if error.code != "not_found":
            raise
    if make:
        return {"base": server.call("POST", "/knowledge", json={"name": base}), "documents": {}}
    names = [entry["base"]["name"] for entry in server.call("GET", "/knowledge")]
    there = f"There are: {', '.join(names)}." if names else "There is none yet."
    raise NotFound(
        f"There is no knowledge base `{base}`. {there}",
        hint="`llmflow knowledge create` makes one; `knowledge add --create` too.",
        param="base",
    )


def _document(there: list[dict[str, Any]], base: str, name: str) -> dict[str, Any]:
    kept = unicodedata.normalize("NFC", name)  # as the server keeps it; macOS types Korean in parts
    for document in there:
        if kept in (document["id"], document["name"]):
            return document
    raise NotFound(f"There is no document `{name}` in {base}; nothing was removed.", param="document")


def _counts(documents: dict[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in documents.items() if count) or "none"
