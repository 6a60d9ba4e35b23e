"""The amounts of a refund in the currency's smallest unit."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from msgspec.structs import replace

from bridge.errors import ChannelRefused
from bridge.protocol.schemas.after_sale import Refund


def rounded(refund: Refund, *, unit: Decimal, left: Decimal) -> Refund:
    """Return the refund with its amounts rounded half up to `unit`, the currency's smallest amount.

    Where only this makes the sum more than is `left` of the order, the largest amount is reduced. Raises ChannelRefused
    for an amount below zero, for one that comes to nothing although it was not zero, and for no amount at all.
    """
    amounts = [*(item.refund_amount for item in refund.items), refund.refund_shipping_amount]
    if min(amounts) < 0:
        raise ChannelRefused(f"A refund cannot be below zero: {min(amounts)}")
    new = [amount.quantize(unit, ROUND_HALF_UP) for amount in amounts]
    for amount, result in zip(amounts, new, strict=True):
        if amount and not result:
            raise ChannelRefused(f"{amount} is less than the smallest amount of the currency, {unit}")
    if not any(new):
        raise ChannelRefused("A refund must be of more than nothing")
    excess = sum(new) - left
    if excess > 0 and sum(amounts) <= left:
        largest = new.index(max(new))
        new[largest] -= excess
    items = tuple(replace(item, refund_amount=amount) for item, amount in zip(refund.items, new[:-1], strict=True))
    return replace(refund, items=items, refund_shipping_amount=new[-1])
