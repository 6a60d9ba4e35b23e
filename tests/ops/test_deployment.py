"""`linnworks-bridge init` writes all files of a deployment, which agree with each other, and overwrites none."""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from bridge.app import create_app
from bridge.ops import deployment
from bridge.ops.temporary_server import free_port
from bridge.settings import load_settings
from bridge.store.database import close_store
from tests.conftest import sqlite_only, stop
from tests.processes import healthy, until

NAMES = {
    "bridge.env",
    "linnworks-bridge",
    "linnworks-bridge.service",
    "linnworks-bridge.socket",
    "linnworks-bridge-backup.service",
    "linnworks-bridge-backup.timer",
    "Caddyfile",
    "nginx.conf",
    "manifest.json",
}
ADDRESS = ("--base-url", "https://bridge.example.com")
OPTIONS = ("--yes", "--no-oauth", *ADDRESS, "--data-dir", "data", "--out", "setup")
WITH_OAUTH = tuple(option for option in OPTIONS if option != "--no-oauth")


def test_all_files_are_written_and_explained(init):
    """
    Settings, key, manifest, units and proxy configurations are written, and the output says what each is for.
    """
    output = init(*OPTIONS)

    assert NAMES == {path.name for path in Path("setup").iterdir()}
    assert all(str(Path("setup", name).absolute()) in output for name in NAMES)
    assert 0o600 == stat.S_IMODE(Path("data/secret.key").stat().st_mode)
    assert 0o700 == stat.S_IMODE(Path("data").stat().st_mode)
    assert 0o640 == stat.S_IMODE(Path("setup/bridge.env").stat().st_mode)


def test_init_asks_for_what_no_option_gives(init):
    """
    Without options every question is asked, with its default.
    """
    output = init("--no-oauth", answers="https://shop.example.com/bridge\nwoocommerce\nown\n\nfiles\n")
    settings = load_settings({"BRIDGE_ENV_FILE": "files/bridge.env"})

    assert 5 == output.count("]: ") + output.count("com: ")
    assert ("woocommerce", "127.0.0.1:8080") == (settings.channel, settings.bind)
    assert ("https://shop.example.com/bridge", Path("own").absolute()) == (settings.url, settings.data_dir)
    assert "handle_path /bridge/*" in Path("files/Caddyfile").read_text()
    assert "location /bridge/ {" in Path("files/nginx.conf").read_text()


def test_the_files_agree_with_the_settings(init):
    """
    Manifest, units, proxy configurations and command have the same addresses and paths.
    """
    init(*OPTIONS, "--bind", "127.0.0.1:9009")
    texts = {name: Path("setup", name).read_text() for name in NAMES}
    (module,) = json.loads(texts["manifest.json"])["modules"]
    values = {parameter["name"]: parameter["value"] for parameter in module["parameters"]}

    assert "https://bridge.example.com/api/Order/Orders" == values["OrdersEndpoint"]
    assert "reverse_proxy 127.0.0.1:9009" in texts["Caddyfile"]
    assert "\nbridge.example.com {" in texts["Caddyfile"]
    assert "proxy_pass http://127.0.0.1:9009/;" in texts["nginx.conf"]
    assert f"BRIDGE_ENV_FILE={Path('setup/bridge.env').absolute()}" in texts["linnworks-bridge.service"]
    assert "ListenStream=127.0.0.1:" in texts["linnworks-bridge.socket"]
    assert f"ReadWritePaths={Path('data').absolute()}" in texts["linnworks-bridge.service"]
    assert "{{" not in "".join(texts.values())


@sqlite_only
def test_oauth_is_on_from_the_start(init):
    """
    What to enter in Linnworks is printed once, with a manifest that names the token endpoint.
    """
    output = init(*WITH_OAUTH)
    client_id, secret = (re.search(rf"^{name}: (\S+)$", output, re.M)[1] for name in ("client_id", "client_secret"))
    app = create_app(load_settings({"BRIDGE_ENV_FILE": "setup/bridge.env"}))
    stop(app)
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    granted = app.test_client().post("/api/oauth/authorize", data=form).json
    refused = app.test_client().post("/api/Listing/GetConfiguratorSettings").json
    close_store()

    assert "read write" == granted["scope"]
    assert "access token" in refused["Error"]
    assert "https://bridge.example.com/api/oauth/authorize" in Path("setup/manifest.json").read_text()
    assert 0o600 == stat.S_IMODE(Path("data/bridge.db").stat().st_mode)


def test_an_installation_that_exists_keeps_its_clients(init):
    """
    Its sellers' calls are not suddenly refused, and no secret is printed.
    """
    init(*WITH_OAUTH)
    output = init(*WITH_OAUTH, "--force")

    assert "client_secret" not in output
    assert "linnworks-bridge oauth list" in output


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another user")
def test_what_root_makes_belongs_to_the_service_s_user(tmp_path):
    """
    The database with the first client too, which the service could not write to otherwise.
    """
    nobody = pwd.getpwnam("nobody")
    folder = Path(tempfile.mkdtemp(dir="/tmp"))  # pytest's own folders cannot be entered by another user
    try:
        folder.chmod(0o755)
        data = folder / "data"
        user = deployment.Account("nobody", nobody.pw_uid, nobody.pw_gid)
        deployment.make_key(data, user)
        client_id, secret = deployment.first_client({"BRIDGE_DATA_DIR": str(data)}, user)

        assert (24, 43) == (len(client_id), len(secret))
        assert {nobody.pw_uid} == {path.stat().st_uid for path in (data, *data.iterdir())}
    finally:
        shutil.rmtree(folder)


