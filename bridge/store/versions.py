"""Schema versions: which migrations a database has had."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import peewee
from playhouse.migrations import Runner

from bridge.errors import StartError


@dataclass(frozen=True)
class Schema:
    """The migrations a database has had, those it still needs, and those that only a newer program knows."""

    applied: list[str]
    pending: list[str]
    newer: list[str]


def schema_version(db: peewee.Database, folder: Path) -> Schema:
    """Return how far a database is upgraded by the migrations in this folder; raises StartError if none can be read."""
    if not any(folder.glob("[0-9]*.py")):
        raise StartError(f"This user cannot read the files of the bridge itself in {folder.parent}")
    steps = Runner(db, str(folder)).status()
    return Schema(
        [step.name for step in steps if step.applied and step.path],
        [step.name for step in steps if not step.applied],
        [step.name for step in steps if step.path is None],
    )


def newer_message(step: str) -> str:
    """Return the message that says what to do about a database of a newer version."""
    return f"The database was upgraded by a newer version of the bridge ({step}); install that version again"
