"""Settings in, Platform out: the one place that knows every room and every adapter."""

from llmflow.wiring.build import build
from llmflow.wiring.organs import serves_anywhere
from llmflow.wiring.platform import Platform

__all__ = ["Platform", "build", "serves_anywhere"]
