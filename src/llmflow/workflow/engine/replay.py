"""Rebuilds a run from its events: what is finished, what was under way, how far rounds came, what was told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from llmflow.workflow.events import (
    At,
    Event,
    HumanInputReceived,
    HumanInputRequired,
    HumanInputTimedOut,
    Last,
    NodeFinished,
    NodeLog,
    NodeRetry,
    NodeStarted,
    RepeatAllowed,
    RepeatRequired,
    RoundFinished,
    RoundsFinished,
    RoundsStarted,
    RoundStarted,
    TextChunk,
    TextReplace,
    WorkflowFinished,
    WorkflowPaused,
    WorkflowStarted,
)
from llmflow.workflow.graph import Plan

Key = tuple[str, At]  # a node's id and the rounds around it
_T = TypeVar("_T")


@dataclass(slots=True)
class State:
    """A run as its events leave it. All mappings are in the order of the events.

    `finished`: nodes that need not run again. `under_way`: started, no end known. `logs`: the steps they
    told. `rounds`: containers' rounds that
    were begun; `round_errors`: rounds that failed and were passed over. `told`: what was said of the answer, in
    order."""

    started: WorkflowStarted | None = None
    finished: dict[Key, NodeFinished] = field(default_factory=dict)
    under_way: dict[Key, NodeStarted] = field(default_factory=dict)
    logs: dict[Key, list[NodeLog]] = field(default_factory=dict)
    begun: dict[Key, RoundsStarted] = field(default_factory=dict)
    rounds: dict[Key, dict[int, RoundStarted]] = field(default_factory=dict)
    round_errors: dict[Key, dict[int, str]] = field(default_factory=dict)
    told: list[TextChunk] = field(default_factory=list)
    asked: dict[Key, HumanInputRequired | RepeatRequired] = field(default_factory=dict)
    replies: dict[Key, dict[str, Any]] = field(default_factory=dict)
    repeats: set[Key] = field(default_factory=set)
    index: int = 0
    last: Last | None = None

    @property
    def text(self) -> str:
        """The answer as far as it was told."""
        return "".join(chunk.text for chunk in self.told)

    @property
    def tokens(self) -> int:
        return sum(int((end.execution_metadata or {}).get("total_tokens") or 0) for end in self.finished.values())

    @property
    def exceptions(self) -> int:
        passed_over = sum(map(len, self.round_errors.values()))
        return passed_over + sum(end.status == "exception" for end in self.finished.values())

    @property
    def waiting(self) -> list[Key]:
        """Nodes that wait for a person."""
        return [key for key in self.asked if key not in self.replies and key not in self.repeats]

    def conversation(self) -> dict[str, Any]:
        """The conversation's variables after all writes."""
        values = dict(self.started.conversation) if self.started else {}
        values.update((name, value) for owner, name, value in self._writes() if owner == "conversation")
        return values

    def ended_within(self, plan: Plan, container: str, at: At) -> list[NodeFinished]:
        """What is finished inside a container, round by round."""
        found = [
            end
            for (node_id, rounds), end in self.finished.items()
            if len(rounds) > len(at) and rounds[: len(at)] == at and container in plan.containers.get(node_id, ())
        ]
        return sorted(found, key=lambda end: end.at)

    def round_under_way(self, container: str, at: At) -> tuple[int, dict[str, Any]] | None:
        """The last round begun of a loop, and its variables after the writes made in it."""
        rounds = self.rounds.get((container, at))
        if not rounds:
            return None
        index = max(rounds)
        values = dict(rounds[index].variables)
        inside = (*at, index)
        for end in self.finished.values():
            if end.at[: len(inside)] == inside:
                values.update((name, value) for owner, name, value in end.writes if owner == container)
        return index, values

    def _writes(self) -> Iterator[tuple[str, str, Any]]:
        for end in self.finished.values():
            yield from end.writes

    def add(self, event: Event) -> None:
        """The state after one more event."""
        match event:
            case NodeStarted():
                self.index = max(self.index, event.index)
                self.under_way[event.node_id, event.at] = event
            case NodeFinished():
                key = (event.node_id, event.at)
                if event.status in ("succeeded", "exception"):
                    self.under_way.pop(key, None)
                    self.finished.pop(key, None)
                    self.finished[key] = event
                elif event.status == "failed":
                    self.under_way.pop(key, None)
                    self.asked.pop(key, None)
                    self.replies.pop(key, None)
                    self.repeats.discard(key)
            case NodeLog():
                self.logs.setdefault((event.node_id, event.at), []).append(event)
            case TextChunk():
                self.told.append(event)
            case TextReplace():
                _withdraw(self.told, event)
            case RoundsStarted():
                self.begun[event.node_id, event.at] = event
            case RoundStarted():
                self.rounds.setdefault((event.node_id, event.at), {})[event.index] = event
            case RoundFinished():
                if event.error is not None:
                    self.round_errors.setdefault((event.node_id, event.at), {})[event.index] = event.error
            case HumanInputRequired() | RepeatRequired():
                self.asked[event.node_id, event.at] = event
            case HumanInputReceived():
                self.replies[event.node_id, event.at] = event.reply
            case HumanInputTimedOut():
                self.replies[event.node_id, event.at] = {"timeout": True, "rendered_content": event.content}
            case RepeatAllowed():
                self.repeats.add((event.node_id, event.at))
            case WorkflowStarted():
                self.started = self.started or event
                self.last = None
            case WorkflowFinished() | WorkflowPaused():
                self.last = event
            case NodeRetry() | RoundsFinished():
                pass

    def without(self, plan: Plan, node_id: str, at: At = ()) -> State:
        """As if this node, and all that follows from it, had not run: where a fork begins.

        `at`: which round, where the node lies in a container: what follows in the round goes, the container, what
        follows it, and a loop's later rounds."""
        fork = _Fork(plan, node_id, at)

        def kept(table: dict[Key, _T], *, path: bool = False) -> dict[Key, _T]:
            return {key: value for key, value in table.items() if fork.keeps(key, path=path)}

        return replace(
            self,
            finished=kept(self.finished),
            under_way={},
            logs={},
            begun=kept(self.begun, path=True),
            rounds={
                key: {index: event for index, event in begun.items() if fork.keeps_round(key, index)}
                for key, begun in kept(self.rounds, path=True).items()
            },
            round_errors={
                key: {index: error for index, error in errors.items() if fork.keeps_error(key, index)}
                for key, errors in kept(self.round_errors, path=True).items()
            },
            asked={},
            replies={},
            repeats=set(),
            told=[chunk for chunk in self.told if not chunk.within or fork.keeps_told(chunk.within, chunk.at)],
            last=None,
        )

    def with_outputs(self, node_id: str, outputs: dict[str, Any], at: At = ()) -> State:
        """As if this finished node had given other outputs. Raises KeyError when it is not finished."""
        end = self.finished[node_id, at]
        changed = NodeFinished(**{name: getattr(end, name) for name in end.__struct_fields__} | {"outputs": outputs})
        return replace(self, finished={**self.finished, (node_id, at): changed})


