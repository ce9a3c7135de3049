"""Compiles Dify's graph (nodes and edges, as its DSL has them) to an immutable plan, once for each version.

Nothing here raises for what is wrong with a graph: problems are listed, and a node that cannot run fails when reached.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import ValidationError

from llmflow.workflow.data import NodeData
from llmflow.workflow.kind import Kind
from llmflow.workflow.registry import kind_of
from llmflow.workflow.types import FAIL_BRANCH, RESERVED, SOURCE

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a graph. `code` is for programs, `message` for people; ids "" where none is meant."""

    code: str
    message: str
    node: str = ""
    edge: str = ""
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class Edge:
    """`index`, `source` and `target` count within the scope."""

    index: int
    id: str
    source: int
    target: int
    handle: str


@dataclass(frozen=True, slots=True)
class Node:
    """`index` counts within the scope. `flaw`: why the node cannot run, "" when it can. `inner`: a container's inside.

    `container`: id of the container it lies in, "" at the top."""

    index: int
    id: str
    type: str
    title: str
    kind: Kind | None
    data: NodeData | None
    raw: Mapping[str, Any]
    flaw: str
    container: str
    incoming: tuple[Edge, ...] = ()
    outgoing: tuple[Edge, ...] = ()
    inner: Scope | None = None

    @property
    def branches(self) -> bool:
        """Does it choose among its edges?"""
        role = self.kind.role if self.kind else "step"
        return role == "branch" or bool(self.data and self.data.error_strategy == FAIL_BRANCH)


@dataclass(frozen=True, slots=True)
class Script:
    """An answer's template as it is streamed. It may be told once one of `gates` (edges) is taken; `certain`: from the
    start. `parts`: text, or (node, name, path ...)."""

    node: int
    parts: tuple[str | tuple[str, ...], ...]
    gates: frozenset[int]
    certain: bool


@dataclass(frozen=True, slots=True)
class Scope:
    """The nodes that one scheduler looks after: the whole graph's top, or a container's inside.

    `starts`: where a run may begin, at one of them; the first is meant where none is named. `waits`: incoming edges of
    each node. Nodes that cannot be reached are not in it."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    starts: tuple[int, ...]
    waits: tuple[int, ...]
    scripts: tuple[Script, ...]

    @property
    def start(self) -> int | None:
        """The start that is meant where none is named; None: there is none."""
        return self.starts[0] if self.starts else None

    def start_named(self, node_id: str) -> int | None:
        """The start of this id, "" being the one that is meant; None for a node that is no start."""
        if not node_id:
            return self.start
        return next((index for index in self.starts if self.nodes[index].id == node_id), None)


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled graph. `nodes`: every node by id, those that cannot be reached too."""

    scope: Scope
    nodes: Mapping[str, Node]
    problems: tuple[Problem, ...]
    containers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # a node's containers, outermost first

    @property
    def is_runnable(self) -> bool:
        return bool(self.scope.starts)


def compile_graph(graph: Mapping[str, Any]) -> Plan:
    """`graph`: {"nodes": [...], "edges": [...]} as in Dify's DSL, workflow.graph. Never raises for its content."""
    return _Compiler(graph).plan()


