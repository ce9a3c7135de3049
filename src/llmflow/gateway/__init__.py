"""Every call of a model passes here: `gateway` routes it, counts it and traces it; `asker` says for whom.
`connections` keeps the model servers that people connected. `types` holds the nouns, `queries` the SQL."""
