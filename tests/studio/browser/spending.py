"""Two months of spending, written where the server keeps it: they take longer to come about than a test."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

from tests.live import LiveServer

MODELS = (
    "gpt-5-mini",
    "claude-sonnet-4",
    "qwen3-32b",
    "gemini-2.5-flash",
    "gpt-5",
    "exaone-4",
    "solar-pro",
    "kanana-2",
)
DAYS = 60


def spend_for_two_months(server: LiveServer, *, key_id: str = "") -> None:
    """Each day every model is asked: the later, the more. Written once."""
    with closing(sqlite3.connect(server.home / "llmflow.db", timeout=30)) as database, database:
        [workspace] = database.execute("select workspace_id from apps limit 1").fetchone()
        today = datetime.now(UTC).date()
        for ago in range(DAYS):
            day = int((today - timedelta(days=ago)).strftime("%Y%m%d"))
            for place, model in enumerate(MODELS):
                requests = (DAYS - ago) * (len(MODELS) - place) + (ago * (place + 3)) % 17
                asker = key_id if place % 2 else ""
                database.execute(
                    "insert or ignore into spend values (?, ?, ?, '', '', '', 'chat', ?, ?, ?, ?, 0, ?, ?, ?)",
                    (
                        day,
                        workspace,
                        asker,
                        "default" if place > 1 else "provider",
                        model,
                        requests,
                        requests // 40,
                        requests * 900,
                        requests * 250,
                        requests * (8 - place) * 400_000,
                    ),
                )
