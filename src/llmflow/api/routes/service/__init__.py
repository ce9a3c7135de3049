"""/v1: Dify's Service API, and beside it OpenAI's (routes/openai). `surface` is the whole, ready to be mounted.

One file for each noun; `dify` has what all share: who calls, what is asked, errors and headers in Dify's shape.
"""

from llmflow.api.routes.service.surface import surface

__all__ = ["surface"]
