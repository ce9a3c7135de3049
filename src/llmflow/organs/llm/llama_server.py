"""The child process that runs llama.cpp's server: `python -m llmflow.organs.llm.llama_server`.

One JSON line comes in on stdin (`Start`), one goes out on stdout (`Started`); logs go to stderr. It serves until
stdin ends, so it never outlives the process that started it, not even one that was killed.

A process of its own because llama.cpp's Python binding holds the interpreter's lock while it loads a model, takes
over SIGINT and SIGTERM, and aborts the process on a failed assertion.
"""

from __future__ import annotations

import os
import sys

import msgspec
import xllamacpp


class Start(msgspec.Struct, frozen=True):
    """What to serve. `api_key`: the only key it answers to; `threads`: at least 1."""

    path: str
    model: str
    context_tokens: int
    threads: int
    gpu_layers: int
    api_key: str


class Started(msgspec.Struct, frozen=True, omit_defaults=True):
    """`url` when it serves, else `error`: what the runtime said."""

    url: str = ""
    error: str = ""


#: Tokens read between two looks at whether anybody still waits: small, so that an abandoned prompt ends soon.
BATCH = 128


#: Memory for the beginnings of earlier conversations, so that their next turn need not be read from the start.
CACHE_MB = 256
#: Requests it holds at once: one is answered, the others wait their turn; each holds a thread. More wait with us.
WAITING = 16


def main() -> None:
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # whatever the library prints goes to the log
    start = msgspec.json.decode(sys.stdin.buffer.readline(), type=Start)
    try:
        server = _serve(start)
    except (RuntimeError, ImportError) as error:
        answers.write(msgspec.json.encode(Started(error=str(error))) + b"\n")
        os._exit(1)
    answers.write(msgspec.json.encode(Started(url=server.listening_address)) + b"\n")
    sys.stdin.buffer.read()
    os._exit(0)


def _serve(start: Start) -> xllamacpp.Server:
    params = xllamacpp.CommonParams()
    params.model.path = start.path
    params.model_alias = {start.model}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [start.api_key]
    params.ui = False
    params.offline = True
    params.n_parallel = 1  # one answer at a time, in order of arrival: the whole context and all threads for each
    params.n_threads_http = WAITING + 8
    params.n_ctx = start.context_tokens
    params.n_batch = params.n_ubatch = BATCH
    params.n_gpu_layers = start.gpu_layers
    params.fit_params = False
    params.cache_ram_mib = CACHE_MB
    params.cpuparams.n_threads = start.threads
    params.cpuparams_batch.n_threads = start.threads
    params.warmup = False
    params.verbosity = 2
    return xllamacpp.Server(params)


if __name__ == "__main__":
    main()