def replay(events: Iterable[Event]) -> State:
    """The state of a run after `events`, its events from the first on, in order."""
    state = State()
    for event in events:
        state.add(event)
    return state


def _withdraw(told: list[TextChunk], event: TextReplace) -> None:
    """Takes back the last `dropped` pieces of one scope's answers."""
    left = event.dropped
    for position in range(len(told) - 1, -1, -1):
        if not left:
            return
        if told[position].at == event.at and told[position].within == event.within:
            del told[position]
            left -= 1


class _Fork:
    """Which executions a fork at one node leaves standing."""

    def __init__(self, plan: Plan, node_id: str, at: At) -> None:
        self._plan = plan
        self._at = at
        self._path = plan.containers.get(node_id, ())[: len(at)]
        self._gone = [_followers(plan, container) - {container} for container in self._path]
        self._gone.append(_followers(plan, node_id))

    def keeps(self, key: Key, *, path: bool = False) -> bool:
        """`path`: the containers around the fork are kept too, as having begun."""
        chain = (*self._plan.containers.get(key[0], ()), key[0])
        for depth, name in enumerate(chain):
            if depth >= len(self._gone):
                return True
            if name in self._gone[depth]:
                return False
            if depth >= len(self._path) or name != self._path[depth]:
                return True
            if depth == len(chain) - 1:
                return path
            if not self._keeps_index(name, depth, key[1][depth]):
                return False
            if key[1][depth] != self._at[depth]:
                return True
        return True

    def keeps_round(self, container: Key, index: int) -> bool:
        depth = len(container[1])
        is_on_path = depth < len(self._path) and self._path[depth] == container[0] and container[1] == self._at[:depth]
        return not is_on_path or self._keeps_index(container[0], depth, index)

    def keeps_told(self, container: str, at: At) -> bool:
        return self.keeps((container, at[:-1]), path=True) and self.keeps_round((container, at[:-1]), at[-1])

    def keeps_error(self, container: Key, index: int) -> bool:
        depth = len(container[1])
        is_on_path = depth < len(self._path) and self._path[depth] == container[0] and container[1] == self._at[:depth]
        return not is_on_path or index != self._at[depth]

    def _keeps_index(self, container: str, depth: int, index: int) -> bool:
        """A loop's later rounds follow from this one; an iteration's do not."""
        return index <= self._at[depth] or self._plan.nodes[container].type != "loop"


def _followers(plan: Plan, node_id: str) -> set[str]:
    """A node and those its edges lead to, in its scope."""
    found = {node_id}
    node = plan.nodes.get(node_id)
    above = plan.containers.get(node_id, ())
    scope = plan.nodes[above[-1]].inner if above else plan.scope
    todo = [node] if node and scope else []
    while todo and scope:
        for edge in todo.pop().outgoing:
            target = scope.nodes[edge.target]
            if target.id not in found:
                found.add(target.id)
                todo.append(target)
    return found
