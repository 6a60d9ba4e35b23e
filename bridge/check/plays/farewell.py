"""The integrations are deleted."""

from __future__ import annotations

from bridge.check import wizard
from bridge.check.play import Play
from bridge.check.registry import Area, Failed

area = Area("Farewell")


@area.check("END-01", needs=("INT-02",))
def one_of_two(play: Play) -> None:
    """ConfigDeleted of the second integration leaves the first as it was."""
    play.delete(play.second.token).accepted()
    play.linnworks.call("UserConfig", play.second.token).refused("to a deleted integration")
    if wizard.show(play, play.first).accepted().says("AccountName") != play.first.name:
        raise Failed("the first integration answers under another AccountName")


@area.check("END-02", needs=("CFG-01",))
def the_last(play: Play) -> None:
    """ConfigDeleted of the first integration succeeds."""
    play.repairs.close()
    play.delete(play.first.token).accepted()


@area.check("END-03", needs=("END-02",))
def nobody_any_more(play: Play) -> None:
    """The token of a deleted integration is unknown."""
    play.call("UserConfig").refused("to a deleted integration")
    play.call("Orders", UTCTimeFrom="2000-01-01 00:00:00Z", PageNumber=1).refused("to a deleted integration")


@area.check("END-04", needs=("END-02",))
def deleted_twice(play: Play) -> None:
    """ConfigDeleted sent again does no harm."""
    play.delete(play.first.token)
