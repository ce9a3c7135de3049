"""OpenAI's API under /v1: `chat`, `completions` and `responses` relay to models and apps, `embeddings`, `rerank` and
`audio` to organs and models; `wire` has what all share."""
