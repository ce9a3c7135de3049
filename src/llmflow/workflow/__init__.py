"""Workflows: a graph of nodes compiled to a plan, run as data flows through it, and every step an event.

`graph` compiles Dify's graph to a plan and lists its problems; `schedule` decides what starts next, purely; `run` acts;
`speech` puts the text of answers in order; `events` are what a run tells, and `replay` rebuilds a run from them.
`variables` is the pool, `code_outputs` checks what code gave back, `templates` fills {{#node.name#}}, `jinja` is the
sandbox of templates. A node type is one file in `nodes/`.
`dsl` reads and writes designs as Dify's files say them.
"""
