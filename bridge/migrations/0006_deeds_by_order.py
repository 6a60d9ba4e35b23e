"""Deeds are looked for by their order: only one of them is done to it at a time."""

from __future__ import annotations

from typing import Any


def up(migrator: Any, db: Any) -> None:
    db.execute_sql("CREATE INDEX deed_connection_id_reference ON deed (connection_id, reference)")
