"""Commands in the documentation exist, with the options that they are shown with."""

from __future__ import annotations

import re
import shlex

import click
import pytest

from bridge.cli import main
from tests.docs.pages import PAGES, ROOT, blocks, name_of, prose

SPAN = re.compile(r"`([^`]+)`")
END = re.compile(r"\s(?:&&|\|\||[|;<>]|#)|\n")
NAME = "linnworks-bridge"


def shown_commands(text: str) -> list[str]:
    """Return the words that follow the command's name in a text of shell, a string for each time."""
    text = text.replace("\\\n", " ").replace(f"{NAME} {NAME}", NAME)  # uvx --from PACKAGE COMMAND
    found = re.finditer(rf"(?:^|[\s(/]){NAME} (?=[a-z\[-])", f"{text}\n", re.MULTILINE)
    return [" ".join(END.split(f"{text}\n"[match.end() :], maxsplit=1)[0].split()) for match in found]


def cases() -> list[tuple[str, str]]:
    """Return the commands that each page shows, in blocks and in spans."""
    found = []
    for page in PAGES:
        spans = [" ".join(span.split()) for span in SPAN.findall(prose(page))]
        texts = [one.text for one in blocks(page) if one.language in ("sh", "yaml")] + spans
        found += [(name_of(page), words) for text in texts for words in shown_commands(text)]
    return sorted(set(found))


@pytest.mark.parametrize(("page", "words"), cases())
def test_commands_exist_with_their_options(page, words):
    """
    Command, group and options are those of the program; placeholders stand for arguments.
    """
    _parse(shlex.split(words))


def _parse(words: list[str]) -> None:
    """Raise click's error for a command or option that does not exist, or for too many arguments."""
    command: click.Command = main
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        name, *words = words
        if name == "...":
            return
        assert name in command.commands, f"{command.name} has no command {name}"
        command = command.commands[name]
    words = [word for word in words if word != "..." and word != "--help"]
    _, left, _ = command.make_parser(click.Context(command)).parse_args(words)

    assert [] == left


def test_a_wrong_command_is_noticed():
    """
    These checks fail for commands, options and arguments that do not exist.
    """
    assert ["check URL --soak 5", "doctor"] == shown_commands(
        f"{NAME} check URL \\\n --soak 5 && /opt/{NAME} doctor # x"
    )
    for words in ("chek", "check --sock 5", "doctor all of it", "calls lst"):
        with pytest.raises((AssertionError, click.UsageError)):
            _parse(words.split())


def test_options_in_prose_exist():
    """
    An option that a page of ours names belongs to some command.
    """
    known = {
        option
        for command in _commands(main)
        for param in command.params
        for option in (*param.opts, *param.secondary_opts)
    }
    named = {
        (name_of(page), option)
        for page in PAGES
        for span in SPAN.findall(prose(page))
        for option in re.findall(r"(?:^|\s)(--[a-z][a-z-]+)", span)
    }

    assert [] == sorted((page, option) for page, option in named if option not in known | OF_OTHERS)


OF_OTHERS = {
    "--build",
    "--help",
    "--upgrade",
    "--now",
    "--nginx",
    "--hypothesis-profile",
    "--pdb",
    "--quick",
    "--part",
    "--gate",
}
"""Options of docker, pip, systemctl, certbot, pytest and the bench."""


def _commands(group: click.Group):
    for command in group.commands.values():
        yield command
        if isinstance(command, click.Group):
            yield from _commands(command)


def test_targets_of_make_exist():
    """
    `make TARGET` in a page is a target of the Makefile.
    """
    makefile = (ROOT / "Makefile").read_text("utf-8")
    named = {target for page in PAGES for target in re.findall(r"`make ([a-z]+)`", prose(page))}

    assert named
    assert [] == sorted(target for target in named if f"\n{target}:" not in makefile)
