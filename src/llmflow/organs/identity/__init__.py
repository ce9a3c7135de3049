"""Who is it. Adapter: `local` (accounts in the database)."""
