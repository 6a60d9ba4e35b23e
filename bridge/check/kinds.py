"""Shapes of JSON said as data: how Linnworks reads a value, and the complaints it gives rise to.

Linnworks reads JSON as Newtonsoft does: keys in any case, numbers and flags also as text, enums by name or number.
What such a reader cannot take breaks the shape; what only its leniency lets through is told more softly.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bridge.check.judge import FORM, LIMIT, NAME, SHAPE, TYPE, Complaint, Complaints, Kind, sort

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,7})?)?\s*(Z|[+-]\d\d:?\d\d)?|/Date\(-?\d+\)/")
_USUAL_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_WHOLE = re.compile(r"\s*-?\d+(\.0+)?\s*")


def shape(aliases: Mapping[str, str] | None = None, **fields: Kind) -> Kind:
    """An object with these names; an alias is another spelling that some page has."""
    spellings = {name.casefold(): name for name in fields}
    other = {alias.casefold(): name for alias, name in (aliases or {}).items()}

    def named(value: dict[str, Any]) -> dict[str, tuple[str, Any]]:
        """Each value, with the key it came under, by the protocol's name."""
        found = {key: (key, value[key]) for key in value if key in fields}
        for key, held in value.items():
            name = spellings.get(key.casefold()) or other.get(key.casefold()) or key
            found.setdefault(name, (key, held))
        return found

    def judge(value: Any, where: str) -> Complaints:
        if not isinstance(value, dict):
            yield Complaint(SHAPE, f"{where or 'the answer'} is {sort(value)}, not an object")
            return
        prefix, found = f"{where}." if where else "", named(value)
        for name, kind in fields.items():
            key, held = found.get(name, (name, None))
            if held is not None:
                yield from kind.judge(held, prefix + name)
            elif kind.absent and not (kind.array and name in found):
                yield Complaint(kind.absent, f"{prefix}{name} is {'null' if name in found else 'missing'}")
            elif kind.array and name in found:
                yield Complaint(kind.absent or FORM, f"{prefix}{name} is null, not []")
            if key != name and key.casefold() == name.casefold():
                yield Complaint(NAME, f"{prefix}{key} is spelt {name} in the protocol")
        for name in found.keys() - fields.keys():
            yield Complaint(NAME, f"{prefix}{name} is not a name of the protocol")

    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {n: fields[n].read(held) if n in fields else held for n, (_, held) in named(value).items()}

    return Kind(judge, read, fields=fields)


def many(kind: Kind) -> Kind:
    """An array of these, `[]` when there are none."""

    def judge(value: Any, where: str) -> Complaints:
        if not isinstance(value, list):
            yield Complaint(SHAPE, f"{where} is {sort(value)}, not an array")
            return
        for position, element in enumerate(value):
            yield from kind.judge(element, f"{where}[{position}]")

    def read(value: Any) -> Any:
        return [kind.read(element) for element in value] if isinstance(value, list) else value

    return Kind(judge, read, array=True)


def maybe(kind: Kind) -> Kind:
    """The same, or absent, or null."""
    return replace(kind, absent="")


def ought(kind: Kind, rule: str = TYPE) -> Kind:
    """The same; without it a lenient reader goes on with a default that nobody meant."""
    return replace(kind, absent=rule)


def softly(kind: Kind, rule: str) -> Kind:
    """The same, where a limit and what a lenient reader lets through count as this rule: the sources leave it open."""

    def judge(value: Any, where: str) -> Complaints:
        for complaint in kind.judge(value, where):
            yield complaint if complaint.rule == SHAPE else complaint._replace(rule=rule)

    return replace(kind, judge=judge)


