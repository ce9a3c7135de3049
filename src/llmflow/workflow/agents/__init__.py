"""Agents: a model that uses tools until it has its answer.

`rounds` has the nouns: a round is what a model said and the tools it called; steps tell of it while it happens, and
after a crash the rounds are rebuilt from them. `offer` finds the tools. A *way* is how a model and its tools speak:
`calling`, where the server serves tools, or `schema`, one JSON object a round, for the others. `agent` is the loop.
"""
