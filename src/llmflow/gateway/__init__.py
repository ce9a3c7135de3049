"""Every call of a model passes here.

`routes` says what stands behind a model's name, `servers` what our servers have; `choose` and `circuit` decide which
deployment is asked, `attempts` asks. `gateway` is the way in for rooms, `relay` for OpenAI's clients: bytes in, bytes
out (`asked`, `passing`, `chunks`). `asker` says for whom, `ledger` notes what was used, `shadows` copies traffic.
`connections` keeps the model servers that people connected. `types` holds the nouns, `queries` the SQL.
"""
