"""`llmflow version`."""

from __future__ import annotations

import platform

from llmflow import __version__
from llmflow.cli.options import Home, Json
from llmflow.cli.show import print_json


def version(as_json: Json = False, home: Home = None) -> None:
    """Print the version."""
    if as_json:
        print_json({"version": __version__, "python": platform.python_version()})
    else:
        print(f"LLMFlow {__version__}")
