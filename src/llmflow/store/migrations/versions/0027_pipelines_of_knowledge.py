"""pipelines of knowledge"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("documents", schema=None) as batch_op:
        batch_op.add_column(sa.Column("pipeline", sa.JSON(), server_default="{}", nullable=False))

    with op.batch_alter_table("knowledge_bases", schema=None) as batch_op:
        batch_op.add_column(sa.Column("pipeline_id", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("pipeline_inputs", sa.JSON(), server_default="{}", nullable=False))
        batch_op.create_index(batch_op.f("ix_knowledge_bases_pipeline_id"), ["pipeline_id"], unique=False)
