"""Further mutants of some rules, which break them in another way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.check.mutants.application import Application, Body
from tests.check.mutants.builders import Mutant

MORE: dict[str, tuple[str, Mutant]] = {}
"""Each further mutant with the rule that it breaks."""


def breaks(rule: str) -> Callable[[Mutant], Mutant]:
    """Register a function as a further mutant of a rule."""

    def register(change: Mutant) -> Mutant:
        MORE[change.__name__] = (rule, change)
        return change

    return register


def _knows_refunds_by(app: Application, key: Callable[[Body], Any]) -> None:
    """Take refunds with the same key for one refund."""
    refund = app.shop.refund
    known: dict[str, str] = {}

    def refund_once(asked: Body) -> str:
        name = repr(key(asked))
        if name not in known:
            known[name] = refund(asked)
        return known[name]

    app.shop.refund = refund_once


@breaks("PSO-19")
def refunds_of_two_orders_are_one(app: Application) -> None:
    _knows_refunds_by(app, lambda asked: (asked["Items"], asked["RefundShippingAmount"]))


@breaks("PSO-19")
def refunds_of_two_lines_are_one(app: Application) -> None:
    _knows_refunds_by(
        app,
        lambda asked: (
            asked["ReferenceNumber"],
            asked["RefundShippingAmount"],
            [item["RefundAmount"] for item in asked["Items"]],
        ),
    )


@breaks("PSO-19")
def refunds_with_and_without_postage_are_one(app: Application) -> None:
    _knows_refunds_by(app, lambda asked: (asked["ReferenceNumber"], asked["Items"]))


@breaks("PSO-09")
def any_postage_is_refunded(app: Application) -> None:
    refund = app.shop.refund
    app.shop.refund = lambda asked: "R-1" if asked["RefundShippingAmount"] > 1000 else refund(asked)
