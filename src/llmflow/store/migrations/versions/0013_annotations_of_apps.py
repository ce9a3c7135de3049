"""Annotations of apps, and the reply that is made of them."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "annotation_hits",
        sa.Column("message_id", sa.String(length=36), nullable=False),
        sa.Column("workspace_id", sa.String(length=36), nullable=False),
        sa.Column("app_id", sa.String(length=36), nullable=False),
        sa.Column("conversation_id", sa.String(length=36), nullable=False),
        sa.Column("annotation_id", sa.String(length=36), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_annotation_hits")),
    )
    with op.batch_alter_table("annotation_hits", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_annotation_hits_annotation_id"), ["annotation_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_annotation_hits_app_id"), ["app_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_annotation_hits_conversation_id"), ["conversation_id"], unique=False)

    op.create_table(
        "annotation_replies",
        sa.Column("app_id", sa.String(length=36), nullable=False),
        sa.Column("workspace_id", sa.String(length=36), nullable=False),
        sa.Column("is_on", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("embedding_model", sa.Text(), nullable=False),
        sa.Column("score_threshold", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("app_id", name=op.f("pk_annotation_replies")),
    )
    op.create_table(
        "app_annotations",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("workspace_id", sa.String(length=36), nullable=False),
        sa.Column("app_id", sa.String(length=36), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("hit_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=True),
        sa.Column("vector_model", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_annotations")),
    )
    with op.batch_alter_table("app_annotations", schema=None) as batch_op:
        batch_op.create_index("ix_app_annotations_app_id_created_at", ["app_id", "created_at"], unique=False)
