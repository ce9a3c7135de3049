"""The models of llmflow.yaml and what serves models beside the organ: connected servers, those that LLMFlow runs."""

from __future__ import annotations

import time

from llmflow import catalog
from llmflow.config.settings import Settings
from llmflow.errors import ConfigError, UsageError
from llmflow.gateway.gateway import DEFAULT, Gateway
from llmflow.gateway.routes import Route, read_route
from llmflow.gateway.types import Address
from llmflow.managed import shelf
from llmflow.managed.look import place
from llmflow.managed.servers import Servers
from llmflow.net.client import HttpClient
from llmflow.net.direct import DirectClient
from llmflow.ports.llm import Llm
from llmflow.store.crypto import Cipher

_CONNECTED_S = 120.0  # without an answer, or its next piece, of a connected model server
_LOOK_S = 60.0


def routes_of(settings: Settings) -> dict[str, Route]:
    """Those of llmflow.yaml. Raises ConfigError."""
    try:
        return {name: read_route(name, given) for name, given in settings.models.items()}
    except UsageError as error:
        message = f"{settings.file}: {error.message}"
        raise ConfigError(message, code="setting_value", param=error.param) from error


class UnusedModelServer:
    """Names a model server that runs on this machine while the embedded model answers; looks at most once a minute."""

    def __init__(self, settings: Settings, http: HttpClient, gateway: Gateway) -> None:
        self._is_embedded = settings.organs["llm"].use == "llama_cpp"
        self._gateway = gateway
        self._http = http
        self._name = ""
        self._until = 0.0

    async def __call__(self) -> str:
        if self._gateway.servers.preferred != DEFAULT:
            return ""
        if self._is_embedded and time.monotonic() >= self._until:
            from llmflow.organs.llm.discover import discover

            found = await discover(self._http)
            self._name = f"{found[0].kind} ({found[0].url})" if found else ""
            self._until = time.monotonic() + _LOOK_S
        return self._name


def connected(http: HttpClient, direct: DirectClient, address: Address) -> Llm:
    """The adapter for a model server that somebody connected."""
    from llmflow.organs.llm.anthropic import AnthropicLlm
    from llmflow.organs.llm.gemini import GeminiLlm
    from llmflow.organs.llm.openai import OpenAILlm, base_url

    if address.kind != "openai":
        base_url(address.url)  # raises for what is no address
        made: type[AnthropicLlm | GeminiLlm] = AnthropicLlm if address.kind == "anthropic" else GeminiLlm
        return made(
            url=address.url,
            model=address.model,
            api_key=address.api_key,
            context_tokens=address.context_tokens,
            timeout_s=_CONNECTED_S,
            http=http,
        )
    return OpenAILlm(
        url=address.url,
        model=address.model,
        api_key=address.api_key,
        context_tokens=address.context_tokens,
        timeout_s=_CONNECTED_S,
        http=http,
        direct=direct,
    )


def managed_servers(settings: Settings, cipher: Cipher) -> Servers:
    """The servers that LLMFlow can run; those that an organ of llmflow.yaml uses get what stands beside `use`."""
    recipes = shelf.recipes(settings.managed.recipes)
    pinned: dict[str, dict[str, str | int]] = {}
    for port, name in managed(settings).items():
        known = {choice.name for choice in recipes[name].choices}
        given = settings.organs[port].options.items()
        pinned[name] = {option: value for option, value in given if option in known and value != ""}
    return Servers(place(settings.managed.path, settings.home), cipher, recipes, pinned=pinned)


def managed(settings: Settings) -> dict[str, str]:
    """The ports whose organ is a server that LLMFlow runs, with the server's name."""
    found = {port: catalog.find(port, organ.use) for port, organ in settings.organs.items()}
    return {port: adapter.server for port, adapter in found.items() if adapter is not None and adapter.server}


def serve_managed(servers: Servers, gateway: Gateway, http: HttpClient, direct: DirectClient, name: str) -> None:
    """A model server that somebody started serves its models beside the organ of llmflow.yaml, while it runs."""
    if "llm" not in servers.recipe(name).ports or name in servers.pinned:
        return
    is_served = name in gateway.servers.names
    if servers.is_running(name) and not is_served:
        from llmflow.organs.llm.vllm import VllmLlm

        llm = VllmLlm(servers=servers.server, server=name, http=http, direct=direct, timeout_s=_CONNECTED_S)
        gateway.servers.serve(name, llm)
    elif is_served and not servers.is_running(name):
        gateway.servers.drop(name)
