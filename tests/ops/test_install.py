"""`linnworks-bridge init --install` puts files in their places, for one installation on a machine or several."""

from __future__ import annotations

import getpass
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from bridge.ops.deployment import unit_name
from bridge.ops.wording import as_typed
from bridge.settings import load_settings

DEBIAN_S = "# The Caddyfile is an easy way\n:80 {\n\t# a path\n\troot * /usr/share/caddy\n\tfile_server\n}\n"
USER = getpass.getuser()
OPTIONS = ("--yes", "--no-oauth", "--user", USER, "--base-url", "https://bridge.example.com", "--root", "root")
INSTALL = (*OPTIONS, "--install", "--proxy", "caddy")
FIRST = (*INSTALL, "--data-dir", "lib", "--out", "etc", "--backups", "backups")
SECOND = (*INSTALL, "--name", "woo", "--data-dir", "lib-woo", "--out", "etc-woo", "--backups", "backups-woo")
PLACES = (
    "etc/caddy/Caddyfile",
    "etc/systemd/system/linnworks-bridge-backup.service",
    "etc/systemd/system/linnworks-bridge-backup.timer",
    "etc/systemd/system/linnworks-bridge.service",
    "etc/systemd/system/linnworks-bridge.socket",
    "usr/local/bin/linnworks-bridge",
)


def installed() -> list[str]:
    """Return the files below the scratch root."""
    return sorted(str(path.relative_to("root")) for path in Path("root").rglob("*") if path.is_file())


def test_the_files_are_put_in_their_places(init):
    """
    Units, command and proxy file; then only starting is left to type.
    """
    output = init(*FIRST)
    typed = output.partition("paste these commands:\n")[2].splitlines()

    assert list(PLACES) == installed()
    assert 0o755 == stat.S_IMODE(Path("root/usr/local/bin/linnworks-bridge").stat().st_mode)
    assert 0o700 == stat.S_IMODE(Path("backups").stat().st_mode)
    assert f"backup --keep 14 {Path('backups').absolute()}" in Path("root", PLACES[1]).read_text()
    assert ["daemon-reload", "linnworks-bridge-backup.timer", "caddy", "doctor"] == [line.split()[-1] for line in typed]


def test_without_install_the_commands_put_them_there(init):
    """
    Each of these files is named by a command.
    """
    output = init(*(one for one in FIRST if one != "--install"))
    typed = output.partition("paste these commands:\n")[2]

    assert [] == installed()
    assert all(str(Path("etc", Path(place).name).absolute()) in typed for place in PLACES)


def test_a_second_channel_has_everything_under_its_name(init):
    """
    No file, folder or address is that of the first.
    """
    init(*FIRST)
    before = {place: Path("root", place).read_text() for place in PLACES}
    output = init(*SECOND)
    theirs, ours = (load_settings({"BRIDGE_ENV_FILE": f"{folder}/bridge.env"}) for folder in ("etc", "etc-woo"))
    caddy = Path("root/etc/caddy/linnworks-bridge-woo.caddy").read_text()

    assert before == {place: Path("root", place).read_text() for place in PLACES}
    assert 6 == len(set(installed()) - set(PLACES)) == sum("-woo" in place for place in installed())
    assert theirs.data_dir != ours.data_dir
    assert theirs.bind != ours.bind
    assert f"reverse_proxy {ours.bind}" in caddy
    assert "servers {" not in caddy
    assert "import linnworks-bridge-*.caddy" in Path("root/etc/caddy/Caddyfile").read_text()
    assert "zone=bridge_clients_woo:1m" in Path("etc-woo/linnworks-bridge-woo.nginx.conf").read_text()
    assert output.endswith("linnworks-bridge-woo doctor\n")


def test_a_second_channel_speaks_of_its_own_commands(init, monkeypatch):
    """
    What is told to type acts on it, and not on the first; its command and units say which it is.
    """
    init(*SECOND)
    command = ["root/usr/local/bin/linnworks-bridge-woo", "connections", "list"]
    refused = subprocess.run(command, capture_output=True, text=True).stderr
    monkeypatch.setenv("LINNWORKS_BRIDGE_COMMAND", "linnworks-bridge-woo")

    assert "run `linnworks-bridge-woo serve` first" in refused
    assert "stop linnworks-bridge-woo.socket" == as_typed("stop linnworks-bridge.socket")
    assert "run `linnworks-bridge-woo doctor`" == as_typed("run `linnworks-bridge doctor`")
    assert "a.b/linnworks-bridge linnworks-bridge-x" == as_typed("a.b/linnworks-bridge linnworks-bridge-x")
    for unit in ("linnworks-bridge-woo.service", "linnworks-bridge-woo-backup.service"):
        assert "LINNWORKS_BRIDGE_COMMAND=linnworks-bridge-woo\n" in Path("root/etc/systemd/system", unit).read_text()


def test_sites_of_others_are_not_taken_from_caddy(init):
    """
    Debian's own Caddyfile is replaced and kept; one with sites is left, and the output says what to add.
    """
    caddyfile = Path("root/etc/caddy/Caddyfile")
    caddyfile.parent.mkdir(parents=True)
    caddyfile.write_text(DEBIAN_S)
    init(*FIRST)
    replaced = Path("etc/Caddyfile.replaced").read_text()
    caddyfile.write_text("shop.example.com {\n\tfile_server\n}\n")
    output = init(*FIRST, "--force")

    assert DEBIAN_S == replaced
    assert "shop.example.com {\n\tfile_server\n}\n" == caddyfile.read_text()
    assert "has sites of yours" in output


def test_an_installed_file_is_replaced_by_force_only(init):
    """
    Nothing is written before, and what was there is kept.
    """
    unit = Path("root", PLACES[3])
    unit.parent.mkdir(parents=True)
    unit.write_text("mine")

    assert "--force" in init(*FIRST, status=2)
    assert not Path("etc").exists()
    init(*FIRST, "--force")
    assert "mine" == Path("etc/linnworks-bridge.service.replaced").read_text()
    assert "Type=notify" in unit.read_text()


@pytest.mark.parametrize("name", ["backup", "my-backup", "Woo", "../woo", "-woo", "a" * 40])
def test_a_name_that_would_not_do_is_refused(init, name):
    """
    It is part of the names of files and units, of which the backup has some.
    """
    assert "--name takes" in init(*FIRST, "--name", name, status=2)


def test_the_first_installation_has_no_name():
    """
    The names of its units are those of the documentation.
    """
    assert ("linnworks-bridge", "linnworks-bridge-woo") == (unit_name(""), unit_name("woo"))


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_accepts_the_backup(init):
    """
    systemd finds no error in its units.
    """
    init(*SECOND)
    units = [str(path) for path in Path("root/etc/systemd/system").iterdir()]
    verified = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True)

    assert (0, "") == (verified.returncode, verified.stderr)