def test_the_wrapper_never_shares_root_s_terminal(monkeypatch, tmp_path):
    """
    Another user's program gets a terminal of its own, or a session without one; the status is that of the program.
    """
    monkeypatch.setattr(deployment.Account, "is_current", False)
    files = deployment.render({"BRIDGE_DATA_DIR": "/var/lib/x"}, tmp_path, deployment.Account("nobody", 1, 1))
    for name, text in {
        "linnworks-bridge": files["linnworks-bridge"],
        "runuser": f"#!{sys.executable}\nimport os, sys\nprint(os.getsid(0), sys.argv, sys.stdin.read())\nexit(7)\n",
    }.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    environ = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    ran = subprocess.run(
        [tmp_path / "linnworks-bridge", "a b"], env=environ, input="typed", capture_output=True, text=True
    )

    assert 7 == ran.returncode
    assert int(ran.stdout.split()[0]) != os.getsid(0)
    assert "'a b'] typed" in ran.stdout
    assert "if [ -t 0 ] && [ -t 1 ]; then\n    exec runuser --pty" in files["linnworks-bridge"]


def test_the_proxies_keep_slow_and_large_requests_to_themselves(init, monkeypatch):
    """
    They buffer requests, with the words of the Caddy that is installed, and limit sizes, times and connections.
    """
    init(*OPTIONS)
    caddy, nginx = (Path("setup", name).read_text() for name in ("Caddyfile", "nginx.conf"))
    monkeypatch.setattr(deployment, "caddy_version", lambda: (2, 6))
    init(*OPTIONS, "--force")
    old = Path("setup/Caddyfile").read_text()

    assert "request_buffers 4000000\n" in caddy
    assert "buffer_requests\n" in old
    assert "max_buffer_size 4000000\n" in old
    assert "max_size 4000000\n" in caddy
    assert "read_body 30s\n" in caddy
    for words in ("proxy_request_buffering on;", "limit_conn bridge_clients 100;", "client_body_timeout 10s;"):
        assert words in nginx
    assert "client_max_body_size 4000000;" in nginx
    assert all("Strict-Transport-Security" in text for text in (caddy, nginx, old))


def test_systemd_makes_a_data_folder_below_var_lib(init):
    """
    The unit has it as StateDirectory; with --show nothing is written.
    """
    output = init("--yes", "--show", *ADDRESS, "--data-dir", "/var/lib/x", "--out", "/etc/x")

    assert "StateDirectory=x\n" in output
    assert all(f"==> /etc/x/{name} <==" in output for name in NAMES)
    assert [] == list(Path().iterdir())


def test_nothing_is_overwritten_without_force(init):
    """
    A second run is refused; with --force files are replaced and the old ones kept, but the key stays.
    """
    init(*OPTIONS)
    key = Path("data/secret.key").read_text()
    Path("setup/bridge.env").write_text("# mine")

    assert "--force" in init(*OPTIONS, status=2)
    assert "# mine" == Path("setup/bridge.env").read_text()
    assert "the existing key" in init(*OPTIONS, "--force")
    assert "# mine" != Path("setup/bridge.env").read_text()
    assert "# mine" == Path("setup/bridge.env.old").read_text()
    assert key == Path("data/secret.key").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--base-url", "bridge.example.com"), "BRIDGE_BASE_URL must be"),
        (("--channel", "nothing.like.it"), "neither built in"),
        (("--bind", "8080"), "BRIDGE_BIND must be"),
        (("--user", "no-such-user"), "useradd --system no-such-user"),
        (("--data-dir", "two parts"), "a path without spaces"),
        (("--base-url", "https://bridge.example.com/it's"), "Quotes and backslashes"),
    ],
)
def test_a_wrong_answer_writes_nothing(init, arguments, message):
    """
    It gets a sentence and exit status 2.
    """
    assert message in init(*OPTIONS, *arguments, status=2)
    assert [] == list(Path().iterdir())


def test_an_address_without_tls_gets_a_warning(init):
    """
    Linnworks calls https addresses only.
    """
    assert "https addresses only" in init("--yes", "--no-oauth", "--data-dir", "data", "--out", "setup")


@pytest.mark.service
def test_the_service_starts_from_the_written_files(init, tmp_path):
    """
    The written command runs the service with the written settings and key.
    """
    port = free_port()
    init(*OPTIONS, "--bind", f"127.0.0.1:{port}")
    key = Path("data/secret.key").read_text()
    command = str(tmp_path / "setup/linnworks-bridge")
    process = subprocess.Popen([command, "serve"], cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    health = until(lambda: healthy(port))
    process.terminate()
    process.wait(20)

    assert "ok" == health["status"]
    assert key == Path("data/secret.key").read_text()
    assert Path("data/bridge.db").exists()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_accepts_the_units(init):
    """
    systemd finds no error in them, and a low exposure.
    """
    init(*OPTIONS)
    verified = subprocess.run(
        ["systemd-analyze", "verify", "setup/linnworks-bridge.service", "setup/linnworks-bridge.socket"],
        capture_output=True,
        text=True,
    )
    security = ["systemd-analyze", "security", "--offline=yes", "--threshold=25", "setup/linnworks-bridge.service"]

    assert (0, "") == (verified.returncode, verified.stderr)
    assert 0 == subprocess.run(security, capture_output=True).returncode


@pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is not installed")
def test_nginx_accepts_its_configuration(init, tmp_path):
    """
    nginx finds no error in it.
    """
    init(*OPTIONS)
    around = f"events {{}} pid {tmp_path}/pid; error_log stderr; http {{ access_log off; include setup/nginx.conf; }}"
    Path("around.conf").write_text(around)
    command = ["nginx", "-t", "-p", str(tmp_path), "-c", "around.conf"]

    assert 0 == subprocess.run(command, capture_output=True, text=True).returncode
