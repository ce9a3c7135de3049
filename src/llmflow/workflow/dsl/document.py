"""A DSL document: the whole tree as it came, and what of it we read.

Nothing is taken out of the tree, so what is written again says what was read. A shape that Dify would not write (a node
that is no mapping, say) is passed over where it is read, and stays in the tree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmflow.errors import UsageError
from llmflow.workflow.dsl.version import parsed

PIPELINE = "rag-pipeline"
GRAPH_MODES = ("workflow", "advanced-chat", PIPELINE)
CONFIG_MODES = ("chat", "agent-chat", "completion")
MODES = (*GRAPH_MODES, *CONFIG_MODES)
#: Of a canvas only: they do nothing in a run.
NOTE = "custom-note"

Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Node:
    """`type`: of its data ("llm"); `parent`: the id of the iteration or loop it stands in, "" for none."""

    id: str
    type: str
    title: str
    parent: str
    data: Tree


@dataclass(frozen=True, slots=True)
class Edge:
    """`handle`: the branch of the source it leaves by, "source" where there is one only."""

    source: str
    handle: str
    target: str


@dataclass(frozen=True, slots=True)
class Variable:
    """Of the environment or of a conversation. `type`: string, number, secret, object, array[string] ..."""

    name: str
    type: str
    value: Any
    description: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """`tree`: everything that was read; never changed in place."""

    tree: Tree

    @property
    def version(self) -> str:
        """Of the DSL; "" where the file names none."""
        return version_of(self.tree)

    @property
    def app(self) -> Tree:
        """Name, mode, icon and description."""
        return mapping(self.tree.get("app") or self.tree.get("rag_pipeline"))

    @property
    def mode(self) -> str:
        return mode_of(self.tree)

    @property
    def has_graph(self) -> bool:
        return self.mode in GRAPH_MODES

    @property
    def name(self) -> str:
        return text(self.app.get("name")).strip()

    @property
    def description(self) -> str:
        return text(self.app.get("description"))

    @property
    def workflow(self) -> Tree:
        return mapping(self.tree.get("workflow"))

    @property
    def model_config(self) -> Tree:
        return mapping(self.tree.get("model_config"))

    @property
    def features(self) -> Tree:
        """Opening statement, suggested questions, uploads ...: of a graph apart, else of the model_config."""
        return mapping(self.workflow.get("features")) if self.has_graph else self.model_config

    @property
    def nodes(self) -> tuple[Node, ...]:
        """In the file's order, without the notes that are stuck to the canvas."""
        found = mappings(mapping(self.workflow.get("graph")).get("nodes"))
        return tuple(_node(item) for item in found if not _is_note(item))

    @property
    def edges(self) -> tuple[Edge, ...]:
        found = mappings(mapping(self.workflow.get("graph")).get("edges"))
        return tuple(
            Edge(text(item.get("source")), text(item.get("sourceHandle")) or "source", text(item.get("target")))
            for item in found
        )

    @property
    def environment(self) -> tuple[Variable, ...]:
        return _variables(self.workflow.get("environment_variables"))

    @property
    def conversation(self) -> tuple[Variable, ...]:
        return _variables(self.workflow.get("conversation_variables"))

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The plugins that the file says it needs, as `author/name:version`."""
        found = []
        for item in mappings(self.tree.get("dependencies")):
            values = mapping(item.get("value")).items()
            named = [text(value) for key, value in values if key.endswith(("unique_identifier", "repo", "package"))]
            found += [name.partition("@")[0] for name in named if name][:1]
        return tuple(found)


def document(tree: Tree) -> Document:
    """The tree as a document. Raises UsageError (dsl_invalid) for one that no version of Dify would take."""
    parsed(version_of(tree))
    mode = mode_of(tree)
    if not mapping(tree.get("app") or tree.get("rag_pipeline")):
        raise _invalid("it has no `app` with a name and a mode")
    if not mode:
        raise _invalid("`app` names no `mode`")
    if mode not in MODES:
        raise _invalid(f"the mode `{mode[:40]}` is none of {', '.join(MODES)}")
    needed = "workflow" if mode in GRAPH_MODES else "model_config"
    if not mapping(tree.get(needed)):
        raise _invalid(f"an app of mode {mode} has its design under `{needed}`, which is missing")
    if mode in GRAPH_MODES:
        graph = mapping(tree["workflow"]).get("graph")
        if not isinstance(graph, dict) or not isinstance(graph.get("nodes", []), list):
            raise _invalid("`workflow` has no `graph` with a list of `nodes`")
    return Document(tree)


def _invalid(problem: str) -> UsageError:
    return UsageError(f"The file is no Dify DSL: {problem}.", code="dsl_invalid")


def version_of(tree: Tree) -> str:
    """Numbers as people wrote them: an unquoted 0.3 counts as well."""
    found = tree.get("version")
    return "" if found is None or isinstance(found, bool) else text(found).strip()


def mode_of(tree: Tree) -> str:
    if tree.get("kind") == "rag_pipeline" or ("rag_pipeline" in tree and "app" not in tree):
        return PIPELINE
    return text(mapping(tree.get("app")).get("mode"))


def _is_note(item: Tree) -> bool:
    return item.get("type") == NOTE or mapping(item.get("data")).get("type") == ""


def _node(item: Tree) -> Node:
    data = mapping(item.get("data"))
    inside = item.get("parentId") or data.get("iteration_id") or data.get("loop_id")
    return Node(text(item.get("id")), text(data.get("type")), text(data.get("title")), text(inside), data)


def _variables(value: Any) -> tuple[Variable, ...]:
    return tuple(
        Variable(text(item.get("name")), text(item.get("value_type")), item.get("value"), text(item.get("description")))
        for item in mappings(value)
    )


def text(value: Any) -> str:
    """A scalar as text; "" for anything else."""
    match value:
        case str():
            return value
        case bool() | None:
            return ""
        case int() | float():
            return str(value)
    return ""


def mapping(value: Any) -> Tree:
    """A mapping, or {} for anything else."""
    return value if isinstance(value, dict) else {}


def mappings(value: Any) -> list[Tree]:
    """The mappings of a list; [] for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def changed(tree: Mapping[str, Any], *path: str, value: Any) -> Tree:
    """A copy of the tree with `value` at the path of keys; mappings on the way are copied, the rest is shared."""
    first, *rest = path
    return {**tree, first: changed(mapping(tree.get(first)), *rest, value=value) if rest else value}
