"""Puts the files of a deployment where they belong, and says what to type then."""

from __future__ import annotations

import os
import re
import shutil
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

from bridge.errors import StartError
from bridge.ops.deployment import CADDY, COMMANDS, NGINX, UNITS, Account, File, files_of, mode_of, unit_name
from bridge.ops.owner import ROOT, refuse_links

CADDYFILE = "Caddyfile"
IMPORT = "import linnworks-bridge-*.caddy"
OTHER_SITES = "has sites of yours, and is not replaced: add"
DEBIAN_S = [":80 {", "root * /usr/share/caddy", "file_server", "}"]
"""What Debian's Caddyfile holds besides comments."""


def find_proxy() -> str:
    """Return the proxy that is installed; Caddy if both or none are."""
    return "nginx" if shutil.which("nginx") and not shutil.which("caddy") else "caddy"


def files_to_place(name: str, proxy: str, root: Path) -> dict[File, Path]:
    """Return the files of an installation that belong outside its folder, and the place of each below `root`.

    A Caddyfile with sites that we did not write is left to its owner.
    """
    found = {}
    for file in files_of(name):
        if file.place is None or file.place.parent in {CADDY, NGINX} - {CADDY if proxy == "caddy" else NGINX}:
            continue
        place = root / file.place.relative_to("/")
        if file.name != CADDYFILE or not has_other_sites(place):
            found[file] = place
    return found


def has_other_sites(caddyfile: Path) -> bool:
    """Return whether a Caddyfile serves something that neither the bridge nor Debian's package has put there."""
    try:
        lines = [line.strip() for line in caddyfile.read_text(encoding="utf-8").splitlines()]
    except FileNotFoundError:
        return False
    return IMPORT not in lines and [line for line in lines if line and not line.startswith("#")] not in ([], DEBIAN_S)


def refuse_existing(places: Mapping[File, Path], contents: Mapping[str, str]) -> None:
    """Raise StartError if there is another file in one of the places; Debian's Caddyfile may be replaced."""
    existing = [
        str(place)
        for file, place in places.items()
        if place.exists() and file.name != CADDYFILE and place.read_text(encoding="utf-8") != contents[file.name]
    ]
    if existing:
        raise StartError(f"These files exist: {', '.join(existing)}; --force replaces them")


def install(places: Mapping[File, Path], contents: Mapping[str, str], folder: Path) -> list[Path]:
    """Put the files in their places and return these; what was there before is kept in `folder`, as NAME.replaced."""
    for file, place in places.items():
        refuse_links(place.absolute())
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.exists():
            shutil.copyfile(place, folder / f"{file.name}.replaced")
        text = contents[file.name]
        temporary = place.with_name(f".{place.name}.new")
        temporary.unlink(missing_ok=True)
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as writing:
            writing.write(text)
        temporary.chmod(mode_of(file.name, text))
        temporary.replace(place)
    return list(places.values())


def commands(
    name: str,
    folder: Path,
    user: Account,
    backups: Path,
    *,
    proxy: str,
    installed: bool,
    root: Path = Path("/"),
    hostname: str = "",
) -> Iterator[str]:
    """Yield the commands that start the service; if the files are not installed, first those that put them there."""
    unit, sudo = unit_name(name), "" if os.geteuid() == ROOT else "sudo "
    files = {file.place: folder.absolute() / file.name for file in files_of(name) if file.place}
    if not installed:
        yield f"{sudo}install -d -o {user.name} -m 700 {backups.absolute()}"
        units = " ".join(str(path) for place, path in files.items() if place.parent == UNITS)
        yield f"{sudo}install -m 644 {units} {UNITS}/"
        yield f"{sudo}install -m 755 {files[COMMANDS / unit]} {COMMANDS}/"
    caddyfile = CADDY / CADDYFILE
    if proxy == "nginx":
        if not installed:
            yield f"{sudo}install -m 644 {files[NGINX / unit]} {NGINX / unit}"
    elif not name and has_other_sites(root / caddyfile.relative_to("/")):
        yield f"# {caddyfile} {OTHER_SITES} {files[caddyfile]} to it"
    else:
        place = CADDY / f"{unit}.caddy" if name else caddyfile
        if not installed:
            yield f"{sudo}install -m 644 {files[place]} {place}"
        if name:
            yield f"grep -qsxF '{IMPORT}' {caddyfile} || echo '{IMPORT}' | {sudo}tee -a {caddyfile}"
    yield f"{sudo}systemctl daemon-reload"
    yield f"{sudo}systemctl enable --now {unit}.socket {unit}.service {unit}-backup.timer"
    yield f"{sudo}systemctl reload {proxy}"
    if proxy == "nginx":
        yield f"{sudo}certbot --nginx -d {hostname}"
    yield f"{sudo}{unit} doctor"


def free_address(root: Path, first: int = 8081) -> str:
    """Return an address on this machine that no unit of another installation has, and at which nothing listens."""
    taken: set[int] = set()
    for path in (root / UNITS.relative_to("/")).glob("linnworks-bridge*.socket"):
        taken |= {int(port) for port in re.findall(r":([0-9]{1,5})$", path.read_text(encoding="utf-8"), re.MULTILINE)}
    port = next(port for port in range(first, 65536) if port not in taken and _is_free(port))
    return f"127.0.0.1:{port}"


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
