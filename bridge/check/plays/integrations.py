"""Several integrations of one Linnworks account."""

from __future__ import annotations

from bridge.check import wizard
from bridge.check.play import Play
from bridge.check.registry import Area, Failed

area = Area("Several integrations", needs=("CFG-08",))


@area.check("INT-01")
def the_same_again(play: Play) -> None:
    """AddNewUser refuses an account name whose integration is finished."""
    answer = play.add(play.first).refused(f"to {play.first.name}, which is finished already")
    if answer.says("AuthorizationToken"):
        raise Failed("AddNewUser answered an Error and a token at once")


@area.check("INT-02")
def another_name(play: Play) -> None:
    """The same account gets another token under another account name."""
    play.second.token = play.add(play.second).accepted().says("AuthorizationToken")
    if play.second.token in ("", play.first.token):
        raise Failed("the second integration got no token of its own: the two would mix")


@area.check("INT-03", needs=("INT-02",))
def an_answer_that_was_lost(play: Play) -> None:
    """AddNewUser replaces an integration that never finished its wizard, old token and all."""
    old = play.second.token
    play.second.token = play.add(play.second).accepted().says("AuthorizationToken")
    if play.second.token in ("", old):
        raise Failed("the second AddNewUser handed no new token out")
    play.linnworks.call("UserConfig", old).refused("to the token that was replaced")
    play.open.discard(old)


@area.check("INT-04", needs=("INT-02",))
def a_wizard_of_its_own(play: Play) -> None:
    """The second integration walks through a wizard of its own, and the first stays as it was."""
    if wizard.show(play, play.second).accepted().says("AccountName") != play.second.name:
        raise Failed("UserConfig answers the second token with another integration's AccountName")
    wizard.finish(play, play.second)
    first = wizard.show(play, play.first).accepted()
    if (first.says("StepName"), first.says("AccountName")) != (wizard.LAST, play.first.name):
        raise Failed("the first integration lost its place or its name when the second was made")
