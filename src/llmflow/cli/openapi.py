"""`llmflow openapi`."""

from __future__ import annotations

import importlib
from typing import Annotated, Any, Literal

from typer import Option

from llmflow import home as homes
from llmflow.cli.client import connect
from llmflow.cli.options import Home, Json
from llmflow.cli.show import print_json
from llmflow.config.load import home_folder

Surface = Annotated[Literal["console", "service"], Option(help="Which API: the console's, or Dify's Service API.")]


def openapi(surface: Surface = "console", as_json: Json = False, home: Home = None) -> None:
    """Print the OpenAPI document of an API."""
    if surface == "service":
        print_json(service_document())
        return
    if homes.running(home_folder(home)) is None:
        print_json(document())
        return
    with connect(home) as server:
        print_json(server.call("GET", "/openapi.json"))


def service_document() -> dict[str, Any]:
    """That of Dify's Service API; no server needed."""
    service = importlib.import_module("llmflow.api.routes.service.surface")
    found: dict[str, Any] = service.document(None)
    return found


def document() -> dict[str, Any]:
    """The document, from the routes themselves; no server needed."""
    # imported late: FastAPI and every room behind it take two seconds, which the running server has already paid
    console = importlib.import_module("llmflow.api.routes.console.app").console
    found: dict[str, Any] = console(None).openapi()
    return found
