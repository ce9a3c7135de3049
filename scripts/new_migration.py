"""Writes the next migration from what tables has and the migrations lack.

Use: `python scripts/new_migration.py 0002 "what changed"`, then read what it wrote and raise HEAD.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from llmflow.store import migrations


def main() -> None:
    revision, message = sys.argv[1:]
    folder = Path(migrations.__file__).parent
    config = Config()
    config.set_main_option("script_location", str(folder))
    with tempfile.TemporaryDirectory() as temp:
        engine = sa.create_engine(f"sqlite:///{temp}/empty.db")
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            if any((folder / "versions").glob("[0-9]*.py")):
                command.upgrade(config, "head")
            script = command.revision(config, message=message, rev_id=revision, autogenerate=True)
    path = Path(script.path)  # type: ignore[union-attr]
    text = path.read_text("utf-8").replace("llmflow.store.content.ContentText()", "sa.Text()")
    for written, portable in (
        ('sa.text("0")', "sa.false()"),
        ("sa.text('0')", "sa.false()"),
        ("sa.text('1')", "sa.true()"),
    ):
        text = text.replace(f"sa.Boolean(), server_default={written}", f"sa.Boolean(), server_default={portable}")
    path.write_text(re.sub(r"    # ### .*\n", "", text), "utf-8")
    print(path)


if __name__ == "__main__":
    main()
