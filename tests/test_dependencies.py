"""setup.cfg, constraints.txt and constraints-lowest.txt agree about the dependencies."""

from __future__ import annotations

from configparser import ConfigParser
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
SETUP = ConfigParser()
SETUP.read(ROOT / "setup.cfg")


def required() -> dict[str, Requirement]:
    """Return what the package and its extras for operators require, by name."""
    extras = SETUP["options.extras_require"]
    lines = [SETUP["options"]["install_requires"], extras["docs"], extras["notify"], extras["postgres"]]
    found = [Requirement(line) for line in "\n".join(lines).splitlines() if line]
    return {canonicalize_name(one.name): one for one in found}


def pinned(name: str) -> dict[str, list[Version]]:
    """Return the versions in a constraints file, of which there may be one for each version of Python."""
    versions: dict[str, list[Version]] = {}
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            requirement = Requirement(line)
            (specifier,) = requirement.specifier
            versions.setdefault(canonicalize_name(requirement.name), []).append(Version(specifier.version))
    return versions


def test_the_lowest_versions_are_the_lower_bounds():
    """
    constraints-lowest.txt has each dependency at its lower bound, so that the tests run with it.
    """
    bounds = {
        name: [Version(one.version) for one in requirement.specifier if one.operator == ">="]
        for name, requirement in required().items()
    }

    assert bounds == pinned("constraints-lowest.txt")


def test_the_tested_versions_are_within_the_bounds():
    """
    constraints.txt has each dependency at a version that setup.cfg allows.
    """
    tested = pinned("constraints.txt")

    assert required().keys() <= tested.keys()
    assert [] == [
        name
        for name, requirement in required().items()
        if not all(version in requirement.specifier for version in tested[name])
    ]
