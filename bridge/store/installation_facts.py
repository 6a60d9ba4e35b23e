"""Installation facts: named values that describe the whole installation, such as the channel it serves."""

from __future__ import annotations

from datetime import datetime

import peewee
from peewee import CharField, TextField

from bridge.errors import storage_problem
from bridge.store.database import Row, discard_connection, writing

CERTIFICATE = "certificate"


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


def replace_fact(name: str, old: str, new: str) -> bool:
    """Store a value in place of an old one; False if another process has replaced that meanwhile."""
    with writing():
        this = (InstallationFact.name == name) & (InstallationFact.value == old)
        return bool(InstallationFact.update(value=new).where(this).execute())


def find_storage_problem() -> str:
    """Return why nothing can be stored, "" if something can; what is written changes nothing."""
    try:
        with writing(durable=False):
            InstallationFact.update(value=InstallationFact.value).execute()
    except peewee.PeeweeException as error:
        discard_connection()
        return storage_problem(error)
    return ""


def save_certificate(begins: datetime, ends: datetime) -> None:
    """Store from when until when the certificate at the public address is valid."""
    text = f"{begins.isoformat()} {ends.isoformat()}"
    if read_fact(CERTIFICATE) != text:
        save_fact(CERTIFICATE, text)


def last_certificate() -> tuple[datetime, datetime] | None:
    """Return from when until when the certificate at the public address is valid, as last seen; None if none was."""
    text = read_fact(CERTIFICATE)
    if text is None:
        return None
    begins, ends = map(datetime.fromisoformat, text.split())
    return begins, ends
