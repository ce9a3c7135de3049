"""The database: every table, its migrations, sessions, ids, encryption and the one write boundary for content.

SQLite and PostgreSQL from one definition. Rooms above write SQL in their `queries.py`; this room knows no noun's rules.
"""
