"""The tools of an agent: found by what its settings name, under names of their own."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llmflow.errors import NodeFailed
from llmflow.tools.kit import Kit, Ready
from llmflow.tools.types import ToolAnswer, ToolRef
from llmflow.workflow.data import Lenient

_LONGEST_NAME = 64
_ODD = re.compile(r"[^A-Za-z0-9_-]+")


class ToolSetting(Lenient):
    """One tool in an agent's settings. `settings`: what whoever built the app filled in; `parameters`: each left to the
    model ({"auto": 1}) or filled in as well."""

    enabled: bool = True
    type: str = ""
    provider_type: str = ""
    provider_id: str = ""
    provider_name: str = ""
    tool_name: str = ""
    tool_label: str = ""
    credential_id: str = ""
    settings: dict[str, Any] | None = None
    parameters: dict[str, Any] | None = None
    extra: dict[str, Any] | None = None

    @property
    def ref(self) -> ToolRef:
        return ToolRef(
            self.provider_type or self.type or "builtin",
            self.provider_id or self.provider_name,
            self.tool_name,
            provider_name=self.provider_name,
            credential_id=self.credential_id,
        )


@dataclass(frozen=True, slots=True)
class Offered:
    """A tool as a model knows it. `given`: parameters that are filled in already, which it is not asked for."""

    name: str
    label: str
    description: str
    ready: Ready
    given: Mapping[str, Any] = field(default_factory=dict)

    @property
    def schema(self) -> dict[str, Any]:
        """Of the arguments the model is asked for."""
        asked = self.ready.spec.asked()
        properties = {name: value for name, value in asked.get("properties", {}).items() if name not in self.given}
        required = [name for name in asked.get("required", ()) if name not in self.given]
        return {"type": "object", **asked, "properties": properties, "required": required}

    async def call(self, arguments: Mapping[str, Any]) -> ToolAnswer:
        return await self.ready.call({**arguments, **self.given})


async def offered(kit: Kit, settings: Sequence[ToolSetting]) -> list[Offered]:
    """Those that are on. Raises NodeFailed (tool_unknown) for one that is not here, before any model is asked."""
    found: list[Offered] = []
    taken: set[str] = set()
    for setting in settings:
        if not setting.enabled:
            continue
        ready = await kit.find(setting.ref)
        name = _free(ready.spec.name, setting.ref.provider_name or setting.ref.provider_id, taken)
        taken.add(name)
        note = str((setting.extra or {}).get("description") or "").strip()
        label = setting.tool_label or ready.spec.words.en or name
        found.append(Offered(name, label, note or ready.spec.description, ready, _given(setting)))
    return found


def _free(name: str, provider: str, taken: set[str]) -> str:
    """Two providers may have tools of one name."""
    if name not in taken:
        return name
    wanted = _ODD.sub("_", f"{provider}_{name}")[:_LONGEST_NAME]
    number = 2
    while wanted in taken:
        wanted = f"{wanted[: _LONGEST_NAME - 4]}_{number}"
        number += 1
    return wanted


def _given(setting: ToolSetting) -> dict[str, Any]:
    found = {name: _value(value) for name, value in (setting.settings or {}).items()}
    for name, value in (setting.parameters or {}).items():
        if isinstance(value, Mapping) and value.get("auto") in (1, True, "1"):
            continue
        found[name] = _value(value)
    return {name: value for name, value in found.items() if value not in (None, "")}


def _value(value: Any) -> Any:
    """Editors wrap values: {"value": {"type": "constant", "value": 5}}."""
    while isinstance(value, Mapping) and "value" in value:
        value = value["value"]
    return None if isinstance(value, Mapping) and set(value) <= {"type", "auto"} else value


def settings_of(value: Any) -> list[ToolSetting]:
    """What an agent's parameter `tools` holds. Raises NodeFailed for anything but a list of tools."""
    if isinstance(value, str) and value.strip():
        try:
            value = json.loads(value)
        except json.JSONDecodeError as error:
            raise NodeFailed("The agent's tools are no list.", code="node_invalid") from error
    if not isinstance(value, list | None | str) or not all(isinstance(item, dict) for item in value or ()):
        raise NodeFailed("The agent's tools are no list.", code="node_invalid")
    return [ToolSetting.model_validate(item) for item in value or ()]
