"""Puts the text of answers in order: a model's words flow as they come, if all that stands before them is out.

An answer's template may be told once its node is sure to be reached. One template is told at a time, in its order;
the others wait for their turn. A part that names a node's output waits for the node, or flows with it; a part whose
node is skipped is nothing. What an answer did not tell before its node runs, it tells then.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from llmflow.workflow.engine.schedule import FINISHED, SKIPPED, Progress
from llmflow.workflow.graph import Scope, Script
from llmflow.workflow.variables import Pool, markdown_of

Say = Callable[[str, tuple[str, ...]], None]
"""(text, the selector it comes from): a piece goes out."""


class Speech:
    """The answers of one scope, once through. `flush` after each change; what can be told goes to `say`."""

    def __init__(self, scope: Scope, progress: Progress, pool: Pool, say: Say) -> None:
        self._scope = scope
        self._progress = progress
        self._pool = pool
        self._say = say
        self._ids = {node.id: node.index for node in scope.nodes}
        self._turns: deque[Script] = deque(script for script in scope.scripts if script.certain)
        self._unsure = [script for script in scope.scripts if not script.certain]
        self._part = 0
        self._streams: dict[tuple[str, ...], list[str]] = {}
        self._told: dict[tuple[str, ...], int] = {}  # pieces of the stream that the part under way has told

    def take(self, edges: list[int]) -> None:
        """Edges were taken: an answer may be sure now."""
        if self._unsure and edges:
            taken = set(edges)
            sure = [script for script in self._unsure if not script.gates.isdisjoint(taken)]
            for script in sure:
                self._unsure.remove(script)
                self._turns.append(script)

    def piece(self, node_id: str, name: str, text: str) -> None:
        """A node's output flows."""
        self._streams.setdefault((node_id, name), []).append(text)
        self.flush()

    def finished(self, node_id: str) -> None:
        """The node has its outcome: a stream of which nothing was told gives way to it."""
        for key in [key for key in self._streams if key[0] == node_id and not self._told.get(key)]:
            del self._streams[key]

    def forget(self, node_id: str) -> int:
        """A node's stream broke off and begins anew, or is replaced. How many pieces of it were told."""
        told = 0
        for key in [key for key in self._streams if key[0] == node_id]:
            del self._streams[key]
            told += self._told.pop(key, 0)
        return told

    def flush(self, running: int = -1) -> None:
        """Tells what can be told. `running`: an answer node about to end, whose template is told whole if it is its
        turn."""
        while self._turns:
            script = self._turns[0]
            is_last_chance = running == script.node or self._progress.nodes[script.node] == FINISHED
            while self._part < len(script.parts):
                if not self._tell(script, script.parts[self._part], is_last_chance):
                    return
                self._part += 1
            self._turns.popleft()
            self._part = 0

    def _tell(self, script: Script, part: str | tuple[str, ...], is_last_chance: bool) -> bool:
        """True: the part is out and the next may follow."""
        if isinstance(part, str):
            self._say(part, (self._scope.nodes[script.node].id, "answer"))
            return True
        index = self._ids.get(part[0])
        state = self._progress.nodes[index] if index is not None else FINISHED
        stream = self._streams.get(part)
        if stream is not None:
            for text in stream[self._told.get(part, 0) :]:
                self._say(text, part)
            self._told[part] = len(stream)
            if state != FINISHED:
                return is_last_chance
            self._told[part] = 0  # a template may name it again
            return True
        if state == FINISHED:
            text = markdown_of(self._pool.get(part))
            if text:
                self._say(text, part)
            return True
        return state == SKIPPED or is_last_chance
