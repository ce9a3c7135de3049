"""Runs are found by the run they were forked from."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    of_forks = sa.text("parent_id IS NOT NULL")
    with op.batch_alter_table("workflow_runs", schema=None) as batch_op:
        batch_op.create_index(
            "ix_workflow_runs_parent_id",
            ["parent_id"],
            unique=False,
            sqlite_where=of_forks,
            postgresql_where=of_forks,
        )
