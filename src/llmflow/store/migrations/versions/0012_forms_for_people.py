"""Forms that runs ask people by."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "human_forms",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("workspace_id", sa.String(length=36), nullable=False),
        sa.Column("app_id", sa.String(length=36), nullable=False),
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("node_id", sa.Text(), nullable=False),
        sa.Column("at", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answered_as", sa.String(length=10), server_default="", nullable=False),
        sa.Column("answered_by", sa.String(length=320), server_default="", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("taken_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_human_forms")),
        sa.UniqueConstraint("digest", name=op.f("uq_human_forms_digest")),
    )
    waiting = sa.text("status = 'waiting'")
    untaken = sa.text("status <> 'waiting' AND taken_at IS NULL")
    with op.batch_alter_table("human_forms", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_human_forms_run_id"), ["run_id"], unique=False)
        batch_op.create_index(
            "ix_human_forms_untaken", ["run_id"], unique=False, sqlite_where=untaken, postgresql_where=untaken
        )
        batch_op.create_index(
            "ix_human_forms_waiting", ["expires_at"], unique=False, sqlite_where=waiting, postgresql_where=waiting
        )
        batch_op.create_index("ix_human_forms_workspace_id_created_at", ["workspace_id", "created_at"], unique=False)
