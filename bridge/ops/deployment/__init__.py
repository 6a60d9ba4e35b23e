"""What a machine needs to run the service: its settings, a systemd unit, a proxy's configuration, all filled in."""

from __future__ import annotations

import getpass
import json
import os
import pwd
import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined

from bridge.channels import load_channel
from bridge.errors import StartError
from bridge.protocol.manifest import manifest
from bridge.settings import parse_settings
from bridge.vault import KEY_FILE, make_key_file

ENV_FILE, COMMAND, MANIFEST = "bridge.env", "linnworks-bridge", "manifest.json"
MEANINGS = {
    ENV_FILE: "the settings",
    COMMAND: "runs the bridge's commands with them; for /usr/local/bin",
    "linnworks-bridge.service": "for /etc/systemd/system, and",
    "linnworks-bridge.socket": "beside it: holds the address while the service restarts",
    "Caddyfile": "for /etc/caddy, or",
    "nginx.conf": "for /etc/nginx/sites-enabled",
    MANIFEST: "the manifest, to be entered in the Linnworks developer portal",
}
MODES = {ENV_FILE: 0o640, COMMAND: 0o755}


@dataclass(frozen=True)
class Account:
    """The user that the service runs as."""

    name: str
    uid: int
    gid: int

    @property
    def is_us(self) -> bool:
        return self.uid == os.geteuid()


def account(name: str) -> Account:
    """The user of that name, or the one who asks; raises StartError where there is none."""
    try:
        found = pwd.getpwnam(name) if name else pwd.getpwuid(os.geteuid())
    except KeyError:
        who = name or getpass.getuser()
        raise StartError(f"There is no user {who}: useradd --system {who}") from None
    user = Account(found.pw_name, found.pw_uid, found.pw_gid)
    if not user.is_us and os.geteuid() != 0:
        raise StartError(f"Only root can set a service up that runs as {user.name}")
    for path in () if user.is_us else (Path(sys.executable).parent, Path(sys.executable).resolve()):
        if not all(part.stat().st_mode & 0o001 for part in (path, *path.parents)):
            raise StartError(
                f"{user.name} cannot run what is in {path}: install the bridge elsewhere, as in /opt/bridge"
            )
    return user


def files(texts: Mapping[str, str], folder: Path, user: Account) -> dict[str, str]:
    """Every file of a deployment by its name, for a service with these settings whose files are in this folder.

    Raises StartError where a setting is wrong.
    """
    settings = parse_settings(texts)
    channel = load_channel(settings.channel)
    if any(set(value) & set("\"'\\\n") for value in texts.values()):
        raise StartError("Quotes and backslashes cannot be written into the env file")
    public = urlsplit(settings.url)
    programme = Path(sys.executable).parent / "linnworks-bridge"
    places = [folder.absolute(), settings.data_dir.absolute(), programme]
    for place in places:
        if not re.fullmatch(r"[\w@+./-]+", str(place)):
            raise StartError(f"{place} cannot be written into a unit: choose a path without spaces and signs")
    values: dict[str, Any] = {
        "texts": texts,
        "settings": settings,
        "data_dir": settings.data_dir.absolute(),
        "state": _below(settings.data_dir.absolute(), Path("/var/lib")),
        "env_file": folder.absolute() / ENV_FILE,
        "programme": programme,
        "at_home": any(_below(place, Path(home)) for place in places for home in ("/home", "/root")),
        "user": user,
        "public": public,
        "site": public.netloc if public.scheme == "https" else f"http://{public.netloc}",
    }
    environment = Environment(
        loader=PackageLoader("bridge.ops.deployment"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 these are no pages
    )
    environment.filters["sh"] = lambda value: shlex.quote(str(value))
    document = manifest(settings, channel, settings.url)
    return {
        **{name: environment.get_template(name).render(values) for name in MEANINGS if name != MANIFEST},
        MANIFEST: json.dumps(document, indent=2) + "\n",
    }


def write(contents: Mapping[str, str], folder: Path, user: Account, *, force: bool) -> None:
    """Write the files, readable by the service; raises StartError where one is there already.

    Forced, it keeps those that are there under names that end with .old.
    """
    there = [str(folder / name) for name in contents if (folder / name).exists()]
    if there and not force:
        raise StartError(f"There already: {', '.join(there)}; --force writes them anew")
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    for name, text in contents.items():
        path = folder / name
        if path.exists():
            path.replace(path.with_name(f"{name}.old"))  # it may have settings, or a key, that nobody asked about
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        if name == ENV_FILE and not user.is_us:
            os.chown(path, os.geteuid(), user.gid)  # it may come to hold a password
        path.chmod(MODES.get(name, 0o644))


def make_key(data_dir: Path, user: Account) -> bool:
    """Make the data folder and a key in it, the service's own; False where there is a key, which stays."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.chown(data_dir, user.uid, user.gid)
    return make_key_file(data_dir / KEY_FILE, (user.uid, user.gid))


def _below(path: Path, parent: Path) -> str:
    return str(path.relative_to(parent)) if path != parent and path.is_relative_to(parent) else ""
