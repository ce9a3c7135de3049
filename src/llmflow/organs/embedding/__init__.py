"""Embedding adapters.

e5.py        the embedded default: multilingual-e5-small on onnxruntime (e5_source reads the packaged weights,
             e5_weights turns them into a graph once, e5_tokenizer counts and splits, e5_encoder runs it: for
             questions in urgent_threads, for passages in child processes, e5_child)
openai.py    any server that speaks OpenAI's /v1/embeddings
hashing.py   no model at all: hashed words and letters, for tests and for measuring everything but a model
"""
