"""Functions that build the schemas of JSON values.

Linnworks reads JSON with Newtonsoft: keys in any case, numbers and booleans also from text, enums by name or number.
What such a reader rejects is a mismatch of the shape; what it accepts only through leniency is a milder one.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bridge.check.schema import Aspect, Mismatch, Mismatches, ValueSchema
from bridge.check.wording import describe

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,7})?)?\s*(Z|[+-]\d\d:?\d\d)?|/Date\(-?\d+\)/")
_USUAL_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
WITH_SLASHES = re.compile(r"/.+/[a-z]*")
_ONLY_IN_JAVASCRIPT = (
    (re.compile(r"\(\?<(?=[A-Za-z_])"), "(?P<"),
    (re.compile(r"\\k<(\w{1,50})>"), r"(?P=\1)"),
    (re.compile(r"\\[pP]\{[^}]{0,50}\}"), r"\\w"),
    (re.compile(r"\\u\{[0-9A-Fa-f]{1,8}\}|\\c[A-Za-z]"), "x"),
    (re.compile(r"\(\?<([=!])[^)]{0,100}\)"), "(?:)"),  # Python's may only have one length
    (re.compile(r"\[\^\]"), r"(?:.|\\n)"),
)
_WHOLE_NUMBER = re.compile(r"\s*-?\d+(\.0+)?\s*")


def json_object(
    aliases: Mapping[str, str] | None = None, misspelt: tuple[str, ...] = (), **fields: ValueSchema
) -> ValueSchema:
    """Return the schema of an object with these fields; `aliases` maps other spellings to field names.

    Of these spellings, the `misspelt` ones are not documented.
    """
    spellings = {name.casefold(): name for name in fields}
    spellings |= {
        alias.casefold(): name for alias, name in (aliases or {}).items() if alias.casefold() not in spellings
    }

    def keys_by_name(value: dict[str, Any]) -> dict[str, str]:
        """Return the key each field has in this object; an exact key wins over one in another case."""
        found = {key: key for key in value if key in fields}
        for key in value:
            found.setdefault(spellings.get(key.casefold(), key), key)
        return found

    def compare(value: Any, path: str) -> Mismatches:
        if not isinstance(value, dict):
            yield Mismatch(Aspect.SHAPE, f"{path or 'the response'} is {describe(value)}, not an object")
            return
        prefix, keys = f"{path}." if path else "", keys_by_name(value)
        for name, field in fields.items():
            if name not in keys:
                if field.if_missing:
                    yield Mismatch(field.if_missing, f"{prefix}{name} is missing")
                continue
            key = keys[name]
            if value[key] is not None:
                yield from field.compare(value[key], prefix + name)
            elif field.is_array:
                # A reader may take null for [], and rules of their own report what is not in the array.
                yield Mismatch(Aspect.TYPE if field.if_missing else Aspect.FORM, f"{prefix}{name} is null, not []")
            elif field.if_missing:
                yield Mismatch(field.if_missing, f"{prefix}{name} is null")
            if key != name and (key.casefold() == name.casefold() or key in misspelt):
                yield Mismatch(Aspect.NAME, f"{prefix}{key} is spelt {name} in the protocol")
        for name in keys.keys() - fields.keys():
            yield Mismatch(Aspect.NAME, f"{prefix}{name} is not a name of the protocol")

    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        keys = keys_by_name(value)
        return {name: fields[name].read(value[key]) if name in fields else value[key] for name, key in keys.items()}

    return ValueSchema(compare, read, fields=fields)


def array(element_schema: ValueSchema) -> ValueSchema:
    """Return the schema of an array of such elements, `[]` when there are none."""

    def compare(value: Any, path: str) -> Mismatches:
        if not isinstance(value, list):
            yield Mismatch(Aspect.SHAPE, f"{path} is {describe(value)}, not an array")
            return
        for position, element in enumerate(value):
            yield from element_schema.compare(element, f"{path}[{position}]")

    def read(value: Any) -> Any:
        return [element_schema.read(element) for element in value] if isinstance(value, list) else value

    return ValueSchema(compare, read, is_array=True)


def optional(schema: ValueSchema) -> ValueSchema:
    """Return the same schema for a value that may be missing or null."""
    return replace(schema, if_missing=None)


def missing_as(aspect: Aspect, schema: ValueSchema) -> ValueSchema:
    """Return the same schema, with a missing value reported under this aspect.

    A lenient reader accepts the missing value, but continues with an unintended default.
    """
    return replace(schema, if_missing=aspect)


def mismatch_as(aspect: Aspect, schema: ValueSchema) -> ValueSchema:
    """Return the same schema, with all mismatches except those of the shape reported under this aspect."""

    def compare(value: Any, path: str) -> Mismatches:
        for mismatch in schema.compare(value, path):
            yield mismatch if mismatch.aspect is Aspect.SHAPE else mismatch._replace(aspect=aspect)

    return replace(schema, compare=compare)


def text(min_length: int = 0, max_length: int | None = None, if_too_short: Aspect = Aspect.SHAPE) -> ValueSchema:
    """Return the schema of a string; one below `min_length` is reported under `if_too_short`."""

    def compare(value: Any, path: str) -> Mismatches:
        if isinstance(value, (list, dict)):
            yield Mismatch(Aspect.SHAPE, f"{path} is {describe(value)}, not a string")
            return
        if not isinstance(value, str):
            yield Mismatch(Aspect.TYPE, f"{path} is {describe(value)}, not a string")
        if len(str(value).strip()) < min_length:
            yield Mismatch(if_too_short, f"{path} is empty")
        if max_length is not None and len(str(value)) > max_length:
            yield Mismatch(Aspect.MAX_LENGTH, f"{path} has {len(str(value))} characters, the limit is {max_length}")

    def read(value: Any) -> Any:
        return value if value is None or isinstance(value, (str, list, dict)) else json.dumps(value)

    return ValueSchema(compare, read)


def matching(pattern: str, description: str) -> ValueSchema:
    """Return the schema of a string that is empty or matches the pattern."""
    compiled = re.compile(pattern)

    def compare(value: Any, path: str) -> Mismatches:
        if not isinstance(value, str) or (value and not compiled.fullmatch(value)):
            yield Mismatch(Aspect.TYPE, f"{path} is {value!r}, not {description}")

    return ValueSchema(compare)


def enum(members: Mapping[str, int], preferred: type = str, flags: bool = False) -> ValueSchema:
    """Return the schema of an enum, given by name in any case or by number.

    `preferred` is the form most sources use; the members of `flags` can be combined.
    """
    by_folded_name = {name.casefold(): (name, number) for name, number in members.items()}
    # Of two names for one number the first counts.
    by_number = {number: name for name, number in reversed(list(members.items()))}
    all_flags = sum(members.values())

    def parse_name(value: str) -> str | int | None:
        parts = [part.strip().casefold() for part in value.split(",")] if flags else [value.casefold()]
        if not all(part in by_folded_name for part in parts):
            return None
        if preferred is int:
            return sum(by_folded_name[part][1] for part in parts)
        return by_folded_name[parts[0]][0]

    def parse(value: Any) -> str | int | None:
        if value is None or isinstance(value, (bool, float, list, dict)):
            return None
        if isinstance(value, str) and not value.strip().lstrip("-").isdigit():
            return parse_name(value)
        number = int(value)
        if flags and preferred is int and 0 <= number <= all_flags:
            return number
        if number not in by_number:
            return None
        return number if preferred is int else by_number[number]

    def compare(value: Any, path: str) -> Mismatches:
        parsed = parse(value)
        if parsed is None:
            yield Mismatch(Aspect.SHAPE, f"{path} is {value!r}, not one of {', '.join(members)}")
        elif parsed != value:
            yield Mismatch(Aspect.FORM, f"{path} is {value!r}, most sources write {parsed!r}")

    def read(value: Any) -> Any:
        parsed = parse(value)
        return value if parsed is None else parsed

    return ValueSchema(compare, read)


def _typed(description: str, is_exact: Callable[[Any], bool], convert: Callable[[Any], Any]) -> ValueSchema:
    """Return the schema of a value of one type, which a lenient reader also converts from others."""

    def converted(value: Any) -> Any:
        try:
            return convert(value)
        except (TypeError, ValueError, AttributeError, OverflowError):
            return None

    def compare(value: Any, path: str) -> Mismatches:
        if not is_exact(value):
            aspect = Aspect.SHAPE if converted(value) is None else Aspect.TYPE
            yield Mismatch(aspect, f"{path} is {describe(value)}, not {description}")

    def read(value: Any) -> Any:
        parsed = value if is_exact(value) else converted(value)
        return value if parsed is None else parsed

    return ValueSchema(compare, read)


def _to_integer(value: Any) -> int | None:
    return int(float(value)) if not isinstance(value, bool) and _WHOLE_NUMBER.fullmatch(str(value)) else None


def _to_number(value: Any) -> float | None:
    return float(value) if isinstance(value, str) and math.isfinite(float(value)) else None


def _to_boolean(value: Any) -> bool | None:
    return {"true": True, "false": False, "1": True, "0": False}.get(str(value).strip().lower())


def _is_number(*types: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, types) and not isinstance(value, bool)


def _compare_date_time(value: Any, path: str) -> Mismatches:
    if not isinstance(value, str) or not _DATE_TIME.fullmatch(value):
        yield Mismatch(Aspect.SHAPE, f"{path} is {value!r}, which is not a date and time")
    elif not _USUAL_DATE_TIME.fullmatch(value):
        yield Mismatch(Aspect.FORM, f"{path} is {value!r}, the samples write 2016-08-26T13:28:05Z")


def _compare_pattern(value: Any, path: str) -> Mismatches:
    if not isinstance(value, str):
        yield Mismatch(Aspect.SHAPE, f"{path} is {describe(value)}, not a string")
    elif WITH_SLASHES.fullmatch(value):
        yield Mismatch(Aspect.PATTERN, f"{path} is {value!r}, with slashes around it")
    else:
        try:
            re.compile(_as_python(value))
        except (re.error, OverflowError, RecursionError) as error:
            yield Mismatch(Aspect.PATTERN, f"{path} is {value!r}, which is no regular expression: {error}")


def _as_python(expression: str) -> str:
    """Return a JavaScript expression in Python's syntax, where that is another."""
    for javascript, python in _ONLY_IN_JAVASCRIPT:
        expression = javascript.sub(python, expression)
    return expression


any_value = ValueSchema(lambda value, path: iter(()))
boolean = _typed("true or false", lambda value: isinstance(value, bool), _to_boolean)
integer = _typed("a whole number", _is_number(int), _to_integer)
number = _typed("a number", _is_number(int, float), _to_number)
number_or_text = _typed("a whole number", _is_number(int), lambda value: value.strip() or None)
date_time = ValueSchema(_compare_date_time)
pattern = ValueSchema(_compare_pattern)
whole_number_in_any_form = ValueSchema(
    lambda value, path: (
        iter(())
        if _to_integer(value) is not None
        else iter([Mismatch(Aspect.SHAPE, f"{path} is {describe(value)}, not a whole number")])
    )
)
