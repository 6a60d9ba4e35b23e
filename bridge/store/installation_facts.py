"""Installation facts: named values that describe the whole installation, such as the channel it serves."""

from __future__ import annotations

from peewee import CharField, TextField

from bridge.store.database import Row, writing


class InstallationFact(Row):
    """One named value."""

    name = CharField(primary_key=True)
    value = TextField()


def read_fact(name: str) -> str | None:
    """Return the value stored under this name, or None."""
    found = InstallationFact.get_or_none(InstallationFact.name == name)
    return str(found.value) if found else None


def save_fact(name: str, value: str) -> None:
    """Store a value, replacing an earlier one of that name."""
    with writing():
        insert = InstallationFact.insert(name=name, value=value)
        insert.on_conflict(conflict_target=[InstallationFact.name], preserve=[InstallationFact.value]).execute()


def save_fact_once(name: str, value: str) -> str:
    """Store a value unless there is one of that name, and return the stored one."""
    with writing():
        InstallationFact.insert(name=name, value=value).on_conflict_ignore().execute()
    return str(InstallationFact.get(InstallationFact.name == name).value)
