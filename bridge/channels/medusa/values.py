"""How Medusa writes texts, amounts and times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from bridge.channels.helpers.numbers import number
from bridge.channels.helpers.texts import cut

LONGEST_ID = 255


def text(value: Any) -> str:
    """Return a text or number as a text without blanks around it, cut to a limit; "" for anything else."""
    is_text = isinstance(value, (str, int, Decimal)) and not isinstance(value, bool)
    return cut(str(value).strip()) if is_text else ""


def key_text(value: Any) -> str:
    """Return the text by which the shop names something; raises ValueError if there is none."""
    if not isinstance(value, str) or not value or len(value) > LONGEST_ID:
        raise ValueError("It has no id")
    return value


def money(value: Any) -> Decimal:
    """Return an amount as exact as the shop sends it, 0 for null; raises ArithmeticError if it is no number."""
    return Decimal(0) if value is None else number(value)


def in_units(amount: Decimal, unit: Decimal) -> Decimal:
    """Return an amount rounded half up to the currency's smallest unit, as Medusa rounds what is paid."""
    return amount.quantize(unit, ROUND_HALF_UP)


def unit_of_digits(digits: int) -> Decimal:
    """Return the smallest amount of a currency with so many decimals."""
    return Decimal(1).scaleb(-digits)


def whole_pieces(value: Any) -> int:
    """Return a quantity in whole pieces; a fraction counts as one piece more. Raises ArithmeticError."""
    return int(-(-number(value or 0) // 1))


def listed(value: Any) -> Sequence[Mapping[str, Any]]:
    """Return the objects of a list; nothing for null."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else ()


def mapping(value: Any) -> Mapping[str, Any]:
    """Return an object; an empty one for null and for what is no object."""
    return value if isinstance(value, dict) else {}


def read_time(value: Any) -> datetime | None:
    """Return a time in UTC, None for null; raises ValueError if it is no time."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError("It is no time")
    moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
    return moment.astimezone(timezone.utc) if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def write_time(moment: datetime) -> str:
    """Return a time as Medusa writes it, in UTC with milliseconds."""
    return f"{moment.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
