"""What a seller might type into a field of the wizard or of a listing."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Iterator, Mapping
from typing import Any

from bridge.check.answer import objects
from bridge.check.answer import string as text
from bridge.check.registry import Stuck

UNTYPED = ("URL", "BUTTON")


def known_answer(item: dict[str, Any], answers: Mapping[str, str]) -> str | None:
    """The seller's own answer, else what the field already holds; None where something has to be made up."""
    for name in (text(item.get("ConfigItemId")), text(item.get("Name"))):
        if name in answers:
            return answers[name]
    held = text(item.get("SelectedValue"))
    return held if held or item.get("ReadOnly") is True or item.get("ValueType") in UNTYPED else None


def fitting(item: dict[str, Any], rng: random.Random) -> str:
    """The first plausible value that the field's own pattern lets through."""
    for value in _plausible(item, rng):
        if matches(item, value):
            return value
    name = text(item.get("ConfigItemId"))
    raise Stuck(
        f"nothing plausible matches the pattern {item.get('RegExValidation')} of {name}: "
        f"say what to type with --config {name}=VALUE"
    )


def matches(item: dict[str, Any], value: str) -> bool:
    """Whether a value passes the field's pattern; one that only JavaScript understands lets all pass."""
    pattern = text(item.get("RegExValidation"))
    try:
        return not pattern or re.search(pattern, value) is not None
    except re.error:
        return True


def _plausible(item: dict[str, Any], rng: random.Random) -> Iterator[str]:
    word = f"{rng.getrandbits(32):08x}"
    kind = item.get("ValueType")
    if kind == "LIST":
        yield from [text(choice.get("Value")) for choice in objects(item.get("ListValues"))]
    elif kind == "BOOLEAN":
        yield from ("True", "False")
    elif kind == "INT":
        yield from ("1", "0", "10", "100", "1000")
    elif kind == "DOUBLE":
        yield from ("1.0", "1", "0.5", "10.0")
    elif kind == "DATETIME":
        yield from ("2025-07-05T03:48:51Z", "2025-07-05 03:48:51Z", "2025-07-05")
    else:
        if kind == "PASSWORD":
            yield "".join(rng.choices(string.ascii_letters + string.digits, k=24))
        yield from (f"check-{word}", f"check{word}", word.upper(), f"check-{word}@example.com")
        yield from (f"https://check-{word}.example.com", f"check-{word}.example.com", f"check_{word}" * 4)
        yield from ("1", "12345678", "1.0", "2025-07-05", "GB", "GBP", "en-GB", "SW1A 1AA", "+442071838750")
