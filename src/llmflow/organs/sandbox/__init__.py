"""Where code that people wrote is run: `bubblewrap` on this machine, `dify_sandbox` on a server elsewhere.

`bubblewrap` is the adapter, `launch` the command that shuts a process in, `packages` what code may import, `reply` what
came back. The folder `inside` is what runs within: no other module of LLMFlow is there.
"""
