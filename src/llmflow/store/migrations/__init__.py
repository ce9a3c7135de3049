"""Schema versions. `HEAD` is what this code needs; at start nothing heavy is imported when the database has it."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from llmflow.errors import ConfigError

#: The newest revision in versions/; a test holds the two equal.
HEAD = "0029"


async def current(engine: AsyncEngine) -> str | None:
    """The database's revision; None when it is empty."""
    async with engine.connect() as connection:
        if not await connection.run_sync(lambda sync: sa.inspect(sync).has_table("alembic_version")):
            return None
        found: str | None = await connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
        return found


async def upgrade(engine: AsyncEngine) -> None:
    """Brings the database to HEAD. Raises ConfigError when it was made by a newer LLMFlow."""
    async with engine.begin() as connection:
        if connection.dialect.name == "postgresql":  # several processes may start at once
            await connection.execute(sa.text("SELECT pg_advisory_xact_lock(7007007)"))
        await connection.run_sync(_upgrade)


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command  # noqa: PLC0415 - only a database that is behind pays for it
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise ConfigError(
            f"The database was made by another version of LLMFlow: {error}.",
            hint="Start the newer LLMFlow, or restore a backup that this one made.",
        ) from error
