"""boxes of passages"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_AT_ONCE = 1_000


def upgrade() -> None:
    with op.batch_alter_table("chunks", schema=None) as batch_op:
        batch_op.add_column(sa.Column("boxes", sa.JSON(), server_default="[]", nullable=False))
    _keep_boxes(op.get_bind())
    with op.batch_alter_table("chunks", schema=None) as batch_op:
        batch_op.drop_column("bbox")


def _keep_boxes(connection: sa.Connection) -> None:
    """The one box that some passages had becomes the first of theirs."""
    chunks = sa.table("chunks", *(sa.column(name, kind) for name, kind in _COLUMNS))
    update = (
        sa.update(chunks)
        .where(chunks.c.id == sa.bindparam("of_id"))
        .values(boxes=sa.bindparam("new_boxes", type_=sa.JSON))
    )
    last = ""
    while True:
        rows = connection.execute(
            sa.select(chunks.c.id, chunks.c.page, chunks.c.bbox)
            .where(chunks.c.bbox.is_not(None), chunks.c.page.is_not(None), chunks.c.id > last)
            .order_by(chunks.c.id)
            .limit(_AT_ONCE)
        ).all()
        if not rows:
            return
        last = rows[-1].id
        connection.execute(update, [{"of_id": row.id, "new_boxes": [[row.page, *_box(row.bbox)]]} for row in rows])


def _box(kept: str | list[float]) -> list[float]:
    box: list[float] = json.loads(kept) if isinstance(kept, str) else kept
    return box


_COLUMNS = (
    ("id", sa.String(36)),
    ("page", sa.Integer()),
    ("bbox", sa.JSON(none_as_null=True)),
    ("boxes", sa.JSON()),
)
