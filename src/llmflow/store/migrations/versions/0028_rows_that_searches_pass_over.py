"""rows that searches pass over"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    off, archived = sa.column("enabled", sa.Boolean).is_(False), sa.column("archived", sa.Boolean)
    closed = sa.cast(sa.column("groups"), sa.Text) != sa.literal_column("'[]'")
    for table, name, where in (
        ("documents", "ix_documents_off", sa.or_(off, archived)),
        ("documents", "ix_documents_closed", closed),
        ("chunks", "ix_chunks_off", off),
    ):
        op.create_index(name, table, ["knowledge_id"], sqlite_where=where, postgresql_where=where)
