"""Documents into passages, questions into passages found.

accept (documents) -> job (jobs) -> parse, chunk, embed, index (ingest) -> retrieve. `terms` analyses words, `fuse`
joins the two searches. A document that was accepted ends ready or failed, whatever crashes.
"""
