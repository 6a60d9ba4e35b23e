"""Generates the files of a deployment: settings, systemd units, proxy configurations, command and manifest."""

from __future__ import annotations

import getpass
import json
import os
import pwd
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined

from bridge.channels import load_channel
from bridge.clock import now
from bridge.errors import StartError
from bridge.ops.installation import open_installation
from bridge.ops.owner import Owner, acting_as, refuse_links
from bridge.protocol import oauth
from bridge.protocol.manifest import manifest
from bridge.settings import ENV_FILE, parse_settings, sqlite_file
from bridge.store.database import close_store
from bridge.vault import KEY_FILE, make_key_file

MANIFEST = "manifest.json"
UNITS, COMMANDS, CADDY, NGINX = (
    Path(place) for place in ("/etc/systemd/system", "/usr/local/bin", "/etc/caddy", "/etc/nginx/sites-enabled")
)
RESERVED = re.compile(r"(?:.*-)?backup")


@dataclass(frozen=True)
class File:
    """One file of a deployment: its template, its own name, what it is, and the place that it must be copied to."""

    template: str
    name: str
    meaning: str
    place: Path | None = None


def unit_name(name: str) -> str:
    """Return the name of the service, of its units and of the command; raises StartError for an unusable `name`."""
    if name and (not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,30}", name) or RESERVED.fullmatch(name)):
        raise StartError("--name takes lower-case letters, digits and hyphens, and does not end in backup")
    return f"linnworks-bridge-{name}" if name else "linnworks-bridge"


def files_of(name: str) -> list[File]:
    """Return the files of the installation with this name; "" is a machine's first one."""
    unit = unit_name(name)
    caddy = f"{unit}.caddy" if name else "Caddyfile"
    nginx = f"{unit}.nginx.conf" if name else "nginx.conf"
    return [
        File(ENV_FILE, ENV_FILE, "the settings"),
        File(
            "linnworks-bridge", unit, f"runs the bridge's commands with these settings; for {COMMANDS}", COMMANDS / unit
        ),
        File("linnworks-bridge.service", f"{unit}.service", f"for {UNITS}, and", UNITS / f"{unit}.service"),
        File(
            "linnworks-bridge.socket",
            f"{unit}.socket",
            "beside it: keeps the address open while the service restarts",
            UNITS / f"{unit}.socket",
        ),
        File(
            "linnworks-bridge-backup.service", f"{unit}-backup.service", "the backup", UNITS / f"{unit}-backup.service"
        ),
        File("linnworks-bridge-backup.timer", f"{unit}-backup.timer", "and when", UNITS / f"{unit}-backup.timer"),
        File("Caddyfile", caddy, f"for {CADDY}, or", CADDY / caddy),
        File("nginx.conf", nginx, f"for {NGINX}", NGINX / unit),
        File("", MANIFEST, "the manifest to enter in the Linnworks developer portal"),
    ]


@dataclass(frozen=True)
class Account:
    """The user that the service runs as."""

    name: str
    uid: int
    gid: int

    @property
    def is_current(self) -> bool:
        return self.uid == os.geteuid()


def find_account(name: str) -> Account:
    """Return the user with this name, by default the current one; raises StartError if it cannot run the service."""
    try:
        found = pwd.getpwnam(name) if name else pwd.getpwuid(os.geteuid())
    except KeyError:
        missing = name or getpass.getuser()
        raise StartError(f"There is no user {missing}: useradd --system {missing}") from None
    user = Account(found.pw_name, found.pw_uid, found.pw_gid)
    if not user.is_current and os.geteuid() != 0:
        raise StartError(f"Only root can set up a service that runs as {user.name}")
    for path in () if user.is_current else (Path(sys.executable).parent, Path(sys.executable).resolve()):
        if not all(part.stat().st_mode & 0o001 for part in (path, *path.parents)):
            raise StartError(f"{user.name} cannot run {path}: install the bridge elsewhere, such as in /opt/bridge")
    return user


