"""When Linnworks last asked: a run's own beginning is told by the shop's clock."""

from __future__ import annotations

from typing import Any

from bridge.store.database import MomentField


def up(migrator: Any, db: Any) -> None:
    # nullable, because SQLite would make the table anew for anything else, and that would empty `run_page`
    migrator.migrate(migrator.add_column("run", "asked_at", MomentField(null=True)))
    db.execute_sql("UPDATE run SET asked_at = started_at")
