"""Foreign text does nothing to the terminal, whichever command prints it."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

import bridge.cli
from bridge.cli.output import new_console, print_document, say, show_table
from bridge.errors import printable

HOSTILE = "a\x1b]0;title\x07\x9b31m\r\x7f\u202eb\u2028"
HARMLESS = r"a\x1b]0;title\x07\x9b31m\r\x7f\u202eb\u2028"
WRITERS = {"click.echo", "click.secho", "click.confirm", "print", "Console", "sys.stdout.write", "sys.stderr.write"}


def test_control_characters_are_written_as_escapes():
    """Everything that is not seen; letters, spaces and emoji of all languages stay."""
    assert HARMLESS == printable(HOSTILE)
    assert "Zoë 1\u00a0000 Ж 👩\u200d🔧" == printable("Zoë 1\u00a0000 Ж 👩\u200d🔧")
    assert r"one\ntwo" == printable("one\ntwo")


def test_lines_documents_and_tables_are_harmless(capsys):
    """What rich prints as well."""
    say(HOSTILE)
    say(HOSTILE, err=True)
    print_document(f"{HOSTILE}\n")
    show_table(("A",), [(HOSTILE,)])
    new_console(200).print(HOSTILE, markup=False, highlight=False)
    printed = "".join(capsys.readouterr())

    assert [] == [character for character in printed if character != "\n" and not character.isprintable()]
    assert 4 == printed.count(HARMLESS)  # rich leaves some of them out


def test_commands_print_by_the_helpers_alone():
    """A command that printed by itself could print an escape."""
    found = [
        f"{path.name}: {ast.unparse(node.func)}"
        for path in Path(bridge.cli.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in WRITERS and path.name != "output.py"
    ]

    assert [] == found


@pytest.mark.parametrize("command", [["connections", "show", "1"], ["connections", "show", "1", "--json"]])
def test_a_stored_name_is_shown_harmlessly(run, linnworks, command):
    """Names that an earlier version stored, too."""
    from bridge.store.connections import Connection

    Connection.update(account_name=HOSTILE).execute()
    printed = run(*command)

    assert [] == [character for character in printed if character != "\n" and not character.isprintable()]
    if "--json" in command:
        assert HOSTILE == json.loads(printed)["account_name"]
