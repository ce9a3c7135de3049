"""What uses the files that were sent to apps."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_KEYS = ("file_id", "used_by", "workspace_id", "app_id")


def upgrade() -> None:
    uses = op.create_table(
        "file_uses",
        sa.Column("file_id", sa.String(length=36), nullable=False),
        sa.Column("used_by", sa.String(length=36), nullable=False),
        sa.Column("workspace_id", sa.String(length=36), nullable=False),
        sa.Column("app_id", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("file_id", "used_by", name=op.f("pk_file_uses")),
    )
    with op.batch_alter_table("file_uses", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_file_uses_app_id"), ["app_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_file_uses_used_by"), ["used_by"], unique=False)
    found = _uses(op.get_bind())
    if found:
        op.bulk_insert(uses, found)


def _uses(connection: sa.Connection) -> list[dict[str, str]]:
    """Messages use what they were asked with. Which run of a workflow used a file was not noted: its app does."""
    files = {
        row.id: row for row in connection.execute(sa.text("SELECT id, workspace_id, app_id FROM files ORDER BY id"))
    }
    if not files:
        return []
    messages = sa.table("messages", sa.column("id", sa.String), sa.column("files", sa.JSON))
    asked = sa.select(messages.c.id, messages.c.files).where(sa.cast(messages.c.files, sa.Text) != "[]")
    found: set[tuple[str, str]] = set()
    for message in connection.execute(asked):
        sent = (item.get("upload_file_id") for item in message.files)
        found |= {(file_id, message.id) for file_id in sent if file_id in files}
    asked_with = {file_id for file_id, _ in found}
    graphs = connection.execute(sa.text("SELECT id FROM apps WHERE mode IN ('workflow', 'advanced-chat')"))
    with_graph = {row.id for row in graphs}
    found |= {(id, file.app_id) for id, file in files.items() if id not in asked_with and file.app_id in with_graph}
    return [
        dict(zip(_KEYS, (file_id, used_by, files[file_id].workspace_id, files[file_id].app_id), strict=True))
        for file_id, used_by in sorted(found)
    ]
