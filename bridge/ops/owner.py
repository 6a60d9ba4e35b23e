"""Commands that root runs on the files of another user, who may have put links in their place.

They act with that user's rights, so that following a link gains nothing, and move files between root's folders and the
user's through a private one.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bridge.errors import StartError
from bridge.settings import Settings, sqlite_file

ROOT = 0


class Owner(NamedTuple):
    """A user and a group."""

    uid: int
    gid: int


def owner_to_become(settings: Settings) -> Owner | None:
    """Return the owner of the installation's files if this is root and they are another's, else None.

    Raises StartError if there is a link on the way that root has not made, or the files have several owners.
    """
    if os.geteuid() != ROOT:
        return None
    file = sqlite_file(settings.database)
    owners = {_owner(settings.data_dir), _owner(file.parent if file else settings.data_dir)}
    if len(owners) > 1:
        raise StartError("The data folder and the database belong to different users: run the command as the service's")
    (owner,) = owners
    return None if owner.uid == ROOT else owner


def become_owner(settings: Settings) -> None:
    """Go on as the owner of the installation's files for good, if this is root."""
    owner = owner_to_become(settings)
    if owner:
        os.setgroups([])
        os.setgid(owner.gid)
        os.setuid(owner.uid)


@contextmanager
def acting_as(owner: Owner | None) -> Iterator[None]:
    """Act as a user within the block; None changes nothing."""
    if owner is None:
        yield
        return
    groups, gid = os.getgroups(), os.getegid()
    os.setgroups([])
    os.setegid(owner.gid)
    os.seteuid(owner.uid)
    try:
        yield
    finally:
        os.seteuid(ROOT)
        os.setegid(gid)
        os.setgroups(groups)


@contextmanager
def private_folder(owner: Owner) -> Iterator[Path]:
    """Yield a new folder that only this user and root can enter; delete it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="linnworks-bridge-"))
    try:
        os.chown(folder, *owner, follow_symlinks=False)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # which follows no links


def copy_files(source: Path, names: Iterable[str], target: Path, owner: Owner | None = None) -> None:
    """Copy the files that are there to a folder, and give the copies to a user; raises StartError for a link."""
    for name in names:
        try:
            reading = os.open(source / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise StartError(f"{source / name} cannot be read, or is a link: {error.strerror}") from None
        if not stat.S_ISREG(os.fstat(reading).st_mode):
            os.close(reading)
            raise StartError(f"{source / name} is not a file")
        with open(reading, "rb") as original:
            writing = os.open(target / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with open(writing, "wb") as copy:
                shutil.copyfileobj(original, copy)
                copy.flush()
                os.fsync(writing)
                if owner:
                    os.fchown(writing, *owner)


def refuse_links(path: Path) -> None:
    """Raise StartError if a part of the path is a link that root has not made."""
    for part in (path, *path.parents):
        try:
            found = part.lstat()
        except FileNotFoundError:
            continue
        if stat.S_ISLNK(found.st_mode) and found.st_uid != ROOT:
            raise StartError(f"{part} is a link that another user has made: root does not follow it")


def _owner(folder: Path) -> Owner:
    """Return the owner of a folder, or of the nearest one above it that exists."""
    path = folder.absolute()
    refuse_links(path)
    existing = next(part for part in (path, *path.parents) if part.exists())
    found = existing.stat()
    return Owner(found.st_uid, found.st_gid)