class _Compiler:
    def __init__(self, graph: Mapping[str, Any]) -> None:
        self._problems: list[Problem] = []
        self._raw: dict[str, dict[str, Any]] = {}
        for raw in _dicts(graph.get("nodes")):
            if _type_of(raw) in ("", "custom-note") or raw.get("type") == "custom-note":
                continue  # a sticky note
            key = str(raw.get("id", ""))
            if key in self._raw:
                self._note("node_duplicate", f"Two nodes have the id '{key}'.", node=key)
            self._raw[key] = raw
        self._children: dict[str, list[str]] = {}
        for key, raw in self._raw.items():
            self._children.setdefault(self._container_of(raw), []).append(key)
        self._edges = [edge for raw in _dicts(graph.get("edges")) if (edge := self._edge(raw))]
        self._nodes: dict[str, Node] = {}
        self._inside: dict[str, tuple[str, ...]] = {}

    def plan(self) -> Plan:
        scope = self._scope("", ())
        left = [key for key in self._raw if key not in self._nodes]
        for key in left:  # inside a container that is no container, or that lies in itself
            self._note("node_misplaced", "The node lies in something that holds no nodes.", node=key)
            self._nodes[key] = self._node(0, key)
        for node in self._nodes.values():
            self._check_reads(node)
        return Plan(scope, self._nodes, tuple(self._problems), self._inside)

    def _scope(self, container: str, above: tuple[str, ...]) -> Scope:
        ids = self._children.get(container, [])
        here = set(ids)
        edges = [edge for edge in self._edges if edge[1] in here and edge[2] in here]
        starts = self._starts(container, ids)
        reached = _reachable(starts, edges)
        for key in ids:
            self._inside[key] = above
            if key not in reached and (starts or not container):
                self._note("node_unreachable", "No path leads here from the start.", node=key, severity="warning")
        kept = [key for key in ids if key in reached]
        scope = self._assemble(kept, [edge for edge in edges if edge[1] in reached], starts, above)
        for key in ids:
            if key not in self._nodes:
                self._nodes[key] = self._node(0, key, self._inner(key, above))
        return scope

    def _assemble(
        self, ids: Sequence[str], raw_edges: Sequence[_RawEdge], starts: Sequence[str], above: tuple[str, ...]
    ) -> Scope:
        at = {key: index for index, key in enumerate(ids)}
        bare = {key: self._node(at[key], key) for key in ids}
        edges = tuple(
            Edge(index, edge[0], at[edge[1]], at[edge[2]], _handle(bare[edge[1]], edge[3]))
            for index, edge in enumerate(raw_edges)
        )
        nodes = []
        for key in ids:
            node = bare[key]
            here = Node(
                index=node.index,
                id=node.id,
                type=node.type,
                title=node.title,
                kind=node.kind,
                data=node.data,
                raw=node.raw,
                flaw=node.flaw,
                container=node.container,
                incoming=tuple(edge for edge in edges if edge.target == node.index),
                outgoing=tuple(edge for edge in edges if edge.source == node.index),
                inner=self._inner(key, above),
            )
            self._nodes[key] = here
            nodes.append(here)
            self._check_handles(here)
        self._check_cycles(nodes, edges)
        waits = tuple(len(node.incoming) for node in nodes)
        firsts = tuple(at[key] for key in starts)
        return Scope(tuple(nodes), edges, firsts, waits, _scripts(nodes, edges, firsts))

    def _inner(self, key: str, above: tuple[str, ...]) -> Scope | None:
        kind = self._kind(self._raw[key])
        if kind is None or kind.role != "container" or key in above:
            return None
        return self._scope(key, (*above, key))

    def _node(self, index: int, key: str, inner: Scope | None = None) -> Node:
        raw = self._raw[key]
        content: dict[str, Any] = raw["data"]
        kind = self._kind(raw)
        data: NodeData | None = None
        flaw = ""
        if kind is None:
            flaw = f"Nodes of type '{_type_of(raw)}' cannot be run by this version."
            self._note_once("node_unsupported", flaw, key, "warning")
        try:
            data = (kind.data if kind else NodeData).model_validate(content)
        except ValidationError as error:
            flaw = flaw or _said(error)
            self._note_once("node_invalid", flaw, key)
        title = str(content.get("title") or "")
        return Node(index, key, _type_of(raw), title, kind, data, content, flaw, self._container_of(raw), inner=inner)

    def _kind(self, raw: Mapping[str, Any]) -> Kind | None:
        return kind_of(_type_of(raw), str(raw["data"].get("version") or "1"))

    def _container_of(self, raw: Mapping[str, Any]) -> str:
        data = raw["data"]
        return str(raw.get("parentId") or data.get("iteration_id") or data.get("loop_id") or raw.get("parent_id") or "")

    def _starts(self, container: str, ids: Sequence[str]) -> list[str]:
        """A container has one; the whole graph one with a form, before its triggers and data sources in their order."""
        if container:
            named = str(self._raw[container]["data"].get("start_node_id") or "")
            if named in ids:
                return [named]
        triggers = [key for key in ids if _type_of(self._raw[key]).startswith(_SEVERAL) and not container]
        found = [
            key for key in ids if (kind := self._kind(self._raw[key])) and kind.role == "start" and key not in triggers
        ]
        if len(found) > 1 and not container:
            self._note("start_twice", "There are several starts; the first is used.", node=found[1], severity="warning")
        if not found and not triggers:
            where = "The container has" if container else "The graph has"
            self._note("start_missing", f"{where} no start.", node=container)
        return [*found[:1], *triggers]

    def _edge(self, raw: Mapping[str, Any]) -> _RawEdge | None:
        key, source, target = (str(raw.get(name) or "") for name in ("id", "source", "target"))
        if source not in self._raw or target not in self._raw:
            missing = source if source not in self._raw else target
            self._note("edge_dangling", f"The edge joins a node that is not there: '{missing}'.", edge=key)
            return None
        if self._container_of(self._raw[source]) != self._container_of(self._raw[target]):
            self._note("edge_crossing", "The edge crosses the border of a container.", edge=key, node=source)
            return None
        return key, source, target, str(raw.get("sourceHandle") or SOURCE)

    def _check_handles(self, node: Node) -> None:
        if node.kind is None or node.data is None or node.kind.role != "branch":
            return
        known = {*node.kind.handles(node.data), FAIL_BRANCH}
        for edge in node.outgoing:
            if edge.handle not in known:
                text = f"The edge leaves by '{edge.handle}', which the node does not have."
                self._note("edge_handle_unknown", text, node=node.id, edge=edge.id, severity="warning")

    def _check_cycles(self, nodes: Sequence[Node], edges: Sequence[Edge]) -> None:
        waits = [len(node.incoming) for node in nodes]
        ready = [node.index for node in nodes if not waits[node.index]]
        while ready:
            for edge in nodes[ready.pop()].outgoing:
                waits[edge.target] -= 1
                if not waits[edge.target]:
                    ready.append(edge.target)
        for node in nodes:
            if waits[node.index]:
                self._note("graph_cycle", "The node waits for itself: the edges form a circle.", node=node.id)

    def _check_reads(self, node: Node) -> None:
        """Selectors that lead nowhere: to no node, or into a container from outside. They read as nothing."""
        if node.kind is None or node.data is None or node.flaw:
            return
        above = self._inside.get(node.id, ())
        for selector in {tuple(selector): None for selector in node.kind.reads(node.data) if selector}:
            owner = selector[0]
            if owner in RESERVED:
                continue
            around = self._inside.get(owner)
            if owner not in self._raw:
                why = f"there is no node '{owner}'"
            elif around is not None and around != above[: len(around)]:
                why = "that node lies inside a container"
            else:
                continue
            text = f"It reads {'.'.join(selector)}, but {why}."
            self._note("selector_unknown", text, node=node.id, severity="warning")

    def _note(self, code: str, message: str, *, node: str = "", edge: str = "", severity: Severity = "error") -> None:
        self._problems.append(Problem(code, message, node, edge, severity))

    def _note_once(self, code: str, message: str, node: str, severity: Severity = "error") -> None:
        if not any(problem.code == code and problem.node == node for problem in self._problems):
            self._note(code, message, node=node, severity=severity)


