"""Start a real Medusa from the npm registry, with a PostgreSQL of its own, and stop it again.

    python -m tests.channels.medusa.running start FOLDER
    python -m tests.channels.medusa.running stop FOLDER

Everything is in the folder, which may be deleted afterwards; a folder that was used before starts in seconds. `start`
prints BRIDGE_TEST_MEDUSA_URL and BRIDGE_TEST_MEDUSA_KEY as NAME=VALUE lines. Exit status: 0 it runs, 77 Node,
PostgreSQL or the registry cannot be had here, 1 anything else went wrong.
"""

from __future__ import annotations

import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parent
PACKAGE = json.loads((SOURCE / "package.json").read_text())
OLDEST_NODE = 20
CANNOT_BE_HAD = 77
REGISTRY_SECONDS, INSTALL_SECONDS, COMMAND_SECONDS, START_SECONDS = 60, 600, 300, 120
EMAIL = "owner@example.test"
POSTGRES_OPTIONS = "-c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c synchronous_commit=off"


class CannotBeHad(Exception):
    """What a Medusa needs is not on this machine and cannot be fetched."""


class Shop:
    """A Medusa and its PostgreSQL in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.data = self.folder / "postgres" / "data"

    def start(self) -> dict[str, str]:
        """Install what is missing, start both servers, and return what the tests need to know."""
        node, pg_ctl = find_node(), find_postgres()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)  # PostgreSQL runs as another user if root starts it
        self._install()
        database = self._start_postgres(pg_ctl)
        url = f"http://127.0.0.1:{free_port()}"
        environ = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ},
            "NODE_ENV": "production",
            "MEDUSA_DISABLE_TELEMETRY": "true",
            "SHOP_URL": url,
            "SHOP_DATABASE_URL": database,
            "SHOP_SECRET": secrets.token_hex(16),
        }
        password = secrets.token_hex(16)
        medusa = [node, str(self.folder / "node_modules/@medusajs/cli/cli.js")]
        run([*medusa, "db:migrate"], COMMAND_SECONDS, self.folder, environ)
        email = f"{secrets.token_hex(4)}-{EMAIL}"  # each start makes an owner with a new password
        run([*medusa, "user", "-e", email, "-p", password], COMMAND_SECONDS, self.folder, environ)
        self._start_medusa([*medusa, "start", "-H", "127.0.0.1", "-p", url.rpartition(":")[2]], environ, url)
        return {"BRIDGE_TEST_MEDUSA_URL": url, "BRIDGE_TEST_MEDUSA_KEY": new_key(url, email, password)}

    def stop(self) -> None:
        """Stop both servers, if they run."""
        pid = self.folder / "medusa.pid"
        if pid.exists():
            stop_process(int(pid.read_text()))
            pid.unlink()
        if (self.data / "postmaster.pid").exists():
            stop_postgres = [find_postgres(), "-D", str(self.data), "-m", "immediate", "stop"]
            run(stop_postgres, COMMAND_SECONDS, self.data.parent, as_database_user=True)

    def _install(self) -> None:
        for name in ("package.json", "medusa-config.js"):
            shutil.copy(SOURCE / name, self.folder)
        if (self.folder / "node_modules" / "@medusajs" / "medusa").exists():
            return
        (package, version) = next(item for item in PACKAGE["dependencies"].items() if item[0] == "@medusajs/medusa")
        npm = shutil.which("npm")
        if not npm:
            raise CannotBeHad("there is no npm")
        try:
            run([npm, "view", f"{package}@{version}", "version"], REGISTRY_SECONDS, self.folder)
        except RuntimeError:
            raise CannotBeHad(f"npm's registry cannot be reached, or has no {package} {version}") from None
        install = [npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "--prefer-offline"]
        run([*install, "--loglevel=error"], INSTALL_SECONDS, self.folder)

    def _start_postgres(self, pg_ctl: str) -> str:
        cluster = self.data.parent
        if not self.data.exists():
            cluster.mkdir(exist_ok=True)
            if user := database_user():
                os.chown(cluster, user.pw_uid, user.pw_gid)
            initdb = [str(Path(pg_ctl).with_name("initdb")), "-D", str(self.data), "-U", "medusa", "-A", "trust"]
            run([*initdb, "-E", "UTF8", "--locale=C", "-N"], COMMAND_SECONDS, cluster, as_database_user=True)
        port = free_port()
        command = [pg_ctl, "-D", str(self.data), "-w", "-l", str(cluster / "log")]
        options = f"-c port={port} {POSTGRES_OPTIONS}"
        run([*command, "-o", options, "start"], COMMAND_SECONDS, cluster, as_database_user=True)
        return f"postgres://medusa@127.0.0.1:{port}/postgres"

    def _start_medusa(self, command: list[str], environ: Mapping[str, str], url: str) -> None:
        log = self.folder / "medusa.log"
        with log.open("wb") as output:
            server = subprocess.Popen(
                command,
                cwd=self.folder,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        (self.folder / "medusa.pid").write_text(str(server.pid))
        end = time.monotonic() + START_SECONDS
        while server.poll() is None and time.monotonic() < end:
            try:
                with urllib.request.urlopen(f"{url}/health", timeout=5):
                    return
            except OSError:
                time.sleep(0.2)
        raise RuntimeError("Medusa does not start:\n" + log.read_text(errors="replace")[-3000:])


def find_node() -> str:
    """Return the path of Node, or raise CannotBeHad if it is missing or too old."""
    node = shutil.which("node")
    version = subprocess.run([node, "--version"], capture_output=True, text=True).stdout.strip() if node else ""
    if not node or not version.startswith("v") or int(version[1:].partition(".")[0]) < OLDEST_NODE:
        raise CannotBeHad(f"Medusa needs Node {OLDEST_NODE} or newer, and there is {version or 'none'}")
    return node


def find_postgres() -> str:
    """Return the path of the newest pg_ctl, or raise CannotBeHad."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: int(path.parts[4]))
    found = str(debian[-1]) if debian else shutil.which("pg_ctl")
    if not found:
        raise CannotBeHad("there is no PostgreSQL")
    return found


