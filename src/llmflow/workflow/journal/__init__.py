"""What runs tell, kept in the database: `journal` writes it, as `rows`; `queries` reads it again."""
