"""Jobs: durable work that outlives a crash. `dbos` keeps them in SQLite or PostgreSQL; `memory` is the fake."""
