"""The integrations are deleted."""

from __future__ import annotations

from bridge.check import wizard
from bridge.check.play import Play
from bridge.check.registry import Area, Failed, Severity

area = Area("Farewell", "ep:config-deleted")


@area.check("END-01", needs=("INT-02",), after=("INT-05", "LST-12"))
def one_of_two(play: Play) -> None:
    """ConfigDeleted of the second integration leaves the first as it was.

    ConfigDeleted comes per integration; here it ends the customer's other ones too.
    """
    play.delete(play.second.token).accepted()
    answer = wizard.show(play, play.first).accepted()
    if not play.first.answers_as(answer):
        raise Failed("the first integration answers under another AccountName", answer.exchange)


@area.check("END-02", Severity.SHOULD, needs=("CFG-01",))
def the_last(play: Play) -> None:
    """ConfigDeleted of the first integration succeeds.

    Linnworks deletes the integration whatever the answer is; credentials may be left behind.
    """
    play.repairs.close()
    play.delete(play.first.token).accepted()


@area.check("END-03", Severity.SHOULD, needs=("END-02",))
def nobody_any_more(play: Play) -> None:
    """The token of a deleted integration is unknown.

    What the customer deleted can still be read by whoever has the old token.
    """
    play.call("UserConfig").refused("to a deleted integration")
    if play.linnworks.offers("Orders"):
        play.call("Orders", UTCTimeFrom="2000-01-01 00:00:00Z", PageNumber=1).refused("to a deleted integration")


@area.check("END-04", Severity.SHOULD, needs=("END-02",))
def deleted_twice(play: Play) -> None:
    """ConfigDeleted sent again is answered like any other call.

    The notification may come twice, as after a lost answer; a failure that breaks out looks like an outage.
    """
    play.delete(play.first.token)
