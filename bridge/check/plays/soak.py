"""Days of Linnworks' rhythm in minutes, by several integrations at once."""

from __future__ import annotations

from bridge.check.judge import summary
from bridge.check.play import Play
from bridge.check.registry import Area, Failed, Severity, Skipped
from bridge.check.soak import Soak

area = Area("Soak", "channel-integrations-faq")


@area.check("SOK-01", Severity.SHOULD)
def all_calls(play: Play) -> None:
    """Polls, updates and despatches of several integrations at once all succeed.

    Errors under the load of a few shops turn into customers' errors.
    """
    play.soak = Soak(play, play.soaking)
    play.soak.run()
    if play.soak.errors:
        raise Failed(summary(play.soak.errors))


@area.check("SOK-02", after=("SOK-01",))
def no_order_twice(play: Play) -> None:
    """No look for orders shows a ReferenceNumber twice.

    Of two orders with the same one Linnworks ignores one.
    """
    _none(play, "twice")


@area.check("SOK-03", Severity.SHOULD, "ep:despatch, ep:inventory-update", after=("SOK-01",))
def resends(play: Play) -> None:
    """What is sent again, also after the connection was cut, gets the outcome that the first one got.

    Linnworks cannot tell a lost answer from a lost request, and sends again.
    """
    _none(play, "resends")


@area.check("SOK-04", Severity.SHOULD, "ep:products", after=("SOK-01",))
def newest_values(play: Play) -> None:
    """Stock and prices end at what was sent last.

    The shop goes on selling what is not there, or at yesterday's price.
    """
    _none(play, "differences")


def _none(play: Play, what: str) -> None:
    if not play.soak.finished:
        raise Skipped("the soak did not come to its end")
    words = getattr(play.soak, what)
    if words:
        raise Failed(summary(words))
