"""Servers that LLMFlow installs and runs itself, each in an environment of its own under the home.

`recipes/` holds one file of data for each server, `recipe` their nouns, `shelf` finds them. `install` builds an
environment, `folder` knows the files, `supervise` keeps one server running, `servers` is all of them. `scripts/` are
programs that run inside such an environment; nothing here imports them.
"""