def render(
    texts: Mapping[str, str],
    folder: Path,
    user: Account,
    *,
    with_oauth: bool = False,
    name: str = "",
    backups: Path = Path("/var/backups/bridge"),
) -> dict[str, str]:
    """Return the files of a deployment by name, for a service with these settings and files in this folder.

    `name` tells a machine's further installations apart, and `backups` is the folder for daily backups. Raises
    StartError if a setting is wrong.
    """
    unit = unit_name(name)
    settings = parse_settings(texts)
    channel = load_channel(settings.channel)
    if any(set(value) & set("\"'\\\n") for value in texts.values()):
        raise StartError("Quotes and backslashes cannot be written into the env file")
    public = urlsplit(settings.url)
    program = Path(sys.executable).parent / "linnworks-bridge"
    places = [folder.absolute(), settings.data_dir.absolute(), backups.absolute(), program]
    for place in places:
        if not re.fullmatch(r"[\w@+./-]+", str(place)):
            raise StartError(
                f"{place} cannot be used in a systemd unit: choose a path without spaces and special characters"
            )
    values: dict[str, Any] = {
        "name": name,
        "title": f" ({name})" if name else "",
        "unit": unit,
        "zone": f"bridge_clients_{name.replace('-', '_')}" if name else "bridge_clients",
        "backups": backups.absolute(),
        "texts": texts,
        "settings": settings,
        "data_dir": settings.data_dir.absolute(),
        "state": _below(settings.data_dir.absolute(), Path("/var/lib")),
        "env_file": folder.absolute() / ENV_FILE,
        "program": program,
        "at_home": any(_below(place, Path(home)) for place in places for home in ("/home", "/root")),
        "user": user,
        "public": public,
        "old_caddy": caddy_version() < (2, 7),
        "site": public.netloc if public.scheme == "https" else f"http://{public.netloc}",
    }
    environment = Environment(
        loader=PackageLoader("bridge.ops.deployment"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 (these are not HTML)
    )
    environment.filters["sh"] = lambda value: shlex.quote(str(value))
    document = manifest(settings, channel, settings.url, with_oauth=with_oauth)
    return {
        **{
            file.name: environment.get_template(file.template).render(values)
            for file in files_of(name)
            if file.template
        },
        MANIFEST: json.dumps(document, indent=2) + "\n",
    }


def write(contents: Mapping[str, str], folder: Path, user: Account, *, force: bool) -> None:
    """Write the files, readable by the service; raises StartError if one exists.

    With `force` it renames existing files to names that end with .old.
    """
    existing = [str(folder / name) for name in contents if (folder / name).exists()]
    if existing and not force:
        raise StartError(f"These files exist: {', '.join(existing)}; --force replaces them")
    refuse_links(folder.absolute())
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    if not user.is_current and folder.stat().st_uid == user.uid:
        raise StartError(f"{folder} belongs to {user.name}, who could put links in it: name another folder")
    for name, text in contents.items():
        path = folder / name
        if path.exists():
            path.replace(path.with_name(f"{name}.old"))  # it may have settings, or a key, that init does not ask for
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        if name == ENV_FILE and not user.is_current:
            os.chown(path, os.geteuid(), user.gid)  # a password may be added later
        path.chmod(mode_of(name, text))


def mode_of(name: str, text: str) -> int:
    """Return the mode of a file with this name and text: settings are for the service alone, commands for everyone."""
    return 0o640 if name == ENV_FILE else 0o755 if text.startswith("#!") else 0o644


def make_folder(path: Path, user: Account) -> None:
    """Make a folder for the service's user alone."""
    refuse_links(path.absolute())
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        os.fchown(folder, user.uid, user.gid)
    finally:
        os.close(folder)


def make_key(data_dir: Path, user: Account) -> bool:
    """Make the data folder and a key in it, owned by the service's user; return False if there is a key already."""
    make_folder(data_dir, user)
    with acting_as(None if user.is_current else Owner(user.uid, user.gid)):
        return make_key_file(data_dir / KEY_FILE)


def has_database(texts: Mapping[str, str]) -> bool:
    """Return whether these settings name an installation that exists."""
    file = sqlite_file(parse_settings(texts).database)
    return file is None or file.exists()


def first_client(texts: Mapping[str, str], user: Account) -> tuple[str, str]:
    """Make the installation's database and an OAuth client in it, owned by the service's user; return id and secret."""
    with acting_as(None if user.is_current else Owner(user.uid, user.gid)):
        open_installation(parse_settings(texts))
        try:
            return oauth.new_client("Linnworks", oauth.SCOPES, now())
        finally:
            close_store()


def caddy_version() -> tuple[int, ...]:
    """Return the version of the Caddy that is installed; a current one if there is none."""
    try:
        command = [shutil.which("caddy") or "", "version"]
        shown = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        shown = ""
    found = re.match(r"v?(\d+)\.(\d+)", shown)
    return (int(found[1]), int(found[2])) if found else (2, 11)


def _below(path: Path, parent: Path) -> str:
    return str(path.relative_to(parent)) if path != parent and path.is_relative_to(parent) else ""
