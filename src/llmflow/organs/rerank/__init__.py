"""Rerankers. Adapters: `tei`, `cohere` (Cohere, Jina, Infinity, vLLM; remote), `overlap` (fake), `none`."""
