"""Random graphs, and a slow interpreter of them that is plainly right: no events, no concurrency, one node at a time.

Every node's value is a text made of the values before it, so that a value tells which nodes ran, and on what.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal

from hypothesis import strategies as st

from tests.workflow.graphs import node
from tests.workflow.outside import said

Kind = Literal["template", "llm", "http", "fails", "if", "iteration"]
Strategy = Literal["", "default-value", "fail-branch"]


@dataclass(frozen=True)
class Spec:
    """`sources`: (node, handle) of its incoming edges. `letter`: what an if looks for in the input."""

    id: str
    kind: Kind
    sources: tuple[tuple[str, str], ...]
    strategy: Strategy = ""
    letter: str = ""
    is_parallel: bool = False
    mode: str = "terminated"


@dataclass(frozen=True)
class Design:
    specs: tuple[Spec, ...]
    text: str
    items: tuple[str, ...]

    def graph(self) -> dict[str, Any]:
        nodes, edges = [node("start", "start")], []
        kinds = {spec.id: spec.kind for spec in self.specs}
        for spec in self.specs:
            nodes += _nodes(spec, kinds)
            edges += _inner_edges(spec)
            edges += [_edge(source, spec.id, handle) for source, handle in spec.sources]
        told = "".join(f"{spec.id}={{{{#{spec.id}.{_name(spec.kind)}#}}}};" for spec in self.specs)
        nodes.append(node("answer", "answer", answer=told))
        edges += [_edge(source, "answer", "source") for source in ("start", *(spec.id for spec in self.specs))]
        return {"nodes": nodes, "edges": edges}

    @property
    def inputs(self) -> dict[str, Any]:
        return {"text": self.text, "items": list(self.items)}


def _edge(source: str, target: str, handle: str) -> dict[str, Any]:
    return {"id": f"{source}.{handle}.{target}", "source": source, "target": target, "sourceHandle": handle}


def _name(kind: str) -> str:
    return {"llm": "text", "http": "body", "fails": "body", "if": "selected_case_id"}.get(kind, "output")


def _nodes(spec: Spec, kinds: dict[str, Kind]) -> list[dict[str, Any]]:
    before = [(source, _name(kinds[source])) for source, _ in spec.sources if source != "start"]
    filled = f"{spec.id}(" + ",".join(f"{{{{#{source}.{name}#}}}}" for source, name in before) + ")"
    match spec.kind:
        case "template":
            variables = [{"variable": f"v{at}", "value_selector": list(each)} for at, each in enumerate(before)]
            source = f"{spec.id}(" + ",".join(f"{{{{ v{at} or '' }}}}" for at in range(len(before))) + ")"
            return [node(spec.id, "template-transform", template=source, variables=variables)]
        case "llm":
            return [node(spec.id, "llm", prompt_template=[{"role": "user", "text": filled}])]
        case "http" | "fails":
            body = {"type": "raw-text", "data": [{"value": filled}]}
            url = "https://example.com/" + ("fail" if spec.kind == "fails" else "ok")
            default = [{"key": "body", "type": "string", "value": f"{spec.id}!"}]
            more: dict[str, Any] = {"error_strategy": spec.strategy, "default_value": default}
            return [node(spec.id, "http-request", method="post", url=url, body=body, **more)]
        case "if":
            condition = {
                "variable_selector": ["start", "text"],
                "comparison_operator": "contains",
                "value": spec.letter,
            }
            return [node(spec.id, "if-else", cases=[{"case_id": "yes", "conditions": [condition]}])]
        case "iteration":
            return _iteration(spec, filled)


def _iteration(spec: Spec, filled: str) -> list[dict[str, Any]]:
    """Rounds of "b" fail. What they give is the item between brackets, after what came before."""
    is_bad = {"variable_selector": [spec.id, "item"], "comparison_operator": "is", "value": "b"}
    inner = f"{spec.id}_llm"
    prompt = [{"role": "user", "text": f"{filled}{{{{#{spec.id}.item#}}}}"}]
    return [
        node(
            spec.id,
            "iteration",
            iterator_selector=["start", "items"],
            output_selector=[inner, "text"],
            is_parallel=spec.is_parallel,
            parallel_nums=2,
            error_handle_mode=spec.mode,
        ),
        node(f"{spec.id}_start", "iteration-start", parent=spec.id),
        node(f"{spec.id}_if", "if-else", parent=spec.id, cases=[{"case_id": "bad", "conditions": [is_bad]}]),
        node(f"{spec.id}_bad", "quantum-node", parent=spec.id),
        node(inner, "llm", parent=spec.id, prompt_template=prompt),
    ]


def _inner_edges(spec: Spec) -> list[dict[str, Any]]:
    if spec.kind != "iteration":
        return []
    return [
        _edge(f"{spec.id}_start", f"{spec.id}_if", "source"),
        _edge(f"{spec.id}_if", f"{spec.id}_bad", "bad"),
        _edge(f"{spec.id}_if", f"{spec.id}_llm", "false"),
    ]


@dataclass
class Expected:
    """`values`: of the nodes that ran. `fails`: nodes that failed with no strategy, any of which ends the run."""

    values: dict[str, Any] = field(default_factory=dict)
    fails: set[str] = field(default_factory=set)
    exceptions: int = 0
    told: str = ""


def interpret(design: Design) -> Expected:
    """What must come of the design, node by node in an order in which sources come first."""
    found = Expected()
    taken: dict[str, set[str]] = {"start": {"source"}}  # handles that a node that ran took
    for spec in design.specs:
        if not any(handle in taken.get(source, ()) for source, handle in spec.sources):
            continue
        show = _in_jinja if spec.kind == "template" else _shown
        before = ",".join(show(found.values.get(source)) for source, _ in spec.sources if source != "start")
        filled = f"{spec.id}({before})"
        taken[spec.id] = {"source"}
        match spec.kind:
            case "template" | "http":
                found.values[spec.id] = filled
            case "llm":
                found.values[spec.id] = said(filled)
            case "if":
                found.values[spec.id] = "yes" if spec.letter in design.text else "false"
                taken[spec.id] = {found.values[spec.id]}
            case "fails":
                if not spec.strategy:
                    found.fails.add(spec.id)
                    taken[spec.id] = set()
                    continue
                found.exceptions += 1
                found.values[spec.id] = f"{spec.id}!" if spec.strategy == "default-value" else None
                taken[spec.id] = {"fail-branch" if spec.strategy == "fail-branch" else "source"}
            case "iteration":
                _rounds(spec, design, filled, found, taken)
    found.told = "".join(f"{spec.id}={_bulleted(found.values.get(spec.id))};" for spec in design.specs)
    return found


def _rounds(spec: Spec, design: Design, filled: str, found: Expected, taken: dict[str, set[str]]) -> None:
    outputs: list[str | None] = [None if item == "b" else said(f"{filled}{item}") for item in design.items]
    bad = outputs.count(None)
    if bad and spec.mode == "terminated":
        found.fails.add(spec.id)
        taken[spec.id] = set()
        return
    found.exceptions += bad
    found.values[spec.id] = [each for each in outputs if each] if spec.mode == "remove-abnormal-output" else outputs


def _shown(value: Any) -> str:
    """As a prompt shows it."""
    if value is None or value == []:
        return ""
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _in_jinja(value: Any) -> str:
    return str(value) if value else ""


def _bulleted(value: Any) -> str:
    """As an answer shows it."""
    if isinstance(value, list):
        return "\n".join(f"- {item or ''}" for item in value)
    return _shown(value)


@st.composite
def designs(draw: st.DrawFn, *, max_nodes: int = 8) -> Design:
    specs: list[Spec] = []
    handles: dict[str, list[str]] = {"start": ["source"]}
    for number in range(draw(st.integers(1, max_nodes))):
        id = f"n{number}"
        ways = [(source, handle) for source, each in handles.items() for handle in each]
        sources = draw(st.lists(st.sampled_from(ways), min_size=1, max_size=3, unique_by=lambda way: way[0]))
        kinds: list[Kind] = ["template", "template", "llm", "http", "fails", "if", "if", "iteration"]
        kind = draw(st.sampled_from(kinds))
        strategies: list[Strategy] = ["default-value", "fail-branch", "fail-branch", ""]
        strategy = draw(st.sampled_from(strategies)) if kind == "fails" else ""
        modes = ["terminated", "continue-on-error", "remove-abnormal-output"]
        handles[id] = {"if": ["yes", "false"]}.get(kind, ["source"])
        if strategy == "fail-branch":
            handles[id] = ["source", "fail-branch"]
        specs.append(
            Spec(
                id,
                kind,
                tuple(sources),
                strategy,
                letter=draw(st.sampled_from("가나")),
                is_parallel=draw(st.booleans()),
                mode=draw(st.sampled_from(modes)),
            )
        )
    items = draw(st.lists(st.sampled_from("abc"), max_size=3))
    return Design(tuple(specs), draw(st.sampled_from(["가", "나", "가나", ""])), tuple(items))
