"""what the service API says of knowledge"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("knowledge_bases", schema=None) as batch_op:
        batch_op.add_column(sa.Column("service", sa.JSON(), server_default="{}", nullable=False))
        batch_op.add_column(sa.Column("created_by", sa.String(length=36), nullable=True))

    with op.batch_alter_table("documents", schema=None) as batch_op:
        batch_op.add_column(sa.Column("chunking", sa.JSON(), server_default="{}", nullable=False))
        batch_op.add_column(sa.Column("word_count", sa.BigInteger(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("created_by", sa.String(length=36), nullable=True))

    op.execute(
        "UPDATE documents SET word_count = "
        "(SELECT COALESCE(SUM(LENGTH(chunks.text)), 0) FROM chunks WHERE chunks.document_id = documents.id)"
    )
