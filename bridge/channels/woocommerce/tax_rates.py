"""The tax rates of an order's lines, in percent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from bridge.channels.woocommerce.refund_totals import gross
from bridge.channels.woocommerce.values import money

PRECISION = Decimal("0.0001")
TOLERANCE = Decimal("0.02")  # by this much the tax may differ from what the named rates give


def rates_by_id(row: Mapping[str, Any]) -> dict[int, Decimal]:
    """Return the rates that an order names, by rate id."""
    return {line["rate_id"]: money(line.get("rate_percent")) for line in row["tax_lines"]}


def line_rate(line: Mapping[str, Any], rates: Mapping[int, Decimal]) -> Decimal:
    """Return the tax rate of a line: the sum of its named rates, or its tax divided by its net price.

    The named rates do not explain the tax if they are compound, were changed by hand or apply to another amount.
    """
    net, tax = money(line["total"]), money(line["total_tax"])
    named = sum((rates.get(part["id"], Decimal(0)) for part in line["taxes"] if money(part["total"])), Decimal(0))
    if not net:
        return named
    if abs(net * named / 100 - tax) <= TOLERANCE:
        return named.normalize() + 0
    return max(Decimal(0), (tax / net * 100).quantize(PRECISION, ROUND_HALF_UP).normalize() + 0)


def shipping_rate(lines: Sequence[Mapping[str, Any]], rates: Mapping[int, Decimal]) -> Decimal:
    """Return the tax rate of all shipping lines together."""
    found = {line_rate(line, rates) for line in lines if gross(line)}
    if len(found) <= 1:
        return next(iter(found), Decimal(0))
    net, tax = (sum((money(line[name]) for line in lines), Decimal(0)) for name in ("total", "total_tax"))
    return (tax / net * 100).quantize(PRECISION, ROUND_HALF_UP) if net else Decimal(0)