_RawEdge = tuple[str, str, str, str]  # id, source, target, handle
_SEVERAL = ("trigger-", "datasource")  # types of starts that a graph may have several of


def _dicts(value: Any) -> Iterable[dict[str, Any]]:
    """The mappings of a list, each with a `data` mapping."""
    for item in value if isinstance(value, list) else ():
        if isinstance(item, dict):
            yield item if isinstance(item.get("data"), dict) else {**item, "data": {}}


def _type_of(raw: Mapping[str, Any]) -> str:
    return str(raw["data"].get("type") or "")


def _reachable(starts: Sequence[str], edges: Sequence[_RawEdge]) -> set[str]:
    after: dict[str, list[str]] = {}
    for _, source, target, _ in edges:
        after.setdefault(source, []).append(target)
    found, todo = set(starts), list(starts)
    while todo:
        for target in after.get(todo.pop(), ()):
            if target not in found:
                found.add(target)
                todo.append(target)
    return found


def _handle(node: Node, handle: str) -> str:
    """A node that does not branch has one way out, whatever an editor called it, and perhaps the one for failure."""
    role = node.kind.role if node.kind else None
    if role == "branch" or (role is None and handle != "success-branch"):
        return handle
    return FAIL_BRANCH if handle == FAIL_BRANCH else SOURCE


def _scripts(nodes: Sequence[Node], edges: Sequence[Edge], starts: tuple[int, ...]) -> tuple[Script, ...]:
    scripts = []
    for node in nodes:
        if node.kind is None or node.data is None or node.kind.role != "answer":
            continue
        parts = tuple(node.kind.script(node.data))
        certain, gates = _gates(nodes, node.index, starts, parts)
        scripts.append(Script(node.index, parts, gates, certain))
    return tuple(scripts)


def _gates(
    nodes: Sequence[Node], answer: int, starts: tuple[int, ...], parts: Sequence[str | tuple[str, ...]]
) -> tuple[bool, frozenset[int]]:
    """The edges one of which must be taken before the answer is sure to be reached: the nearest, walking back, that
    leave a node that chooses, holds others, answers itself, sets a variable the answer tells, or is one of several
    starts."""
    gates: set[int] = set()
    certain = False
    seen, todo = {answer}, [answer]
    while todo:
        index = todo.pop()
        certain = certain or starts == (index,)
        for edge in nodes[index].incoming:
            source = nodes[edge.source]
            if _holds_back(source, parts) or (len(starts) > 1 and edge.source in starts):
                gates.add(edge.index)
            elif edge.source not in seen:
                seen.add(edge.source)
                todo.append(edge.source)
    return certain, frozenset(gates)


def _holds_back(node: Node, parts: Sequence[str | tuple[str, ...]]) -> bool:
    if node.branches or node.kind is None or node.kind.role in ("container", "answer"):
        return True
    return node.type == "assigner" and any(isinstance(part, tuple) and part[0] == "conversation" for part in parts)


def _said(error: ValidationError) -> str:
    """What is wrong with a node's data, field by field; values may be secret and are not shown."""
    found = []
    for item in error.errors(include_input=False)[:3]:
        field, message = ".".join(map(str, item["loc"])), item["msg"].removeprefix("Value error, ")
        found.append(f"{field}: {message}" if field else message)
    return "The node's settings cannot be read. " + "; ".join(found)
