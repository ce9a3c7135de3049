"""Decides what starts next: pure, without time and without waiting.

A node starts when each of its incoming edges is settled and at least one was taken; when none was, it is skipped, and
so are the edges behind it. A node that finished takes the edges of one handle and leaves the others untaken.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from llmflow.workflow.graph import Node, Scope

PENDING, STARTED, FINISHED, SKIPPED = range(4)


@dataclass(slots=True)
class Step:
    """What follows from one occurrence, in order: nodes to start, nodes skipped, edges taken (indices)."""

    start: list[int] = field(default_factory=list)
    skipped: list[int] = field(default_factory=list)
    taken: list[int] = field(default_factory=list)


class Progress:
    """How far a scope has come. `waits`: edges that each node still waits for; `hot`: was one of them taken?"""

    __slots__ = ("hot", "nodes", "waits")

    def __init__(self, scope: Scope) -> None:
        self.waits = list(scope.waits)
        self.hot = bytearray(len(scope.nodes))
        self.nodes = bytearray(len(scope.nodes))


def begin(scope: Scope, progress: Progress, start: int | None = None) -> Step:
    """Starts at `start`, or at the scope's first; the other starts are skipped. One with incoming edges is in a circle
    and is started all the same."""
    step = Step()
    first = scope.start if start is None else start
    if first is None:
        return step
    progress.nodes[first] = STARTED
    step.start.append(first)
    others = [index for index in scope.starts if index != first]
    for index in others:
        progress.nodes[index] = SKIPPED
        step.skipped.append(index)
    _pass_over(scope, progress, step, others)
    return step


def finish(scope: Scope, progress: Progress, node: Node, handle: str) -> Step:
    """The node ended and takes the edges of `handle`."""
    step = Step()
    progress.nodes[node.index] = FINISHED
    untaken: list[int] = []
    for edge in node.outgoing:
        if edge.handle == handle:
            step.taken.append(edge.index)
            progress.hot[edge.target] = 1
        _settle(progress, edge.target, step, untaken)
    _pass_over(scope, progress, step, untaken)
    return step


def _pass_over(scope: Scope, progress: Progress, step: Step, untaken: list[int]) -> None:
    """Nothing comes from these nodes: what they alone lead to is skipped, too."""
    while untaken:
        for edge in scope.nodes[untaken.pop(0)].outgoing:
            _settle(progress, edge.target, step, untaken)


def _settle(progress: Progress, target: int, step: Step, untaken: list[int]) -> None:
    """One more edge of `target` is settled."""
    progress.waits[target] -= 1
    if progress.waits[target] or progress.nodes[target] != PENDING:
        return
    if progress.hot[target]:
        progress.nodes[target] = STARTED
        step.start.append(target)
    else:
        progress.nodes[target] = SKIPPED
        step.skipped.append(target)
        untaken.append(target)


def stuck(scope: Scope, progress: Progress) -> list[int]:
    """Nodes that were reached but wait for each other: they lie in a circle. Asked when nothing runs any more."""
    return [node.index for node in scope.nodes if progress.nodes[node.index] == PENDING and progress.hot[node.index]]
