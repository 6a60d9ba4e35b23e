"""What root does to the files of the service's user, who may have put links in their place."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from bridge.errors import StartError
from bridge.ops.backup import backup, delete_old_backups, restore, verify_backup
from bridge.ops.deployment import Account, make_key, write
from bridge.ops.deployment.install import files_to_place, install
from bridge.ops.lost_key import forget_key
from bridge.ops.own_command import own_command
from bridge.ops.owner import acting_as, copy_files, owner_to_become
from bridge.settings import Settings
from bridge.vault import KEY_FILE
from tests.conftest import opened, sqlite_only

pytestmark = [sqlite_only, pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")]

SERVICE = Account("service", 64321, 64321)
FILES = ["bridge.db", "bridge.db-wal", "demo-shop.db", KEY_FILE, "archive", ".bridge.db.restored", ".bridge.db"]


@pytest.fixture
def victim(tmp_path_factory) -> Path:
    """A folder of root's with two files, and the files of an installation."""
    folder = tmp_path_factory.mktemp("victim")
    (folder / "file").write_text("root's")
    (folder / "folder").mkdir()
    folder.chmod(0o700)
    return folder


def state(folder: Path) -> list[object]:
    """Return names, owners, modes and contents below a folder."""
    found = sorted([folder, *folder.rglob("*")])
    return [
        (str(path), path.lstat().st_uid, path.lstat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in found
    ]


@pytest.fixture
def installed(tmp_path) -> Settings:
    """An installation of the service's user, and a backup of root's beside it."""
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents[:3]:
        if parent.stat().st_uid == 0 and parent != Path("/tmp"):
            parent.chmod(0o755)
    settings = Settings(data_dir=tmp_path / "data")
    with opened(settings):
        pass
    backup(settings, tmp_path / "backup", with_key=True)
    for path in [settings.data_dir, *settings.data_dir.iterdir()]:
        os.chown(path, SERVICE.uid, SERVICE.gid)
    return settings


def plant(settings: Settings, name: str, victim: Path) -> None:
    """Put a link in the place of one of the installation's files."""
    path = settings.data_dir / name
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.symlink_to(victim / ("folder" if name == "archive" else "file"))
    os.chown(path, SERVICE.uid, SERVICE.gid, follow_symlinks=False)


@pytest.mark.parametrize("name", FILES)
def test_no_command_of_root_touches_what_a_link_leads_to(installed, tmp_path, victim, name):
    """Whichever file is a link, root's files keep their owner, mode and content, and none is read."""
    plant(installed, name, victim)
    before = state(victim)

    with suppress(StartError, OSError):
        restore(installed, tmp_path / "backup", force=True)
    plant(installed, name, victim)
    with suppress(StartError, OSError):
        backup(installed, tmp_path / "new", with_key=True)

    assert before == state(victim)
    assert {SERVICE.uid} == {path.lstat().st_uid for path in [installed.data_dir, *installed.data_dir.rglob("*")]}
    assert [] == [path for path in (tmp_path / "new").glob("*") if path.is_symlink() or b"root's" in path.read_bytes()]


def test_other_commands_act_as_the_services_user(installed, victim):
    """They give up root's rights before they open anything."""
    plant(installed, KEY_FILE, victim)
    before = state(victim)
    environ = {**os.environ, "BRIDGE_DATA_DIR": str(installed.data_dir)}

    result = subprocess.run(
        own_command("keys", "rotate"), env=environ, cwd="/", capture_output=True, check=False, timeout=30
    )

    assert 2 == result.returncode, result.stderr
    assert b"cannot be" in result.stderr
    assert before == state(victim)


def test_root_restores_and_backs_up_another_users_installation(installed, tmp_path):
    """The backup is root's, the installation its user's."""
    restore(installed, tmp_path / "backup", force=True)
    names = backup(installed, tmp_path / "new", with_key=True)

    assert {"bridge.db", KEY_FILE} <= set(names) == {path.name for path in (tmp_path / "new").iterdir()}
    assert {0} == {path.stat().st_uid for path in (tmp_path / "new").iterdir()}
    assert {SERVICE.uid} == {path.lstat().st_uid for path in [installed.data_dir, *installed.data_dir.rglob("*")]}
    assert 0 == os.geteuid()


def test_a_data_folder_that_is_a_link_is_refused(installed, tmp_path, victim):
    """Its user may have put it there."""
    shutil.rmtree(installed.data_dir)
    installed.data_dir.symlink_to(victim)
    os.chown(installed.data_dir, SERVICE.uid, SERVICE.gid, follow_symlinks=False)
    before = state(victim)

    for command in (
        lambda: restore(installed, tmp_path / "backup", force=True),
        lambda: backup(installed, tmp_path / "new", with_key=True),
        lambda: make_key(installed.data_dir, SERVICE),
        lambda: write({"Caddyfile": ""}, installed.data_dir, SERVICE, force=True),
    ):
        with pytest.raises(StartError, match="does not follow"):
            command()
    assert before == state(victim)


def test_root_writes_no_settings_into_a_folder_of_the_services_user(installed):
    """Where it could put links in their place."""
    with pytest.raises(StartError, match="name another folder"):
        write({"Caddyfile": ""}, installed.data_dir, SERVICE, force=True)


@pytest.mark.parametrize("name", ["bridge.db", KEY_FILE])
def test_no_link_in_a_backup_is_followed(installed, tmp_path, victim, name):
    """A backup may lie where the service's user can write."""
    link = tmp_path / "backup" / name
    link.unlink()
    link.symlink_to(victim / "file")

    with pytest.raises(StartError):
        restore(installed, tmp_path / "backup", force=True)


def test_only_files_are_copied(tmp_path):
    """No link, folder or pipe."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "folder").mkdir()
    (tmp_path / "target").mkdir()

    for name in ("pipe", "link", "folder"):
        with pytest.raises(StartError):
            copy_files(tmp_path, [name], tmp_path / "target")
    assert [] == list((tmp_path / "target").iterdir())


def test_root_gets_its_rights_back(installed):
    """After the block, also after an error in it."""
    owner = owner_to_become(installed)
    assert (SERVICE.uid, SERVICE.gid) == owner
    with pytest.raises(PermissionError), acting_as(owner):
        Path("/root/.test").write_text("")

    assert (0, 0) == (os.geteuid(), os.getegid())


def test_old_backups_are_deleted_without_following_links(installed, tmp_path, victim):
    """A backup's folder of the service's user, in which it has put links, costs root nothing."""
    folder = tmp_path / "backups"
    for number in (1, 2, 3):
        place = folder / f"2030010{number}T000000Z"
        place.mkdir(parents=True)
        (place / "bridge.db").touch()
        (place / "link").symlink_to(victim / "folder")
    (folder / "20291231T000000Z").symlink_to(victim)
    for path in (folder, *folder.iterdir()):
        os.chown(path, SERVICE.uid, SERVICE.gid, follow_symlinks=False)
    before = state(victim)

    assert ["20300101T000000Z"] == delete_old_backups(folder, 2)
    assert before == state(victim)


def test_backups_in_a_linked_folder_are_left(installed, tmp_path, victim):
    """Its user may have linked it to another's."""
    link = tmp_path / "backups"
    link.symlink_to(victim)
    os.chown(link, SERVICE.uid, SERVICE.gid, follow_symlinks=False)

    with pytest.raises(StartError, match="does not follow"):
        delete_old_backups(link, 1)


def test_root_verifies_another_users_backup_with_its_rights(installed, tmp_path, victim):
    """Nothing changes in the backup, and a link in it is not followed."""
    os.chown(tmp_path / "backup", SERVICE.uid, SERVICE.gid)
    before = state(tmp_path / "backup")
    verified = verify_backup(installed, tmp_path / "backup")
    (tmp_path / "backup" / "bridge.env").symlink_to(victim / "file")

    assert (0, True) == (verified.integrations, verified.has_key)
    assert before == [one for one in state(tmp_path / "backup") if "bridge.env" not in one[0]]
    with pytest.raises(StartError, match="or is a link"):
        verify_backup(installed, tmp_path / "backup")


def test_a_lost_key_is_replaced_as_the_services_user(installed, victim):
    """What it makes belongs to that user, and a link in place of the key file leads nowhere."""
    plant(installed, KEY_FILE, victim)
    before = state(victim)
    with acting_as(owner_to_become(installed)):
        forget_key(installed)

    assert before == state(victim)
    assert {SERVICE.uid} == {path.lstat().st_uid for path in [installed.data_dir, *installed.data_dir.rglob("*")]}
    assert not (installed.data_dir / KEY_FILE).is_symlink()


@pytest.mark.parametrize("name", ["etc/systemd/system", "usr/local/bin"])
def test_nothing_is_installed_through_another_users_link(installed, tmp_path, victim, name):
    """Root's files go into folders that only root can lead elsewhere."""
    places = files_to_place("", "caddy", tmp_path / "root")
    contents = {file.name: "" for file in places}
    link = tmp_path / "root" / name
    link.parent.mkdir(parents=True)
    link.symlink_to(victim)
    os.chown(link, SERVICE.uid, SERVICE.gid, follow_symlinks=False)
    before = state(victim)

    with pytest.raises(StartError, match="does not follow"):
        install(places, contents, tmp_path)
    assert before == state(victim)
