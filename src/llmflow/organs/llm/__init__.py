"""Language models. Adapters: `llama_cpp` (embedded), `openai` (remote), `scripted` (fake).

`llama_server` is the child process behind `llama_cpp`; `wire` is OpenAI's chat format, which two adapters speak;
`discover` finds model servers on this machine; `pull` downloads weights.
"""
