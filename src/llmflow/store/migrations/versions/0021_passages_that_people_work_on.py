"""passages that people work on"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "unsettled_chunks",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("workspace_id", sa.String(length=36), nullable=False),
        sa.Column("knowledge_id", sa.String(length=36), nullable=False),
        sa.Column("document_id", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unsettled_chunks")),
    )
    with op.batch_alter_table("unsettled_chunks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_unsettled_chunks_document_id"), ["document_id"], unique=False)

    with op.batch_alter_table("chunks", schema=None) as batch_op:
        batch_op.add_column(sa.Column("made", sa.String(length=8), server_default="cut", nullable=False))
        batch_op.add_column(sa.Column("origin_id", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("edited_at", sa.BigInteger(), nullable=True))
