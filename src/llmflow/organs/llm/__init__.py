"""Language models. Adapters: `llama_cpp` (embedded), `vllm` (managed), `openai`, `anthropic`, `gemini` (remote),
`scripted` (fake).

`llama_server` is the child process behind `llama_cpp`; `wire` is OpenAI's chat format, `exchange` and `sse` a streamed
answer over HTTP, `provider` what `anthropic` and `gemini` have in common, `parts` and `refusals` what adapters share;
`discover` finds model servers on this machine; `pull` downloads weights.
"""
