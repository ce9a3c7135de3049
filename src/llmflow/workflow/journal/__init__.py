"""What runs tell, kept in the database: `journal` writes it, `queries` reads it again."""
