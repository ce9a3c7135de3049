"""An app as a DSL document that Dify imports."""

from __future__ import annotations

import re

from llmflow.apps.designs.model_config import icon_of, with_config
from llmflow.apps.names import fitting
from llmflow.apps.types import App, ChatConfig, Design
from llmflow.workflow.dsl.document import Document, Tree
from llmflow.workflow.dsl.version import CURRENT


def exported(app: App, design: Design | None) -> Tree:
    """The tree of the app, secrets and all: what was imported, with what was changed here since. `design` None: a chat
    app made here. Name, description and icon are the app's own where somebody changed them."""
    if design is None:
        header = {"name": app.name, "mode": app.mode, "description": app.description, "icon_type": "emoji"}
        header |= {"icon": app.config.icon, "icon_background": app.config.icon_background}
        config = with_config(None, app.config)["model_config"]
        return {
            "version": CURRENT,
            "kind": "app",
            "app": {**header, "use_icon_as_answer_icon": False},
            "dependencies": [],
            "model_config": config,
        }
    tree = design.document.tree if design.document.has_graph else with_config(design, app.config)
    place = "app" if isinstance(tree.get("app"), dict) else "rag_pipeline"
    return {**tree, place: {**design.document.app, **_changes(app, design.document)}}


def _changes(app: App, document: Document) -> Tree:
    """What of the app's name, description and icon is no longer as imported."""
    found: Tree = {}
    wanted = fitting(document.name)
    if app.name != wanted and not re.fullmatch(re.escape(wanted) + r" \(\d+\)", app.name):
        found["name"] = app.name
    if app.description != document.description:
        found["description"] = app.description
    if app.config.icon != icon_of(document):
        found |= {"icon": app.config.icon, "icon_type": "emoji"}
    if app.config.icon_background != (document.app.get("icon_background") or ChatConfig().icon_background):
        found["icon_background"] = app.config.icon_background
    return found
