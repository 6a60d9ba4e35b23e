"""Shapes of JSON said as data, and the complaints a value gives rise to."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@dataclass(frozen=True)
class Kind:
    """What a value has to be; `judge` yields a complaint for each thing that is wrong."""

    judge: Callable[[Any, str], Iterator[str]]
    required: bool = True
    fields: Mapping[str, Kind] | None = None
    array: bool = False


def shape(**fields: Kind) -> Kind:
    """An object with these names and no others."""

    def judge(value: Any, where: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{where or 'the answer'} is {_sort(value)}, not an object"
            return
        for name, kind in fields.items():
            place = f"{where}.{name}" if where else name
            if name in value:
                yield from kind.judge(value[name], place)
            elif kind.required:
                yield f"{place} is missing"
        yield from _strangers(value, fields, where)

    return Kind(judge, fields=fields)


def _strangers(value: dict[str, Any], fields: Mapping[str, Kind], where: str) -> Iterator[str]:
    spelt = {name.casefold(): name for name in fields}
    for name in value.keys() - fields.keys():
        place = f"{where}.{name}" if where else name
        meant = spelt.get(name.replace("_", "").casefold())
        yield f"{place} has to be spelt {meant}" if meant else f"{place} is not a name of the protocol"


def maybe(kind: Kind) -> Kind:
    """The same, or absent, or null; an array may be absent but never null."""
    if kind.array:
        return Kind(kind.judge, required=False, array=True)

    def judge(value: Any, where: str) -> Iterator[str]:
        if value is not None:
            yield from kind.judge(value, where)

    return Kind(judge, required=False, fields=kind.fields)


def many(kind: Kind) -> Kind:
    """An array of these, `[]` when there are none."""

    def judge(value: Any, where: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield f"{where} is {_sort(value)}, not an array"
            return
        for position, element in enumerate(value):
            yield from kind.judge(element, f"{where}[{position}]")

    return Kind(judge, array=True)


def text(least: int = 0, most: int | None = None) -> Kind:
    """A string of at least and at most so many characters."""

    def judge(value: Any, where: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield f"{where} is {_sort(value)}, not a string"
        elif len(value.strip()) < least:
            yield f"{where} is empty"
        elif most is not None and len(value) > most:
            yield f"{where} has {len(value)} characters, the limit is {most}"

    return Kind(judge)


def matching(pattern: str, words: str) -> Kind:
    """A string of one form, or an empty one."""
    form = re.compile(pattern)

    def judge(value: Any, where: str) -> Iterator[str]:
        if not isinstance(value, str) or (value and not form.fullmatch(value)):
            yield f"{where} is {value!r}, not {words}"

    return Kind(judge)


def one_of(*choices: str | int) -> Kind:
    """One of these names or numbers, exactly."""

    def judge(value: Any, where: str) -> Iterator[str]:
        if isinstance(value, (bool, float)) or value not in choices:
            yield f"{where} is {value!r}, not one of {', '.join(map(str, choices))}"

    return Kind(judge)


def _typed(words: str, fits: Callable[[Any], bool]) -> Kind:
    def judge(value: Any, where: str) -> Iterator[str]:
        if not fits(value):
            yield f"{where} is {_sort(value)}, not {words}"

    return Kind(judge)


anything = _typed("anything", lambda value: True)
flag = _typed("true or false", lambda value: isinstance(value, bool))
integer = _typed("a whole number", lambda value: isinstance(value, int) and not isinstance(value, bool))
number = _typed("a number", lambda value: isinstance(value, (int, float)) and not isinstance(value, bool))


def _moment(value: Any, where: str) -> Iterator[str]:
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        yield f"{where} is {value!r}, not of the form 2016-08-26T13:28:05Z"


moment = Kind(_moment)


def complaints(kind: Kind, body: dict[str, Any]) -> Iterator[str]:
    """What is wrong with an answer; a refusal owes its arrays, and HasMorePages false, but no more."""
    if not body.get("Error"):
        yield from kind.judge(body, "")
        return
    for name, field in (kind.fields or {}).items():
        if field.array and not isinstance(body.get(name), list):
            yield f"{name} is {_sort(body.get(name))} beside an Error, it has to be []"
    if "HasMorePages" in (kind.fields or {}) and body.get("HasMorePages") is not False:
        yield "HasMorePages is not false beside an Error"


def repeated(values: Iterable[Any]) -> list[Any]:
    """The values that occur more than once, each told once."""
    seen: set[Any] = set()
    again: dict[Any, None] = {}
    for value in values:
        if value in seen:
            again[value] = None
        seen.add(value)
    return list(again)


def summary(words: Iterable[str], shown: int = 3) -> str:
    """A few of many complaints, those that differ only in a position or a value told once."""
    distinct = list({re.sub(r"\[\d+\]|'[^']*'", "", word): word for word in reversed(list(words))}.values())[::-1]
    more = len(distinct) - shown
    return "; ".join(distinct[:shown]) + (f"; and {more} more" if more > 0 else "")


def _sort(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, (list, dict)):
        return "an array" if isinstance(value, list) else "an object"
    shown = f" {value!r}" if len(str(value)) < 40 else ""
    return ("the string" if isinstance(value, str) else "the number") + shown
