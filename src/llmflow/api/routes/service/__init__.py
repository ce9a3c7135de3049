"""/v1: Dify's Service API, and beside it OpenAI's (routes/openai). `surface` is the whole, ready to be mounted.

One file for each noun; `dify` has what all share: who calls, what is asked, errors and headers in Dify's shape.
`description` makes the OpenAPI document, of the routes and of what `described_apps` and `described_datasets` say of
them.
"""

from llmflow.api.routes.service.surface import surface

__all__ = ["surface"]