def database_user() -> pwd.struct_passwd | None:
    """Return the user that PostgreSQL runs as if it is another one, because it refuses to run as root."""
    return None if os.getuid() else pwd.getpwnam("nobody")


def run(
    command: list[str],
    seconds: float,
    folder: Path,
    environ: Mapping[str, str] | None = None,
    *,
    as_database_user: bool = False,
) -> None:
    """Run a command, or raise RuntimeError with the end of its output."""
    user = database_user() if as_database_user else None
    other: dict[str, Any] = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    log = folder / f"{Path(command[0]).name}.log"
    with log.open("w+b") as output:
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                timeout=seconds,
                **other,
            )
            problem = "" if done.returncode == 0 else f"failed with {done.returncode}"
        except subprocess.TimeoutExpired:
            problem = f"took more than {seconds} s"
    if problem:
        raise RuntimeError(f"{' '.join(command[:3])} {problem}:\n{log.read_text(errors='replace')[-3000:]}")


def stop_process(pid: int) -> None:
    """End a server that was started in a session of its own."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                os.killpg(pid, number)
            except ProcessLookupError:
                return
            time.sleep(0.2)


def free_port() -> int:
    """Return a TCP port that is not in use."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def new_key(url: str, email: str, password: str) -> str:
    """Return a new secret API key, made as the owner."""
    login = call(f"{url}/auth/user/emailpass", {"email": email, "password": password})
    answer = call(f"{url}/admin/api-keys", {"title": "Bridge", "type": "secret"}, login["token"])
    return str(answer["api_key"]["token"])


def call(url: str, body: Any, token: str = "") -> Any:
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def main(action: str, folder: str) -> int:
    """Start or stop the shop and return the exit status."""
    shop = Shop(Path(folder))
    try:
        if action == "stop":
            shop.stop()
            return 0
        for name, value in shop.start().items():
            print(f"{name}={value}")
        return 0
    except CannotBeHad as error:
        print(f"A Medusa cannot be had here: {error}", file=sys.stderr)
        return CANNOT_BE_HAD
    except (OSError, RuntimeError, urllib.error.URLError) as error:
        print(error, file=sys.stderr)
        shop.stop()
        return 1


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("start", "stop"):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
