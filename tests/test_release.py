"""What `make release` makes of links and addresses."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SPEC = importlib.util.spec_from_file_location("release", ROOT / "packaging/release.py")
release = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(release)


def test_the_links_of_the_readme_become_absolute():
    """
    Those that are absolute stay, and each file that is linked exists.
    """
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    text = release.absolute(readme, "https://example.com/b/blob/v1")
    targets = release.LINK.findall(readme)

    assert "(https://example.com/b/blob/v1/docs/install.md)" in text
    assert "(https://example.com/b/blob/v1/docs/pictures/console.png?raw=true)" in text
    assert [] == release.LINK.findall(text)
    assert [] == [target for target in targets if not (ROOT / target.partition("#")[0]).exists()]
    assert "[a](https://x.y/z) [b](#c)" == release.absolute("[a](https://x.y/z) [b](#c)", "https://example.com")


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("https://github.com/you/name.git\n", "https://github.com/you/name"),
        ("git@github.com:you/name.git", "https://github.com/you/name"),
        ("ssh://git@example.com/you/name", "https://example.com/you/name"),
        ("/srv/repository", ""),
        ("", ""),
    ],
)
def test_the_web_address_of_a_repository(remote, address):
    """
    A remote's address is where its files can be read, if it is on a web server.
    """
    assert address == release.web_address(remote)


def test_the_package_gets_links(tmp_path):
    """
    setup.cfg has the repository's address and that of this version's files.
    """
    for name in ("README.md", "setup.cfg"):
        (tmp_path / name).write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    release.prepare(tmp_path, "https://example.com/b", "v1")
    text = (tmp_path / "setup.cfg").read_text(encoding="utf-8")

    assert "url = https://example.com/b\n" in text
    assert "Changelog = https://example.com/b/blob/v1/CHANGELOG.md\n" in text
