"""One folder a surface: console (/api/v1), service (/v1, Dify), openai (/v1)."""
