"""Actions of several calls to the shop: whichever answer is lost, the repeat completes the action."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from tests.channels.contract.shop import ShopUnderTest, seen, stock
from tests.linnworks import Linnworks

MOST_ATTEMPTS = 5

Act = Callable[[Any], Any]
"""Asks for an action on an order and returns the answer for it, with its Error."""


def outcomes_of_lost_answers(linnworks: Linnworks, shop: ShopUnderTest, act: Act) -> tuple[Any, dict[int, Any]]:
    """Return what an action does, and what it does if the answer of its first, second, ... call to the shop is lost.

    Each time a new order is used, and Linnworks asks again until the action succeeds.
    """
    undisturbed, _ = _outcome(linnworks, shop, act, nullcontext(lambda: False))
    attempts = (_outcome(linnworks, shop, act, shop.lose_answer(number)) for number in itertools.count(1))
    disturbed = itertools.takewhile(lambda attempt: attempt[1], attempts)
    return undisturbed, {number: outcome for number, (outcome, _) in enumerate(disturbed, 1)}


def _outcome(linnworks: Linnworks, shop: ShopUnderTest, act: Act, losing: Any) -> tuple[Any, bool]:
    order = seen(linnworks, shop.place_order({shop.skus[0]: 3, shop.skus[1]: 1}))
    before = stock(linnworks, shop)
    with losing as is_lost:
        answer = act(order)
        lost = is_lost()
    for _ in range(MOST_ATTEMPTS):
        answer = act(order) if answer["Error"] else answer
    after = seen(linnworks, order["ReferenceNumber"])
    outcome = {
        "error": answer["Error"],
        "repeat is the same": answer == act(order),
        "in the shop": shop.done(order["ReferenceNumber"]),
        "in Linnworks": [after["PaymentStatus"], [(item["Qty"], item["CancelStatus"]) for item in after["OrderItems"]]],
        "restocked": [now - then for now, then in zip(stock(linnworks, shop), before, strict=True)],
    }
    return outcome, lost