def text(least: int = 0, most: int | None = None, empty: str = SHAPE) -> Kind:
    """A string of at least and at most so many characters; `empty` is the rule that a shorter one breaks."""

    def judge(value: Any, where: str) -> Complaints:
        if isinstance(value, (list, dict)):
            yield Complaint(SHAPE, f"{where} is {sort(value)}, not a string")
            return
        if not isinstance(value, str):
            yield Complaint(TYPE, f"{where} is {sort(value)}, not a string")
        if len(str(value).strip()) < least:
            yield Complaint(empty, f"{where} is empty")
        if most is not None and len(str(value)) > most:
            yield Complaint(LIMIT, f"{where} has {len(str(value))} characters, the limit is {most}")

    def read(value: Any) -> Any:
        return value if value is None or isinstance(value, (str, list, dict)) else json.dumps(value)

    return Kind(judge, read)


def matching(pattern: str, words: str) -> Kind:
    """A string of one form, or an empty one."""
    form = re.compile(pattern)

    def judge(value: Any, where: str) -> Complaints:
        if not isinstance(value, str) or (value and not form.fullmatch(value)):
            yield Complaint(TYPE, f"{where} is {value!r}, not {words}")

    return Kind(judge)


def one_of(names: Mapping[str, int], emit: type = str, flags: bool = False) -> Kind:
    """An enum, by name in any case or by number; `emit` is the form the sources favour, `flags` may be added up."""
    folded = {name.casefold(): (name, value) for name, value in names.items()}
    numbers = {value: name for name, value in reversed(list(names.items()))}
    every = sum(names.values())

    def find(value: Any) -> str | int | None:
        if isinstance(value, str) and not value.strip().lstrip("-").isdigit():
            parts = [part.strip().casefold() for part in value.split(",")] if flags else [value.casefold()]
            if not all(part in folded for part in parts):
                return None
            total = sum(folded[part][1] for part in parts)
            return total if emit is int else folded[parts[0]][0]
        if isinstance(value, (bool, float, list, dict)) or value is None:
            return None
        number = int(value)
        if flags and emit is int and 0 <= number <= every:
            return number
        return None if number not in numbers else (number if emit is int else numbers[number])

    def judge(value: Any, where: str) -> Complaints:
        meant = find(value)
        if meant is None:
            yield Complaint(SHAPE, f"{where} is {value!r}, not one of {', '.join(names)}")
        elif meant != value:
            yield Complaint(FORM, f"{where} is {value!r}, most sources write {meant!r}")

    def read(value: Any) -> Any:
        meant = find(value)
        return value if meant is None else meant

    return Kind(judge, read)


def _typed(words: str, exact: Callable[[Any], bool], lenient: Callable[[Any], Any]) -> Kind:
    """A value that is exactly this, or that a lenient reader makes it of."""

    def attempt(value: Any) -> Any:
        try:
            return lenient(value)
        except (TypeError, ValueError, AttributeError, OverflowError):
            return None

    def judge(value: Any, where: str) -> Complaints:
        if not exact(value):
            yield Complaint(SHAPE if attempt(value) is None else TYPE, f"{where} is {sort(value)}, not {words}")

    def read(value: Any) -> Any:
        meant = value if exact(value) else attempt(value)
        return value if meant is None else meant

    return Kind(judge, read)


def _whole(value: Any) -> int | None:
    return int(float(value)) if not isinstance(value, bool) and _WHOLE.fullmatch(str(value)) else None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, str) and math.isfinite(float(value)) else None


def _flag(value: Any) -> bool | None:
    return {"true": True, "false": False, "1": True, "0": False}.get(str(value).strip().lower())


def _exactly(*kinds: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))


anything = Kind(lambda value, where: iter(()))
flag = _typed("true or false", _exactly(bool), _flag)
integer = _typed("a whole number", _exactly(int), _whole)
number = _typed("a number", _exactly(int, float), _number)
identity = _typed("a whole number", _exactly(int), lambda value: value.strip() or None)
"""A number, or a text in its place."""


def _moment(value: Any, where: str) -> Complaints:
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        yield Complaint(SHAPE, f"{where} is {value!r}, which is no time")
    elif not _USUAL_MOMENT.fullmatch(value):
        yield Complaint(FORM, f"{where} is {value!r}, the samples write 2016-08-26T13:28:05Z")


moment = Kind(_moment)
