"""LoRA adapters of a managed model server: loaded while it runs, and again whenever it starts.

The protocol is vLLM's: POST /v1/load_lora_adapter and /v1/unload_lora_adapter.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from llmflow.errors import OrganError, UsageError
from llmflow.managed.folder import Wanted
from llmflow.managed.servers import Servers
from llmflow.net.client import HttpClient, Response

_LOAD_S = 120.0


@dataclass(frozen=True, slots=True)
class Adapters:
    servers: Servers
    http: HttpClient

    async def load(self, name: str, adapter: str, path: Path) -> None:
        """Serves `adapter`, a folder with a LoRA adapter of the served model, as a model of that name; in the place of
        one that had it. Kept for later starts.

        Raises UsageError (adapter_refused) for what is none or a server that takes none, and what `address` raises."""
        if not self.servers.recipe(name).adapters_option:
            raise UsageError(f"{self.servers.recipe(name).title} takes no adapters.", code="adapter_refused")
        if not path.is_absolute():
            raise UsageError("The path must begin at the root.", code="adapter_refused", param="path")
        body: dict[str, str | bool] = {"lora_name": adapter, "lora_path": str(path), "load_inplace": True}
        await self._send(name, "load_lora_adapter", body)
        kept = self.servers.folder(name).wanted()
        self._keep(name, kept.adapters | {adapter: str(path)})

    async def unload(self, name: str, adapter: str) -> None:
        """Serves it no longer. Raises UsageError (adapter_refused) where there is none of that name."""
        self.servers.recipe(name)
        kept = self.servers.folder(name).wanted()
        if adapter not in kept.adapters:
            raise UsageError(f"{name} serves no adapter '{adapter}'.", code="adapter_refused", param="adapter")
        self._keep(name, {one: path for one, path in kept.adapters.items() if one != adapter})
        if self.servers.is_running(name):
            await self._send(name, "unload_lora_adapter", {"lora_name": adapter})

    async def _send(self, name: str, path: str, body: dict[str, str | bool]) -> None:
        address = self.servers.address(name)
        answer = await self.http.request(
            "POST",
            f"{address.url}/v1/{path}",
            headers={"Authorization": f"Bearer {address.api_key}"},
            json=body,
            timeout_s=_LOAD_S,
        )
        if answer.status in (400, 404):
            raise UsageError(f"{name} refused the adapter: {_words(answer)}", code="adapter_refused", param="path")
        if answer.status != 200:
            raise OrganError(f"{name} answered {answer.status}: {_words(answer)}", code="model_failed")

    def _keep(self, name: str, adapters: dict[str, str]) -> None:
        folder = self.servers.folder(name)
        wanted = folder.wanted()
        folder.set_wanted(Wanted(running=wanted.running, chosen=wanted.chosen, adapters=adapters))


class _Error(msgspec.Struct):
    message: str = ""


class _Refusal(msgspec.Struct):
    error: _Error = msgspec.field(default_factory=_Error)


def _words(answer: Response) -> str:
    """The server's own message, where there is one."""
    try:
        return msgspec.json.decode(answer.body, type=_Refusal).error.message
    except (msgspec.DecodeError, UnicodeDecodeError):
        return answer.body[:200].decode("utf-8", "replace")
