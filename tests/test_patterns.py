"""Every regular expression of the package takes a time that grows with the length of the text alone."""

from __future__ import annotations

import ast
import re
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import bridge

codes: Any = getattr(re, "_parser", None) or getattr(re, "sre_parse")  # noqa: B009 (its name before Python 3.11)

LENGTH, SHORT = 10_000, 20
MOST_SECONDS = 0.02
"""For one text of that length; a pattern that reads each rest again needs several times this, others a tenth."""
MOST_UNITS = 60

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
            yield from _members(value)
        elif code is codes.BRANCH:
            for branch in value[1]:
                yield from pieces(branch)
        elif code in (codes.MAX_REPEAT, codes.MIN_REPEAT):
            yield from pieces(value[2])
        elif code is codes.SUBPATTERN:
            yield from pieces(value[-1])
    if word:
        yield word


def _members(entries: Any) -> Iterator[str]:
    found = []
    for code, value in entries:
        if code is codes.LITERAL:
            found.append(chr(value))
        elif code is codes.RANGE:
            found.append(chr(value[0]))
        elif code is codes.CATEGORY:
            found.append({codes.CATEGORY_DIGIT: "1", codes.CATEGORY_SPACE: " "}.get(value, "a"))
    if not found or entries[0][0] is codes.NEGATE:
        found = ["a"]
    yield from dict.fromkeys((found[0], found[-1]))


def examples(parsed: Any) -> Iterator[str]:
    """Yield a text that matches for each branch of a pattern; assertions are not looked at."""
    branches = parsed[0][1][1] if len(parsed) == 1 and parsed[0][0] is codes.BRANCH else [parsed]
    for branch in branches:
        yield "".join(_example(code, value) for code, value in branch)


def _example(code: Any, value: Any) -> str:
    if code in (codes.MAX_REPEAT, codes.MIN_REPEAT):
        return next(examples(value[2])) * max(1, value[0])
    if code is codes.SUBPATTERN:
        return next(examples(value[-1]))
    if code is codes.BRANCH:
        return next(examples(value[1][0]))
    return next(pieces([(code, value)]), "")


def adversarial(pattern: str | bytes, flags: int) -> Iterator[str | bytes]:
    """Yield texts that nearly match: parts again and again, with an end that fits and with some that do not.

    Short ones come first, as a pattern may take ages for a long one.
    """
    parts = sorted({*pieces(codes.parse(pattern, flags)), " ", "a", "0"})
    units = [*parts, *(one + other for one in parts for other in parts if one != other)]
    beginnings = sorted({"", parts[0], *examples(codes.parse(pattern, flags))})
    for length in (SHORT, LENGTH):
        for unit in sorted(units, key=lambda unit: zlib.crc32(unit.encode()))[:MOST_UNITS] if length > SHORT else parts:
            for beginning in beginnings:
                for end in ("", "\n!", "a"):
                    text = beginning + unit * (length // len(unit)) + end
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


@pytest.mark.parametrize(
    "pattern",
    [
        r"<[^>]*>",
        r"gift.*(message|note|text)|(message|note).*gift",
        r"\b[a-z][a-z+]*:",
        r"x|\b0\d{2,5}[ /-]\d{3,}(?:[ -]?\d+)*\b",
    ],
)
def test_a_quadratic_pattern_would_be_found(pattern):
    """The texts find patterns that read each rest again."""
    assert slow(Use(pattern, 0, "search", "here"))
