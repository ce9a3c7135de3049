"""what documents say and who may see them"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "knowledge_fields",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("workspace_id", sa.String(length=36), nullable=False),
        sa.Column("knowledge_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("type", sa.String(length=10), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_knowledge_fields")),
        sa.UniqueConstraint("knowledge_id", "name", name=op.f("uq_knowledge_fields_knowledge_id_name")),
    )
    op.create_table(
        "knowledge_tags",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("workspace_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_knowledge_tags")),
        sa.UniqueConstraint("workspace_id", "name", name=op.f("uq_knowledge_tags_workspace_id_name")),
    )
    op.create_table(
        "tags_of_knowledge",
        sa.Column("tag_id", sa.String(length=36), nullable=False),
        sa.Column("knowledge_id", sa.String(length=36), nullable=False),
        sa.Column("workspace_id", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("tag_id", "knowledge_id", name=op.f("pk_tags_of_knowledge")),
    )
    with op.batch_alter_table("tags_of_knowledge", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_tags_of_knowledge_knowledge_id"), ["knowledge_id"], unique=False)

    with op.batch_alter_table("chunks", schema=None) as batch_op:
        batch_op.add_column(sa.Column("parent_id", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("answer", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("keywords", sa.JSON(), server_default="[]", nullable=False))
        batch_op.add_column(sa.Column("enabled", sa.Boolean(), server_default=sa.true(), nullable=False))
        batch_op.add_column(sa.Column("digest", sa.String(length=64), server_default="", nullable=False))

    with op.batch_alter_table("documents", schema=None) as batch_op:
        batch_op.add_column(sa.Column("enabled", sa.Boolean(), server_default=sa.true(), nullable=False))
        batch_op.add_column(sa.Column("archived", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("groups", sa.JSON(), server_default="[]", nullable=False))
        batch_op.add_column(sa.Column("metadata", sa.JSON(), server_default="{}", nullable=False))
        batch_op.add_column(sa.Column("source", sa.String(length=20), server_default="upload", nullable=False))
        batch_op.add_column(sa.Column("source_ref", sa.Text(), server_default="", nullable=False))

    with op.batch_alter_table("knowledge_bases", schema=None) as batch_op:
        batch_op.add_column(sa.Column("chunking", sa.JSON(), server_default="{}", nullable=False))
        batch_op.add_column(sa.Column("retrieval", sa.JSON(), server_default="{}", nullable=False))
        batch_op.add_column(sa.Column("groups", sa.JSON(), server_default="[]", nullable=False))
