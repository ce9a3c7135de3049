"""The way to the running server: its address and token stand in the home it runs on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx
import msgspec

from llmflow import home as homes
from llmflow.config.load import home_folder
from llmflow.errors import LLMFlowError, OrganError, Unauthorized

_SILENT_S = 300.0  # a first answer may have to wait until a model is loaded


class Server:
    """A client of the console API, for one command. Every call raises the server's own coded error, or
    OrganError (server_unreachable)."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self._http = httpx.Client(
            base_url=f"{url}/api/v1",
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(_SILENT_S, connect=5.0),
            trust_env=False,  # it is on this machine: no proxy stands between
        )

    def call(self, method: str, path: str, *, json: Any = None, content: bytes | None = None, **query: Any) -> Any:
        """One exchange; the JSON of the answer, None where it has no body. `content`: a body that is no JSON."""
        headers = {}
        if json is not None:
            content, headers = msgspec.json.encode(json), {"Content-Type": "application/json"}
        with self._reaching():
            response = self._http.request(
                method, path, content=content, headers=headers, params={k: v for k, v in query.items() if v is not None}
            )
            return _checked(response)

    def text(self, path: str, **query: Any) -> str:
        """GETs what is no JSON, such as a DSL file."""
        with self._reaching():
            response = self._http.get(path, params={k: v for k, v in query.items() if v is not None})
            return response.text if response.is_success else str(_checked(response))

    def upload(self, path: str, file: Path) -> Any:
        """PUTs the file's bytes as they are read. Raises OSError for a file that cannot be read."""
        with file.open("rb") as content, self._reaching():
            return _checked(self._http.put(path, content=content))

    def events(self, path: str, *, json: Any = None) -> Iterator[Any]:
        """POSTs, or GETs without `json`, and yields the `data:` of each server-sent event as it comes."""
        content, headers = None, {}
        if json is not None:
            content, headers = msgspec.json.encode(json), {"Content-Type": "application/json"}
        with (
            self._reaching(),
            self._http.stream("GET" if json is None else "POST", path, content=content, headers=headers) as response,
        ):
            if response.status_code >= 400:
                response.read()
                _checked(response)
            for line in response.iter_lines():
                if line.startswith("data:"):
                    yield msgspec.json.decode(line[5:])

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except httpx.ConnectError as error:
            raise OrganError(f"Nothing answers at {self.url}.", code="server_unreachable") from error
        except httpx.TimeoutException as error:
            message = f"The server at {self.url} was silent for too long."
            raise OrganError(message, code="server_unreachable", hint="Look at its log.") from error
        except httpx.HTTPError as error:
            message = f"The connection to {self.url} broke: {error or type(error).__name__}."
            raise OrganError(message, code="server_unreachable") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()


def connect(home: Path | None) -> Server:
    """The server that runs on this home. Raises OrganError (server_unreachable) when none does."""
    folder = home_folder(home)
    found = homes.running(folder)
    if found is None:
        raise OrganError(f"No LLMFlow is running on the home {folder}.", code="server_unreachable")
    try:
        token = homes.read_token(folder)
    except PermissionError as error:
        message = f"The command line's token in {folder} belongs to another user."
        raise Unauthorized(message, hint="Run the command as the user that started LLMFlow.") from error
    if token is None:
        raise Unauthorized(f"The command line's token in {folder} is gone.", hint="Start LLMFlow again: it makes one.")
    return Server(found.url, token)


def part(name: str) -> str:
    """A name as one part of a path, whatever letters it has."""
    return quote(name.encode("utf-8", "surrogateescape"), safe="")


def _checked(response: httpx.Response) -> Any:
    """The answer's JSON, or its error raised."""
    try:
        body = msgspec.json.decode(response.content) if response.content else None
    except msgspec.DecodeError:
        body = None
        if response.is_success:
            raise OrganError(
                f"{response.url.host}:{response.url.port} is not an LLMFlow.", code="server_unreachable"
            ) from None
    if response.is_success:
        return body
    found = body.get("error") if isinstance(body, dict) else None
    if not isinstance(found, dict):
        raise LLMFlowError(f"The server answered {response.status_code}.")
    raise LLMFlowError(
        str(found.get("message", "")),
        code=str(found.get("code", "internal_error")),
        hint=found.get("hint"),
        param=found.get("param"),
    )
