"""What runs inside of the sandbox, with Python's standard library alone (and QuickJS for JavaScript).

`zygote` waits for calls and forks a process for each; `jail` takes that process's last rights away, `syscalls` and
`filter` what it may ask of the kernel; `call` reads the code, has `python` or `javascript` run it and answers.
"""
