"""The ports: one file per organ, each a Protocol and its value types. Read these first.

An adapter lives in `organs/<port>/<technology>.py`, is named in `catalog.py` and loaded by `wiring` when first
used. Values are frozen; errors are those of `errors.py`.
"""
