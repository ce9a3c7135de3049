"""Who is told of forms."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "form_recipients",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("workspace_id", sa.String(length=36), nullable=False),
        sa.Column("form_id", sa.String(length=36), nullable=False),
        sa.Column("account_id", sa.String(length=36), nullable=True),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("letter", sa.Integer(), nullable=False),
        sa.Column("mail", sa.String(length=10), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_form_recipients")),
        sa.UniqueConstraint("digest", name=op.f("uq_form_recipients_digest")),
    )
    waiting = sa.text("mail = 'waiting'")
    with op.batch_alter_table("form_recipients", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_form_recipients_form_id"), ["form_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_form_recipients_account_id"), ["account_id"], unique=False)
        batch_op.create_index(
            "ix_form_recipients_next_at", ["next_at"], unique=False, sqlite_where=waiting, postgresql_where=waiting
        )
