"""sources of end users, corrections, the text of files"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("end_users", schema=None) as batch_op:
        batch_op.add_column(sa.Column("source", sa.String(length=10), server_default="api", nullable=False))
        batch_op.drop_constraint(batch_op.f("uq_end_users_app_id_external_id"), type_="unique")
        batch_op.create_unique_constraint(
            batch_op.f("uq_end_users_app_id_source_external_id"), ["app_id", "source", "external_id"]
        )

    with op.batch_alter_table("feedbacks", schema=None) as batch_op:
        batch_op.add_column(sa.Column("correction", sa.Text(), nullable=True))

    with op.batch_alter_table("files", schema=None) as batch_op:
        batch_op.add_column(sa.Column("text", sa.Text(), nullable=True))
