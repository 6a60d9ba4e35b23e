"""Imports point one way, so that every room can be read without those above it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import bridge

ROOT = Path(bridge.__file__).parent

LAYERS = [
    {"errors", "masking", "trace"},
    {"clock", "lazy", "settings"},
    {"vault"},
    {"protocol.schemas"},
    {"store"},
    {"channels"},
    {"sync"},
    {"protocol"},
    {"ops"},
    {"app"},
    {"cli"},
]
"""From the ground up: a room imports from lower layers, or from its own. The messages are what all rooms speak."""

LAYER = {room: number for number, rooms in enumerate(LAYERS) for room in rooms}
KNOW_FLASK = {"app", "protocol", "ops"}


def room_of(module: str) -> str:
    """The room that a module of the package is in."""
    parts = module.removeprefix("bridge.").split(".")
    return "protocol.schemas" if parts[:2] == ["protocol", "schemas"] else parts[0]


@pytest.fixture(scope="module")
def modules() -> dict[str, set[str]]:
    """Return what every module imports, by the module's dotted name."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")
        found[name] = imported(ast.parse(path.read_text(encoding="utf-8")))
    return found


def imported(tree: ast.Module) -> set[str]:
    """What a module imports, wherever in it the import stands."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


def test_every_module_is_in_a_room(modules):
    """
    No module stands outside the order.
    """
    rooms = {room_of(name) for name in modules}

    assert {"bridge", "__main__", "check"} | LAYER.keys() == rooms


def test_imports_point_downwards(modules):
    """
    A room imports only from itself and from rooms below it.
    """
    upwards = [
        f"{name} imports {other}"
        for name, names in modules.items()
        if room_of(name) in LAYER
        for other in sorted(names)
        if other.startswith("bridge.")
        and room_of(other) in LAYER
        and room_of(other) != room_of(name)
        and LAYER[room_of(other)] >= LAYER[room_of(name)]
    ]

    assert [] == upwards


def test_nothing_below_the_protocol_knows_flask(modules):
    """
    Channels, store and promises can be used without a web framework.
    """
    knowing = {
        room_of(name)
        for name, names in modules.items()
        if any(other.partition(".")[0] in ("flask", "werkzeug") for other in names)
    }

    assert knowing <= KNOW_FLASK


def test_the_checker_shares_no_code_with_what_it_checks(modules):
    """
    `linnworks-bridge check` judges by the protocol, and imports nothing of the service.
    """
    shared = [
        f"{name} imports {other}"
        for name, names in modules.items()
        if room_of(name) == "check"
        for other in sorted(names)
        if other.startswith("bridge.") and room_of(other) != "check" and other != "bridge.__version__"
    ]

    assert [] == shared
