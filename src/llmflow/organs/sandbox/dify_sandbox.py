"""Code on a dify-sandbox server: `POST /v1/sandbox/run`, for whoever has one already or has no namespaces here.

The server runs a whole program and gives back what it printed. So the code is sent with a few lines after it, which
call `main` and print its result between two marks that nobody can guess before.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import secrets
from typing import Any

import msgspec

from llmflow.errors import LLMFlowError, NodeFailed, OrganError
from llmflow.net.client import HttpClient, Response
from llmflow.ports.health import Health
from llmflow.ports.sandbox import Code, Ran

_LANGUAGES = {"python3": "python3", "javascript": "nodejs"}
_PYTHON = """

def _llmflow_call():
    import base64, json
    inputs = json.loads(base64.b64decode("{inputs}").decode("utf-8"))
    return json.dumps(main(**inputs), allow_nan=False)
print("{mark}" + _llmflow_call() + "{mark}")
"""
_JAVASCRIPT = """
;(async () => {{
  const inputs = JSON.parse(Buffer.from("{inputs}", "base64").toString("utf-8"));
  const result = await main(inputs);
  console.log("{mark}" + (JSON.stringify(result) ?? "null") + "{mark}");
}})().catch((error) => {{ console.error(error && error.stack || String(error)); process.exitCode = 1; }});
"""
_PYTHON_PLACE = re.compile(r'File "(<[^"]*>)", line (\d+)(?:, in (\S+))?')  # the server's own files have real names
_JAVASCRIPT_PLACE = re.compile(r":(\d+):\d+\)?\s*$", re.MULTILINE)
_ERROR_LINE = re.compile(r"^\w*(?:Error|Exception|Interrupt|Exit|Warning)\b.*|^Uncaught .*")
_MOST_PRINTED = 16_384
_MOST_WORDS = 2000
_BUSY = (-429, -503)
_TRIES = 4
_PROBE = Code("python3", "def main(a):\n    return {'b': a}", {"a": 1})


class _Data(msgspec.Struct):
    """Older servers tell no exit code and put all of standard error into `error`."""

    stdout: str = ""
    error: str = ""


class _Answer(msgspec.Struct):
    code: int
    message: str = ""
    data: _Data | None = None


class DifySandbox:
    """`network`: let code reach the network, where the server's own configuration allows it."""

    def __init__(
        self, *, url: str, http: HttpClient, api_key: str = "dify-sandbox", network: bool = False, seconds: float = 60.0
    ) -> None:
        self._url, self._http, self._key = url.rstrip("/"), http, api_key
        self._network, self._seconds = network, seconds

    async def run(self, code: Code) -> Ran:
        mark = f"<<{secrets.token_hex(16)}>>"
        inputs = base64.b64encode(msgspec.json.encode(code.inputs)).decode()
        after = (_PYTHON if code.language == "python3" else _JAVASCRIPT).format(inputs=inputs, mark=mark)
        sent = {
            "language": _LANGUAGES[code.language],
            "code": code.source + after,
            "preload": "",
            "enable_network": self._network,
        }
        data = await self._asked(sent)
        return _read(data, mark, code)

    async def _asked(self, sent: dict[str, Any]) -> _Data:
        """Asks again for a while where the server is busy. Raises OrganError."""
        for tried in range(_TRIES):
            response = await self._http.request(
                "POST",
                f"{self._url}/v1/sandbox/run",
                headers={"X-Api-Key": self._key},
                json=sent,
                timeout_s=self._seconds,
            )
            answer = self._decoded(response)
            if answer.code == 0 and answer.data is not None:
                return answer.data
            if answer.code not in _BUSY or tried == _TRIES - 1:
                break
            await asyncio.sleep(0.2 * 2**tried)
        message = f"The sandbox server at {self._url} refused: {answer.message[:300]}"
        raise OrganError(message, code="sandbox_unavailable", hint="Look at that server's configuration and log.")

    def _decoded(self, response: Response) -> _Answer:
        if response.status == 401:
            message = f"The sandbox server at {self._url} does not take the key."
            raise OrganError(
                message, code="sandbox_unavailable", hint="Set organs.sandbox.api_key to that server's key."
            )
        try:
            return msgspec.json.decode(response.body, type=_Answer)
        except msgspec.MsgspecError as error:
            message = f"{self._url} answers {response.status}, and not as a sandbox server does."
            hint = "Check organs.sandbox.url: /v1/sandbox/run must be under it."
            raise OrganError(message, code="sandbox_unavailable", hint=hint) from error

    async def health(self) -> Health:
        try:
            ran = await self.run(_PROBE)
        except LLMFlowError as error:
            return Health(ok=False, where=self._url, detail=error.message, hint=error.hint)
        return Health(ok=ran.result == {"b": 1}, where=self._url, version="dify-sandbox")

    async def close(self) -> None:
        """The client is shared; there is nothing else to close."""


def _read(data: _Data, mark: str, code: Code) -> Ran:
    before, found, rest = data.stdout.partition(mark)
    body, ended, _ = rest.partition(mark)
    if found and ended:
        try:
            return Ran(json.loads(body), before[:_MOST_PRINTED])
        except (ValueError, RecursionError) as error:
            raise NodeFailed("The code wrote an answer of its own that is none.", code="code_failed") from error
    process_data = {"printed": data.stdout[:_MOST_PRINTED]} if data.stdout else {}
    text = data.error.strip()
    if re.search(r"^error: timeout$", text, re.MULTILINE):
        raise NodeFailed("The code took longer than the sandbox server allows.", code="code_timeout")
    if "MemoryError" in text:
        raise NodeFailed("The code needed more memory than the sandbox server allows.", code="code_memory")
    if not text:
        raise NodeFailed("The code left before main returned.", code="code_failed", process_data=process_data)
    message, lines = _error(text, code)
    if "is not JSON serializable" in message or "not JSON compliant" in message:
        message, failed = f"main returned something that is no JSON: {message}", "code_output"
    else:
        failed = "code_failed"
    raise NodeFailed((message + lines)[:_MOST_WORDS], code=failed, process_data=process_data)


def _error(text: str, code: Code) -> tuple[str, str]:
    """The error's own line, and the lines of the code where it was, outermost first."""
    source = code.source.splitlines()
    messages = [line.strip() for line in text.splitlines() if _ERROR_LINE.match(line.strip())]
    if code.language == "python3":
        message = messages[-1] if messages else text.splitlines()[-1].strip()
        found = _PYTHON_PLACE.findall(text)
        places = [(int(number), name) for file, number, name in found if file == found[-1][0]]
    else:
        message = messages[0] if messages else text.splitlines()[0].strip()
        places = [(int(number), "") for number in _JAVASCRIPT_PLACE.findall(text)][::-1]
    if message.startswith("NameError: name 'main'") or message.startswith("ReferenceError: main is"):
        return "The code has no function called main.", ""
    shown = [
        f"\n  line {number}{f', in {name}' if name and name != '<module>' else ''}\n      {source[number - 1].strip()}"
        for number, name in places
        if 0 < number <= len(source)
    ]
    return message, "".join(shown[-8:])
