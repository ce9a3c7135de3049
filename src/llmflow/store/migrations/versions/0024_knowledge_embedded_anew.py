"""knowledge embedded anew"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reembeddings",
        sa.Column("knowledge_id", sa.String(length=36), nullable=False),
        sa.Column("workspace_id", sa.String(length=36), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("dropped", sa.JSON(), nullable=False),
        sa.Column("error_code", sa.Text(), server_default="", nullable=False),
        sa.Column("error_message", sa.Text(), server_default="", nullable=False),
        sa.Column("error_hint", sa.Text(), server_default="", nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("knowledge_id", name=op.f("pk_reembeddings")),
    )
    op.create_table(
        "vectors_due",
        sa.Column("document_id", sa.String(length=36), nullable=False),
        sa.Column("model", sa.String(length=500), nullable=False),
        sa.Column("workspace_id", sa.String(length=36), nullable=False),
        sa.Column("knowledge_id", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("document_id", "model", name=op.f("pk_vectors_due")),
    )
    with op.batch_alter_table("vectors_due", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_vectors_due_knowledge_id"), ["knowledge_id"], unique=False)

    with op.batch_alter_table("knowledge_bases", schema=None) as batch_op:
        batch_op.add_column(sa.Column("next_model", sa.Text(), server_default="", nullable=False))
