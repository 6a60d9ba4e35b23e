"""A customer presses Integrate: AddNewUser, and the first look at the wizard."""

from __future__ import annotations

import uuid

from bridge.check import wizard
from bridge.check.play import Play
from bridge.check.registry import Area, Failed

area = Area("Connecting")


@area.check("CFG-01")
def a_token(play: Play) -> None:
    """AddNewUser gives a new integration its token."""
    answer = play.add(play.first).accepted()
    play.first.token = answer.says("AuthorizationToken")
    if not play.first.token:
        raise Failed("AddNewUser answered no AuthorizationToken: Linnworks has nothing to call with")


@area.check("CFG-02")
def no_email(play: Play) -> None:
    """AddNewUser refuses an empty e-mail address."""
    _no_token(play, Email="")


@area.check("CFG-03")
def no_account_name(play: Play) -> None:
    """AddNewUser refuses an empty account name."""
    _no_token(play, AccountName="")


@area.check("CFG-04")
def no_account(play: Play) -> None:
    """AddNewUser refuses the all-zero account."""
    _no_token(play, LinnworksUniqueIdentifier=str(uuid.UUID(int=0)))


def _no_token(play: Play, **changes: str) -> None:
    asked = {"AccountName": f"check-{play.word()}", **changes}
    answer = play.add(play.first, **asked).refused(f"to {changes}")
    if answer.says("AuthorizationToken"):
        raise Failed("AddNewUser answered an Error and a token at once")


@area.check("CFG-05", needs=("CFG-01",))
def the_first_step(play: Play) -> None:
    """UserConfig shows the wizard's first step right after AddNewUser."""
    wizard.show(play, play.first).accepted()
    if not play.first.step:
        raise Failed("UserConfig named no StepName")
