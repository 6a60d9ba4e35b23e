"""How far a database is upgraded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import peewee
from playhouse.migrations import Runner


@dataclass(frozen=True)
class Schema:
    """Which steps have made a database, which are still to come, and which only a newer program knows."""

    applied: list[str]
    pending: list[str]
    newer: list[str]


def schema_version(db: peewee.Database, folder: Path) -> Schema:
    """How far a database is upgraded."""
    steps = Runner(db, str(folder)).status()
    return Schema(
        [step.name for step in steps if step.applied and step.path],
        [step.name for step in steps if not step.applied],
        [step.name for step in steps if step.path is None],
    )


def newer_message(step: str) -> str:
    """What to do about a database of a newer version."""
    return f"The database was upgraded by a newer version of the bridge ({step}); install that version again"
