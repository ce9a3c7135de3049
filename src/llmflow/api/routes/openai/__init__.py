"""OpenAI's API under /v1: `chat` relays to models and apps, `embeddings`, `models`; `wire` has what all share."""
