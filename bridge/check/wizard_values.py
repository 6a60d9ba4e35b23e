"""The values typed into the fields of the wizard and of listings: the seller's, or made-up ones that fit."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Iterator, Mapping
from typing import Any

from bridge.check.response import objects
from bridge.check.response import string as text
from bridge.check.rule import ConfigMissing
from bridge.check.schema_types import WITH_SLASHES

WITHOUT_VALUE = ("URL", "BUTTON")
PASSWORD_LENGTH = 24


def known_value(item: dict[str, Any], config: Mapping[str, str]) -> str | None:
    """Return the seller's value for an item, else the one it already has; None when one has to be made up."""
    for name in (text(item.get("ConfigItemId")), text(item.get("Name"))):
        if name in config:
            return config[name]
    current = text(item.get("SelectedValue"))
    needs_none = item.get("ReadOnly") is True or item.get("ValueType") in WITHOUT_VALUE
    return current if current or needs_none else None


def made_up_value(item: dict[str, Any], rng: random.Random) -> str:
    """Return a plausible value that matches the item's pattern, or raise ConfigMissing when none does."""
    for value in _plausible_values(item, rng):
        if matches_pattern(item, value):
            return value
    name = text(item.get("ConfigItemId"))
    raise ConfigMissing(
        f"no made-up value matches the pattern {item.get('RegExValidation')} of {name}: "
        f"give one with --config or --config-file: {name}=VALUE"
    )


def matches_pattern(item: dict[str, Any], value: str) -> bool:
    """Return whether a value matches the item's pattern; a pattern that only JavaScript understands matches all."""
    pattern = text(item.get("RegExValidation"))
    if WITH_SLASHES.fullmatch(pattern):  # a rule of its own reports it
        return True
    try:
        return not pattern or re.search(pattern, value) is not None
    except re.error:
        return True


def _plausible_values(item: dict[str, Any], rng: random.Random) -> Iterator[str]:
    word = f"{rng.getrandbits(32):08x}"
    value_type = item.get("ValueType")
    if value_type == "LIST":
        yield from [text(choice.get("Value")) for choice in objects(item.get("ListValues"))]
    elif value_type == "BOOLEAN":
        yield from ("True", "False")
    elif value_type == "INT":
        yield from ("1", "0", "10", "100", "1000")
    elif value_type == "DOUBLE":
        yield from ("1.0", "1", "0.5", "10.0")
    elif value_type == "DATETIME":
        yield from ("2025-07-05T03:48:51Z", "2025-07-05 03:48:51Z", "2025-07-05")
    else:
        if value_type == "PASSWORD":
            yield "".join(rng.choices(string.ascii_letters + string.digits, k=PASSWORD_LENGTH))
        yield from (f"check-{word}", f"check{word}", word.upper(), f"check-{word}@example.com")
        yield from (f"https://check-{word}.example.com", f"check-{word}.example.com", f"check_{word}" * 4)
        yield from ("1", "12345678", "1.0", "2025-07-05", "GB", "GBP", "en-GB", "SW1A 1AA", "+442071838750")
