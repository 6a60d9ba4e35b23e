"""`linnworks-bridge init` writes all files of a deployment, which agree with each other, and overwrites none."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.cli import main
from bridge.ops.temporary_server import free_port
from bridge.settings import load_settings
from tests.processes import healthy, until

NAMES = {
    "bridge.env",
    "linnworks-bridge",
    "linnworks-bridge.service",
    "linnworks-bridge.socket",
    "Caddyfile",
    "nginx.conf",
    "manifest.json",
}
OPTIONS = ("--yes", "--base-url", "https://bridge.example.com", "--data-dir", "data", "--out", "setup")


@pytest.fixture
def init(tmp_path, monkeypatch):
    """Run the command in an empty folder; return its output."""
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: str, status: int = 0, answers: str | None = None) -> str:
        result = CliRunner().invoke(main, ["init", *arguments], input=answers)

        assert status == result.exit_code, result.output
        return result.output

    return invoke


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
    output = init(answers="https://shop.example.com/bridge\nwoocommerce\nown\n\nfiles\n")
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
    assert texts["Caddyfile"].startswith("bridge.example.com {")
    assert "proxy_pass http://127.0.0.1:9009/;" in texts["nginx.conf"]
    assert f"BRIDGE_ENV_FILE={Path('setup/bridge.env').absolute()}" in texts["linnworks-bridge.service"]
    assert "ListenStream=127.0.0.1:" in texts["linnworks-bridge.socket"]
    assert f"ReadWritePaths={Path('data').absolute()}" in texts["linnworks-bridge.service"]
    assert "{{" not in "".join(texts.values())


def test_systemd_makes_a_data_folder_below_var_lib(init):
    """
    The unit has it as StateDirectory; with --show nothing is written.
    """
    output = init("--yes", "--show", *OPTIONS[1:3], "--data-dir", "/var/lib/x", "--out", "/etc/x")

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
    assert "https addresses only" in init("--yes", "--data-dir", "data", "--out", "setup")


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
