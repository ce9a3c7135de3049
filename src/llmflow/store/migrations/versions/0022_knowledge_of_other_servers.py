"""knowledge of other servers"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "external_apis",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("workspace_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("sealed_key", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_external_apis")),
        sa.UniqueConstraint("workspace_id", "name", name=op.f("uq_external_apis_workspace_id_name")),
    )
    with op.batch_alter_table("knowledge_bases", schema=None) as batch_op:
        batch_op.add_column(sa.Column("external_api_id", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("external_id", sa.Text(), server_default="", nullable=False))
        batch_op.create_index(batch_op.f("ix_knowledge_bases_external_api_id"), ["external_api_id"], unique=False)
