"""Every call of a model passes here: `gateway` routes it, counts it and traces it. `types` holds the nouns."""
