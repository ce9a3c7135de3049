"""Dify's operations of knowledge, for dataset keys: a key is of the whole workspace.

- `bases`: knowledge bases; `tags` of them; `fields`: what their documents say of themselves
- `documents`: list, look at, switch, download; `writing`: make and rewrite them
- `pipelines`: apps that read and cut the documents of a base
- `segments` and `children`: their passages; `search`: questions to them
- `shapes`: Dify's JSON; `processing`: Dify's rules for cutting
"""

from starlette.routing import Route

from llmflow.api.routes.service.datasets import (
    bases,
    children,
    documents,
    fields,
    pipelines,
    search,
    segments,
    tags,
    writing,
)
from llmflow.wiring import Platform

NOUNS = (tags, bases, fields, writing, documents, segments, children, search, pipelines)


def routes(platform: Platform) -> list[Route]:
    return [route for noun in NOUNS for route in noun.routes(platform)]
