"""Imports point one way, so that every room can be read without those above it."""

from __future__ import annotations

import ast
from pathlib import Path

import bridge

ROOT = Path(bridge.__file__).parent

# from the ground up: a room imports from its own floor or lower ones, never upwards
FLOORS = [
    {"errors"},
    {"clock", "settings"},
    {"messages", "vault", "gate", "throttle", "logs", "metrics"},
    {"store"},
    {"channels", "watch"},
    {"screening"},
    {"wizard", "ledger", "window", "grants"},
    {"feeds", "spool", "retention", "keeping"},
    {"worker"},
    {"contract"},
    {"openapi"},
    {"areas"},
    {"manifest", "app", "doctor"},
    {"serving", "trial", "check", "deployment"},
    {"cli"},
]
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}


def rooms_imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = [
        f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    ]
    names += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    return {name.split(".")[1] for name in names if name.startswith("bridge.")} & FLOOR.keys()


def files_of(room: str) -> list[Path]:
    return [ROOT / f"{room}.py"] if (ROOT / f"{room}.py").exists() else sorted((ROOT / room).rglob("*.py"))


def test_every_file_is_in_a_room():
    """
    No module stands outside the order.
    """
    rooms = {path.relative_to(ROOT).parts[0].removesuffix(".py") for path in ROOT.rglob("*.py")}

    assert {"__init__", "__main__", "migrations"} == rooms - FLOOR.keys()


def test_imports_point_downwards():
    """
    A room imports only from rooms below it.
    """
    upwards = [
        f"{path.relative_to(ROOT)} imports {other}"
        for room, floor in FLOOR.items()
        for path in files_of(room)
        for other in sorted(rooms_imported(path) - {room})
        if FLOOR[other] >= floor
    ]

    assert [] == upwards


def test_only_the_areas_and_what_is_above_them_know_flask():
    """
    Everything below the seam can be used without a web framework.
    """
    knowing = {
        room
        for room in FLOOR
        for path in files_of(room)
        if "from flask" in (source := path.read_text(encoding="utf-8")) or "import flask" in source
    }

    assert {"contract", "areas", "app"} == knowing


def test_the_checker_knows_nothing_of_the_service():
    """
    `bridge check` judges by the protocol, so it shares no code with what it judges.
    """
    assert {str(path.name): set() for path in files_of("check")} == {
        path.name: rooms_imported(path) - {"check"} for path in files_of("check")
    }
