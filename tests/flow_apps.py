"""Small workflows for tests, as DSL files, and a web server that counts who asked for what."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from itertools import pairwise
from typing import Any

from tests.served import served

Node = dict[str, Any]


def start(*fields: str) -> Node:
    variables = [{"variable": name, "label": name, "type": "text-input", "required": True} for name in fields]
    return _node("start", "start", variables=variables)


def webhook(id: str = "hook", **data: Any) -> Node:
    return _node(id, "trigger-webhook", **{"method": "post", "content_type": "application/json", **data})


def schedule(id: str = "clock", **data: Any) -> Node:
    return _node(id, "trigger-schedule", **{"mode": "cron", "timezone": "UTC", **data})


def template(id: str, text: str, **variables: str) -> Node:
    """`variables`: name="node.output"."""
    named = [{"variable": name, "value_selector": where.split(".")} for name, where in variables.items()]
    return _node(id, "template-transform", template=text, variables=named)


def http(id: str, method: str, url: str, **more: Any) -> Node:
    nothing = {"authorization": {"type": "no-auth"}, "headers": "", "params": "", "body": {"type": "none", "data": []}}
    return _node(id, "http-request", method=method, url=url, **nothing, **more)


def end(**outputs: str) -> Node:
    named = [{"variable": name, "value_selector": where.split(".")} for name, where in outputs.items()]
    return _node("end", "end", outputs=named)


def answer(text: str) -> Node:
    return _node("answer", "answer", answer=text)


def assigner(id: str, variable: str, value: str, operation: str = "over-write") -> Node:
    item = {
        "variable_selector": ["conversation", variable],
        "input_type": "variable",
        "operation": operation,
        "value": value.split("."),
    }
    return _node(id, "assigner", version="2", items=[item])


def human(id: str, content: str, fields: Sequence[dict[str, Any]], *actions: str, **more: Any) -> Node:
    """A form that whoever uses the app may answer; its branches begin at "ID:ACTION" and "ID:__timeout"."""
    buttons = [{"id": action, "title": f"{action}!", "button_style": "default"} for action in actions]
    asked = {"form_content": content, "inputs": list(fields), "user_actions": buttons}
    return _node(id, "human-input", **{**asked, "delivery_methods": [{"type": "webapp", "enabled": True}], **more})


def llm(id: str, prompt: str, **more: Any) -> Node:
    model = {"provider": "", "name": "", "mode": "chat", "completion_params": {}}
    said = [{"role": "user", "text": prompt}]
    return _node(id, "llm", model=model, prompt_template=said, context={"enabled": False}, **more)


def retrieval(id: str, query: str, *bases: str) -> Node:
    """`query`: "node.output"."""
    return _node(id, "knowledge-retrieval", query_variable_selector=query.split("."), dataset_ids=list(bases))


def datasource(id: str, kind: str = "local_file", **more: Any) -> Node:
    named = {"provider_type": kind, "provider_name": "file", "plugin_id": "langgenius/file", **more}
    return _node(id, "datasource", **named)


def index(id: str, chunks: str, structure: str = "text_model", **more: Any) -> Node:
    """`chunks`: "node.output"."""
    more = {"indexing_technique": "high_quality", **more}
    selector = chunks.split(".")
    return _node(id, "knowledge-index", chunk_structure=structure, index_chunk_variable_selector=selector, **more)


def tool(id: str, provider_type: str, provider: str, name: str, **parameters: Any) -> Node:
    """`parameters`: templates."""
    given = {key: {"type": "mixed", "value": value} for key, value in parameters.items()}
    return _node(
        id,
        "tool",
        provider_type=provider_type,
        provider_id=provider,
        provider_name=provider,
        tool_name=name,
        tool_label=name,
        tool_configurations={},
        tool_parameters=given,
    )


def _node(id: str, type: str, **data: Any) -> Node:
    return {"id": id, "type": "custom", "position": {"x": 0, "y": 0}, "data": {"type": type, "title": id, **data}}


def chain(*nodes: Node) -> list[tuple[str, str]]:
    """Edges from each node to the next."""
    ids = [node["id"] for node in nodes]
    return list(pairwise(ids))


def dsl(
    name: str,
    nodes: Sequence[Node],
    edges: Sequence[tuple[str, str]] | None = None,
    *,
    mode: str = "workflow",
    conversation: Sequence[dict[str, Any]] = (),
    features: dict[str, Any] | None = None,
) -> str:
    """A file of Dify's, in JSON; `edges` None: one node after the other; ("node:handle", ...): from a branch."""
    joined = chain(*nodes) if edges is None else edges
    graph = {
        "nodes": list(nodes),
        "edges": [
            {
                "id": f"{a}-{b}",
                "source": a.partition(":")[0],
                "target": b,
                "sourceHandle": a.partition(":")[2] or "source",
                "targetHandle": "target",
            }
            for a, b in joined
        ],
    }
    return json.dumps(
        {
            "version": "0.6.0",
            "kind": "app",
            "app": {"name": name, "mode": mode, "icon": "🧪", "icon_background": "#fff", "description": ""},
            "workflow": {
                "graph": graph,
                "features": features or {},
                "environment_variables": [],
                "conversation_variables": list(conversation),
            },
        },
        ensure_ascii=False,
    )


def pipeline(name: str, nodes: Sequence[Node], edges: Sequence[tuple[str, str]] | None = None) -> str:
    """A pipeline of knowledge."""
    tree = json.loads(dsl(name, nodes, edges))
    about = tree.pop("app")
    about.pop("mode")
    workflow = {**tree["workflow"], "rag_pipeline_variables": []}
    found = {**tree, "version": "0.1.0", "kind": "rag_pipeline", "rag_pipeline": about, "workflow": workflow}
    return json.dumps(found, ensure_ascii=False)


class Counting:
    """`asked`: how often each path was asked for. A held path waits until `release`; one in `broken` is hung up on."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.broken: set[str] = set()
        self._held: dict[str, threading.Event] = {}
        self._came: dict[str, threading.Event] = {}
        self.url = ""

    def hold(self, path: str) -> None:
        self._held[path] = threading.Event()
        self._came[path] = threading.Event()

    def release(self, path: str) -> None:
        self._held.pop(path).set()

    def wait_for(self, path: str, seconds: float = 30) -> None:
        """Until somebody asked for a held path."""
        assert self._came[path].wait(seconds), f"nobody asked for {path}"

    async def came(self, path: str) -> None:
        await asyncio.to_thread(self.wait_for, path)

    def take(self, path: str) -> bytes | None:
        self.asked[path] += 1
        held = self._held.get(path)
        if held is not None:
            self._came[path].set()
            held.wait(60)
        return None if path in self.broken else f"답 {path} {self.asked[path]}".encode()


@contextmanager
def counting_server() -> Iterator[Counting]:
    counting = Counting()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = counting.take(self.path)
            if body is None:
                self.close_connection = True
                return
            try:
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                return  # who asked was killed meanwhile

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.do_GET()

        def log_message(self, *_: Any) -> None: ...

    with served(Handler) as counting.url:
        yield counting
