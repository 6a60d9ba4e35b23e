"""The rules that every single answer of the run had to keep."""

from __future__ import annotations

from bridge.check.judge import summary
from bridge.check.play import Play
from bridge.check.registry import Area, Failed
from bridge.check.shapes import SHAPES

area = Area("Every answer")

ORDERS = ("Orders", "Despatch")
AFTER_THE_SALE = ("Cancel", "Refund", "PostSaleOptions")
PRODUCTS = ("Products", "InventoryUpdate", "PriceUpdate")
LISTINGS = tuple(name for name in SHAPES if name.startswith(("Get", "Listing", "CheckFeed")))
CONFIGURATION = tuple(SHAPES.keys() - {*ORDERS, *AFTER_THE_SALE, *PRODUCTS, *LISTINGS})


@area.check("ANS-01")
def status(play: Play) -> None:
    """Every answer has status 200, failures too."""
    _none(play, "status")


@area.check("ANS-02")
def length(play: Play) -> None:
    """Every answer bears its true Content-Length."""
    _none(play, "length")


@area.check("ANS-03")
def whole(play: Play) -> None:
    """No answer comes in chunks."""
    _none(play, "chunked")


@area.check("ANS-04")
def objects(play: Play) -> None:
    """Every answer is a JSON object."""
    _none(play, "json")


@area.check("ANS-05")
def error(play: Play) -> None:
    """Every answer has an Error, null or a string."""
    _none(play, "error")


@area.check("ANS-06")
def in_time(play: Play) -> None:
    """Every answer comes within 10 seconds."""
    _none(play, "time")


@area.check("ANS-07")
def configuration(play: Play) -> None:
    """Configuration answers have the names, types and limits of the protocol."""
    _none(play, "shape", CONFIGURATION)


@area.check("ANS-08")
def orders(play: Play) -> None:
    """Order answers have the names, types and limits of the protocol."""
    _none(play, "shape", ORDERS)


@area.check("ANS-09")
def after_the_sale(play: Play) -> None:
    """Post-sale answers have the names, types and limits of the protocol."""
    _none(play, "shape", AFTER_THE_SALE)


@area.check("ANS-10")
def products(play: Play) -> None:
    """Product answers have the names, types and limits of the protocol."""
    _none(play, "shape", PRODUCTS)


@area.check("ANS-11")
def listings(play: Play) -> None:
    """Listing answers have the names, types and limits of the protocol."""
    _none(play, "shape", LISTINGS)


@area.check("ANS-12")
def items(play: Play) -> None:
    """The items of every step have ids of their own, and its lists offer what is selected."""
    _none(play, "items")


@area.check("ANS-13")
def passwords(play: Play) -> None:
    """No answer of UserConfig or SaveConfig repeats a password that was typed."""
    if play.leaks:
        raise Failed(f"a password came back from {' and '.join(sorted(set(play.leaks)))}")


def _none(play: Play, rule: str, endpoints: tuple[str, ...] | None = None) -> None:
    faults = [
        f"{fault.endpoint}: {fault.words}" if rule == "shape" else f"{fault.endpoint} {fault.words}"
        for fault in play.linnworks.faults
        if fault.rule == rule and (endpoints is None or fault.endpoint in endpoints)
    ]
    if faults:
        raise Failed(summary(faults))
