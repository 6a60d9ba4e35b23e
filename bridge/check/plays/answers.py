"""The rules that every single answer of the run had to keep."""

from __future__ import annotations

from bridge.check import judge
from bridge.check.judge import summary
from bridge.check.play import Play
from bridge.check.registry import Area, Failed, Severity
from bridge.check.shapes import SHAPES

area = Area("Every answer", "endpoints-general")
SEEN = ("CFG-08", "CFG-12", "CFG-13", "CFG-14", "PRD-01", "ORD-01", "PSO-01", "LST-01", "REF-03")
"""What has to be asked for once so that there is something to judge."""
WRITTEN = ("STK-08", "STK-09", "DSP-04", "DSP-09")

ORDERS = ("Orders", "Despatch")
AFTER_THE_SALE = ("Cancel", "Refund", "PostSaleOptions")
PRODUCTS = ("Products", "InventoryUpdate", "PriceUpdate")
LISTINGS = tuple(name for name in SHAPES if name.startswith(("Get", "Listing", "CheckFeed")))
CONFIGURATION = tuple(SHAPES.keys() - {*ORDERS, *AFTER_THE_SALE, *PRODUCTS, *LISTINGS})


@area.check("ANS-01", source="channel-integration", after=SEEN)
def status(play: Play) -> None:
    """Every answer has status 200, failures too.

    Any other status may get the customer's integration disabled automatically.
    """
    _none(play, "status")


@area.check("ANS-02", after=SEEN)
def length(play: Play) -> None:
    """Every answer bears its true Content-Length.

    Linnworks reads no streams: an answer without its length may not be read at all.
    """
    _none(play, "length")


@area.check("ANS-03", after=SEEN)
def whole(play: Play) -> None:
    """No answer comes in chunks.

    Linnworks reads no streams.
    """
    _none(play, "chunked")


@area.check("ANS-04", source="channel-integration", after=SEEN)
def objects(play: Play) -> None:
    """Every answer is a JSON object in UTF-8.

    An answer that cannot be read may get the customer's integration disabled automatically.
    """
    _none(play, "json")


@area.check("ANS-05", Severity.ADVICE, "ep:add-new-user-endpoint", after=SEEN)
def error(play: Play) -> None:
    """Every answer has an Error, "" or null on success.

    Without it nobody can tell a success from an application that drops its errors, as the C# sample does.
    """
    _none(play, "error")


@area.check("ANS-06", after=SEEN)
def in_time(play: Play) -> None:
    """Every answer comes within 10 seconds.

    Linnworks then drops the connection, and sends the same again later.
    """
    _none(play, "time")


@area.check("ANS-07", source="ep:user-config, ep:save-config, ep:shipping-tags, ep:payment-tags", after=SEEN)
def configuration(play: Play) -> None:
    """Configuration answers have the names that their pages require, with values that can be read.

    What is missing or cannot be read fails the call: the customer cannot finish the wizard.
    """
    _none(play, judge.SHAPE, CONFIGURATION)


@area.check("ANS-08", source="ep:orders, ep:despatch", after=(*SEEN, *WRITTEN))
def orders(play: Play) -> None:
    """Order answers have the names that their pages require, with values that can be read.

    One value that cannot be read takes the whole page of orders with it.
    """
    _none(play, judge.SHAPE, ORDERS)


@area.check("ANS-09", source="ep:cancel, ep:refund, ep:post-sale-options", after=(*SEEN, "PSO-10"))
def after_the_sale(play: Play) -> None:
    """Post-sale answers have the names that their pages require, with values that can be read.

    The customer is told that the cancellation or refund failed, whatever the shop did.
    """
    _none(play, judge.SHAPE, AFTER_THE_SALE)


@area.check("ANS-10", source="ep:products, ep:inventory-update, ep:price-update", after=(*SEEN, *WRITTEN))
def products(play: Play) -> None:
    """Product answers have the names that their pages require, with values that can be read.

    One value that cannot be read takes the whole page of products, or the whole update, with it.
    """
    _none(play, judge.SHAPE, PRODUCTS)


