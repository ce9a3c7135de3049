"""A node's question to a model: its messages, the answer put together, what was only thought."""
