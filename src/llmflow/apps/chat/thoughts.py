"""An agent's rounds as its reader sees them: what it thought, which tools it used, what they answered."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from llmflow.apps.types import Thought
from llmflow.workflow.events import NodeLog
from llmflow.workflow.types import ROUND, STEP, THOUGHT, TOOL


class Thoughts:
    """Those of one message, in their order."""

    def __init__(self) -> None:
        self._found: dict[str, Thought] = {}  # by round
        self._given: dict[str, dict[str, Any]] = {}  # by round: what each tool was given
        self._answers: dict[str, dict[str, str]] = {}

    @property
    def all(self) -> Sequence[Thought]:
        return list(self._found.values())

    def take(self, log: NodeLog) -> Thought | None:
        """The thought that a step adds to, as it is now; None for a step of something else."""
        kind = log.data.get(STEP)
        round = log.log_id if kind == ROUND else log.parent_id or ""
        if kind not in (ROUND, THOUGHT, TOOL):
            return None
        before = self._found.get(round)
        if before is None:
            before = Thought(round, len(self._found) + 1, created_at=int(log.created_at * 1000))
            self._found[round] = before
            if kind == ROUND:
                return before
        elif kind == ROUND:
            return None  # its end says nothing new
        now = self._spoken(before, log) if kind == THOUGHT else self._used(before, log)
        self._found[round] = now
        return now if now != before else None

    def _spoken(self, before: Thought, log: NodeLog) -> Thought:
        if log.status != "success":
            return before
        said = log.data.get("thought") or log.data.get("reasoning") or log.data.get("output") or ""
        calls = log.data.get("tool_calls") or ()
        given = {str(call["name"]): call["arguments"] or call["given"] for call in calls}
        self._given[before.id] = given
        return replace(
            before,
            thought=str(said),
            tool=";".join(given),
            tool_input=json.dumps(given, ensure_ascii=False) if given else "",
        )

    def _used(self, before: Thought, log: NodeLog) -> Thought:
        name = str(log.data.get("tool_name") or "")
        label = str(log.data.get("tool_label") or name)
        labels = {**before.tool_labels, name: {"en_US": label, "ko_KR": label}}
        if log.status == "start":
            return replace(before, tool_labels=labels)
        answers = self._answers.setdefault(before.id, {})
        answers[name] = str(log.data.get("output") or "")
        made = [str(file["related_id"]) for file in log.data.get("files") or () if file.get("related_id")]
        return replace(
            before,
            tool_labels=labels,
            observation=json.dumps(answers, ensure_ascii=False),
            files=[*before.files, *made],
        )