@area.check("ANS-11", source="listings-on-a-channel-integration", after=(*SEEN, "LST-04", "LST-05", "LST-11"))
def listings(play: Play) -> None:
    """Listing answers have the names that their pages require, with values that can be read.

    The customer cannot make a configurator, or never hears of the listing.
    """
    _none(play, judge.SHAPE, LISTINGS)


@area.check("ANS-12", source="ep:user-config", after=SEEN)
def items(play: Play) -> None:
    """The items of every step have ids of their own.

    Of two items with one id one value is lost.
    """
    _none(play, "items")


@area.check("ANS-13", Severity.SHOULD, "ep:user-config", after=("CFG-10",))
def passwords(play: Play) -> None:
    """No answer of UserConfig or SaveConfig repeats a password that was typed.

    Whoever opens the settings in Linnworks reads the shop's credentials.
    """
    if play.leaks:
        names = sorted({answer.endpoint for answer in play.leaks})
        raise Failed(f"a password came back from {' and '.join(names)}", play.leaks[0].exchange)


@area.check("ANS-14", source="ep:shipping-tags, ep:products", after=SEEN)
def limits(play: Play) -> None:
    """No Tag is longer than 64 characters, no FriendlyName than 255, no Site than 25, no Reference than 64.

    What is longer cannot be stored: the tag cannot be mapped, the product gets no stock.
    """
    _none(play, judge.LIMIT)


@area.check("ANS-15", source="ep:inventory-update, ep:price-update, ep:despatch", after=WRITTEN, changes=True)
def every_item(play: Play) -> None:
    """Every SKU and every order of a batch is answered, also on success.

    What is left out counts as not existing: later updates leave it out, and the despatch is never confirmed.
    """
    if play.left_out:
        raise Failed(summary(map(str, play.left_out)), play.left_out[0].exchange)


@area.check("ANS-16", Severity.SHOULD, after=SEEN)
def types(play: Play) -> None:
    """Values have the type their page names, with nothing missing that a reader would have to guess.

    A number as text, or a text as number, is read by a lenient reader alone.
    """
    _none(play, judge.TYPE)


@area.check("ANS-17", Severity.ADVICE, after=SEEN)
def spelling(play: Play) -> None:
    """Names are spelt as in the protocol, and there are no others.

    The pages want them exact; that Linnworks reads them in any case is only known from its own sample.
    """
    _none(play, judge.NAME)


@area.check("ANS-18", Severity.ADVICE, after=SEEN)
def forms(play: Play) -> None:
    """Dates, enums and empty arrays have the form that most sources agree on.

    Other forms have been seen to work, and nobody promises that they will.
    """
    _none(play, judge.FORM)


@area.check("ANS-19", Severity.ADVICE, "ep:products", after=SEEN)
def refusals(play: Play) -> None:
    """An answer with an Error has empty arrays, and HasMorePages false where it has one.

    A reader that does not look at the Error first goes on to the next page for ever.
    """
    _none(play, judge.REFUSAL)


@area.check("ANS-20", Severity.SHOULD, "ep:user-config", after=SEEN)
def lists(play: Play) -> None:
    """An item that is a list offers values, among them the one that is selected.

    A selection that is not offered is lost when the step is saved.
    """
    _none(play, "lists")


ALWAYS = tuple(check.id for check in area.checks if check.id not in ("ANS-13", "ANS-15"))
"""Those that can be held against any answer, also where another kind of run asked for it."""


def _none(play: Play, rule: str, endpoints: tuple[str, ...] | None = None) -> None:
    faults = [
        fault
        for fault in play.linnworks.faults
        if fault.rule == rule and (endpoints is None or fault.endpoint in endpoints)
    ]
    if faults:
        colon = ":" if rule in (judge.SHAPE, judge.LIMIT, judge.TYPE, judge.NAME, judge.FORM, judge.REFUSAL) else ""
        raise Failed(summary(f"{fault.endpoint}{colon} {fault.words}" for fault in faults), faults[0].exchange)
