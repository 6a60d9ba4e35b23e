"""Every regular expression of the package takes a time that grows with the length of the text alone."""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import bridge

codes: Any = getattr(re, "_parser", None) or getattr(re, "sre_parse")  # noqa: B009 (its name before Python 3.11)

LENGTH = 10_000
MOST_SECONDS = 0.02
"""For one text of that length; a pattern that reads each rest again needs several times this, others a tenth."""
MOST_UNITS = 100

METHODS = {"search", "match", "fullmatch", "sub", "subn", "split", "findall", "finditer"}
TAKES_A_PATTERN = {"_matching", "matching", "Regexp"}
"""Functions of ours, and of libraries, with a pattern as their first argument."""
DYNAMIC = {
    ("settings.py", "pattern"): "what calls _matching",
    ("check/schema_types.py", "pattern"): "what calls matching",
    ("check/schema_types.py", "_as_python(value)"): "the application under check gives it, and it is only compiled",
    ("channels/demo/shop.py", "pattern"): "NAME and KEY, which the wizard declares",
    ("sync/wizard.py", "item.reg_ex_validation"): "what channels declare",
    ("sync/listing_checks.py", "setting.reg_ex_validation"): "what channels declare",
    ("ops/report.py", "any_word"): "known words, escaped",
    ("check/wizard_values.py", "pattern"): "the application under check gives it, and short values are made for it",
}
"""Patterns that are no constants where they are used, and where they come from."""


@dataclass(frozen=True)
class Use:
    """A pattern, the function that it is used with, and its place."""

    pattern: str | bytes
    flags: int
    method: str
    place: str


def uses(folder: Path) -> Iterator[Use]:
    """Yield all uses of patterns in the modules of a folder."""
    trees = {str(path.relative_to(folder)): ast.parse(path.read_text()) for path in sorted(folder.rglob("*.py"))}
    methods: dict[str, set[str]] = {}
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in METHODS:
                name = ast.unparse(node.value).rpartition(".")[2]
                methods.setdefault(name, set()).add(node.attr)
    constants = {
        f"{prefix}{target.id}": value
        for place, tree in trees.items()
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target, value in _assigned(node.targets[0], node.value)
        for prefix in (f"{place} ", f"{Path(place).stem}.")
    }
    for place, tree in trees.items():
        names = {
            id(node.value): ast.unparse(node.targets[0]) for node in ast.walk(tree) if isinstance(node, ast.Assign)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg == "reg_ex_validation":
                found, used = node.value, {"fullmatch"}
            elif isinstance(node, ast.Call) and (function := _pattern_function(node.func)):
                found, used = node.args[0], {"fullmatch" if function in TAKES_A_PATTERN else function}
                if function == "compile":
                    used = methods.get(names.get(id(node), ""), {"search", "fullmatch"})
            else:
                continue
            source = ast.unparse(found)
            found = constants.get(source) or constants.get(f"{place} {source}") or found
            if not isinstance(found, ast.Constant):
                assert (place, source) in DYNAMIC, f"{place} has a pattern from {source}"
                continue
            flags = ast.unparse(node) if isinstance(node, ast.Call) else ""
            number = sum(getattr(re, flag) for flag in ("ASCII", "IGNORECASE", "DOTALL", "MULTILINE") if flag in flags)
            for method in used:
                yield Use(found.value, number, method, place)


def _assigned(target: ast.expr, value: ast.expr) -> Iterator[tuple[ast.Name, ast.expr]]:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, its_value in zip(target.elts, value.elts, strict=True):
            yield from _assigned(one, its_value)
    elif isinstance(target, ast.Name):
        yield target, value


def _pattern_function(function: ast.expr) -> str:
    """Return the name of a function that takes a pattern first, "" for any other."""
    if isinstance(function, ast.Attribute) and ast.unparse(function.value) == "re":
        return function.attr if function.attr in METHODS | {"compile"} else ""
    name = ast.unparse(function).rpartition(".")[2]
    return name if name in TAKES_A_PATTERN else ""


def pieces(parsed: Any) -> Iterator[str]:
    """Yield texts that parts of a pattern match: single characters, and words of several."""
    word = ""
    for code, value in parsed:
        if code is codes.LITERAL:
            word += chr(value)
            yield chr(value)
            continue
        if word:
            yield word
        word = ""
        if code is codes.NOT_LITERAL:
            yield "x"
        elif code is codes.ANY:
            yield "."
        elif code is codes.IN:
            yield _member(value)
        elif code is codes.BRANCH:
            for branch in value[1]:
                yield from pieces(branch)
        elif code in (codes.MAX_REPEAT, codes.MIN_REPEAT):
            yield from pieces(value[2])
        elif code is codes.SUBPATTERN:
            yield from pieces(value[-1])
    if word:
        yield word


def _member(entries: Any) -> str:
    for code, value in entries:
        if code is codes.LITERAL:
            return chr(value)
        if code is codes.RANGE:
            return chr(value[0])
        if code is codes.CATEGORY:
            return {codes.CATEGORY_DIGIT: "1", codes.CATEGORY_SPACE: " "}.get(value, "a")
    return "a"


def adversarial(pattern: str | bytes, flags: int) -> Iterator[str | bytes]:
    """Yield long texts that nearly match: parts again and again, with an end that fits and with one that does not."""
    parts = sorted({*pieces(codes.parse(pattern, flags)), " ", "a", "0"})
    units = [*parts, *(one + other for one in parts for other in parts if one != other)]
    for unit in units[:MOST_UNITS]:
        for beginning in ("", parts[0]):
            for end in ("", "\n!"):
                text = beginning + unit * (LENGTH // len(unit)) + end
                yield text.encode("latin-1", "replace") if isinstance(pattern, bytes) else text


def seconds(compiled: re.Pattern[Any], method: str, text: Any) -> float:
    """Return how long a pattern takes for a text."""
    arguments = (type(text)(), text) if method in ("sub", "subn") else (text,)
    started = time.thread_time()
    result = getattr(compiled, method)(*arguments)
    if method == "finditer":
        list(result)
    return time.thread_time() - started


FOUND = sorted(set(uses(Path(bridge.__file__).parent)), key=repr)


def slow(use: Use) -> str:
    """Return the beginning of a text for which a pattern takes too long, "" if there is none.

    Another measurement confirms it.
    """
    compiled = re.compile(use.pattern, use.flags)
    for text in adversarial(use.pattern, use.flags):
        if all(seconds(compiled, use.method, text) > MOST_SECONDS for _ in range(2)):
            return repr(text[:20])
    return ""


def test_every_pattern_is_found():
    """Compiled in modules or functions, used by name, or passed to a function as text."""
    patterns = {use.pattern for use in FOUND}

    assert {r"\d{1,12}", r"<[^<>]*>", r"^\s*ck_[0-9a-fA-F]{40}\s*$", "text|json", r"\w+"} <= patterns
    assert len(patterns) > 30


@pytest.mark.parametrize("use", FOUND, ids=lambda use: f"{use.place}-{use.pattern!r}-{use.method}")
def test_a_pattern_is_linear(use):
    """However a text is made, reading it takes hardly longer than its length asks for."""
    assert "" == slow(use)


@pytest.mark.parametrize("pattern", [r"<[^>]*>", r"gift.*(message|note|text)|(message|note).*gift"])
def test_a_quadratic_pattern_would_be_found(pattern):
    """The texts find patterns that read each rest again."""
    assert slow(Use(pattern, 0, "search", "here"))
