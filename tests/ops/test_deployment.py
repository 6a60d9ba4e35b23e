"""`linnworks-bridge init` writes all that a machine needs, fitting together, and nothing over what is there."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.cli import main
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
USUAL = ("--yes", "--base-url", "https://bridge.example.com", "--data-dir", "data", "--out", "setup")


@pytest.fixture
def init(tmp_path, monkeypatch):
    """Run the command in an empty folder; what it says."""
    monkeypatch.chdir(tmp_path)

    def invoke(*words: str, status: int = 0, answers: str | None = None) -> str:
        result = CliRunner().invoke(main, ["init", *words], input=answers)

        assert status == result.exit_code, result.output
        return result.output

    return invoke


def test_all_is_written_and_explained(init):
    """
    Settings, key, manifest, unit and proxies are there, each with a word on what it is for.
    """
    said = init(*USUAL)

    assert NAMES == {path.name for path in Path("setup").iterdir()}
    assert all(str(Path("setup", name).absolute()) in said for name in NAMES)
    assert 0o600 == stat.S_IMODE(Path("data/secret.key").stat().st_mode)
    assert 0o700 == stat.S_IMODE(Path("data").stat().st_mode)
    assert 0o640 == stat.S_IMODE(Path("setup/bridge.env").stat().st_mode)


def test_the_answers_are_asked_for(init):
    """
    Without options every question is asked, and its usual answer is offered.
    """
    said = init(answers="https://shop.example.com/bridge\nwoocommerce\nown\n\nfiles\n")
    settings = load_settings({"BRIDGE_ENV_FILE": "files/bridge.env"})

    assert 5 == said.count("]: ") + said.count("com: ")
    assert ("woocommerce", "127.0.0.1:8080") == (settings.channel, settings.bind)
    assert ("https://shop.example.com/bridge", Path("own").absolute()) == (settings.url, settings.data_dir)
    assert "handle_path /bridge/*" in Path("files/Caddyfile").read_text()
    assert "location /bridge/ {" in Path("files/nginx.conf").read_text()


def test_everything_names_the_same_places(init):
    """
    Manifest, unit, proxies and command agree with the settings.
    """
    init(*USUAL, "--bind", "127.0.0.1:9009")
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


def test_a_data_folder_of_systemd_s_is_left_to_it(init):
    """
    Below /var/lib systemd makes the folder itself; nothing is written where all is only shown.
    """
    said = init("--yes", "--show", "--base-url", "https://b.example.com", "--data-dir", "/var/lib/x", "--out", "/etc/x")

    assert "StateDirectory=x\n" in said
    assert all(f"==> /etc/x/{name} <==" in said for name in NAMES)
    assert [] == list(Path().iterdir())


def test_nothing_is_overwritten_unasked(init):
    """
    A second time is refused; with --force files are written anew and the old ones kept, but never a key.
    """
    init(*USUAL)
    key = Path("data/secret.key").read_text()
    Path("setup/bridge.env").write_text("# mine")

    assert "--force" in init(*USUAL, status=2)
    assert "# mine" == Path("setup/bridge.env").read_text()
    assert "the key, as it was" in init(*USUAL, "--force")
    assert "# mine" != Path("setup/bridge.env").read_text()
    assert "# mine" == Path("setup/bridge.env.old").read_text()
    assert key == Path("data/secret.key").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--base-url", "bridge.example.com"), "BRIDGE_BASE_URL must be"),
        (("--channel", "nothing.like.it"), "neither built in"),
        (("--bind", "8080"), "BRIDGE_BIND must be"),
        (("--user", "nobody-of-this-name"), "useradd --system nobody-of-this-name"),
        (("--data-dir", "two words"), "a path without spaces"),
        (("--base-url", "https://bridge.example.com/it's"), "Quotes and backslashes"),
    ],
)
def test_a_wrong_answer_writes_nothing(init, words, said):
    """
    It is told in a sentence with status 2.
    """
    assert said in init(*USUAL, *words, status=2)
    assert [] == list(Path().iterdir())


def test_an_address_without_tls_is_pointed_out(init):
    """
    Linnworks calls https only.
    """
    assert "nothing but https" in init("--yes", "--data-dir", "data", "--out", "setup")


def test_the_service_starts_from_what_was_written(init, tmp_path):
    """
    The command written runs the service with the settings and the key written.
    """
    from bridge.ops.temporary_server import free_port

    port = free_port()
    init(*USUAL, "--bind", f"127.0.0.1:{port}")
    key = Path("data/secret.key").read_text()
    command = str(tmp_path / "setup/linnworks-bridge")
    process = subprocess.Popen([command, "serve"], cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    health = until(lambda: healthy(port))
    process.terminate()
    process.wait(20)

    assert "ok" == health["status"]
    assert key == Path("data/secret.key").read_text()
    assert Path("data/bridge.db").exists()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not here")
def test_systemd_takes_the_unit(init):
    """
    systemd finds nothing wrong with it, and its exposure low.
    """
    init(*USUAL)
    verified = subprocess.run(
        ["systemd-analyze", "verify", "setup/linnworks-bridge.service", "setup/linnworks-bridge.socket"],
        capture_output=True,
        text=True,
    )
    security = ["systemd-analyze", "security", "--offline=yes", "--threshold=25", "setup/linnworks-bridge.service"]

    assert (0, "") == (verified.returncode, verified.stderr)
    assert 0 == subprocess.run(security, capture_output=True).returncode


@pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is not here")
def test_nginx_takes_its_configuration(init, tmp_path):
    """
    nginx finds nothing wrong with it.
    """
    init(*USUAL)
    around = f"events {{}} pid {tmp_path}/pid; error_log stderr; http {{ access_log off; include setup/nginx.conf; }}"
    Path("around.conf").write_text(around)
    command = ["nginx", "-t", "-p", str(tmp_path), "-c", "around.conf"]

    assert 0 == subprocess.run(command, capture_output=True, text=True).returncode
