"""LLMFlow: a self-hosted LLM platform. ARCHITECTURE.md is the map; `llmflow.wiring` puts the rooms together."""

__version__ = "0.1.0"
