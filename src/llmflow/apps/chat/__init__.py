"""Conversations: `chat` keeps a question and starts its `turns`, `conversations` reads them again."""
