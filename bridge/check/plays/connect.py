"""A customer presses Integrate: AddNewUser, and the first look at the wizard."""

from __future__ import annotations

import uuid

from bridge.check import wizard
from bridge.check.play import Play
from bridge.check.registry import Area, Failed, Severity

area = Area("Connecting", "ep:add-new-user-endpoint")
TESTED = "C# tests of ep:add-new-user-endpoint"


@area.check("CFG-01")
def a_token(play: Play) -> None:
    """AddNewUser gives a new integration its token.

    Without a token Linnworks has nothing to call with, and the customer sees the integration fail.
    """
    answer = play.add(play.first).accepted()
    play.first.token = answer.says("AuthorizationToken")
    if not play.first.token:
        raise Failed("AddNewUser answered no AuthorizationToken", answer.exchange)


@area.check("CFG-02", Severity.SHOULD, TESTED)
def no_email(play: Play) -> None:
    """AddNewUser refuses an empty e-mail address.

    An integration is made that nobody can be asked about.
    """
    _no_token(play, Email="")


@area.check("CFG-03", Severity.SHOULD, TESTED)
def no_account_name(play: Play) -> None:
    """AddNewUser refuses an empty account name.

    An integration is made that the customer cannot tell from another.
    """
    _no_token(play, AccountName="")


@area.check("CFG-04", Severity.SHOULD, TESTED)
def no_account(play: Play) -> None:
    """AddNewUser refuses the all-zero account.

    An integration is made that belongs to no Linnworks account.
    """
    _no_token(play, LinnworksUniqueIdentifier=str(uuid.UUID(int=0)))


def _no_token(play: Play, **changes: str) -> None:
    asked = {"AccountName": f"check-{play.word()}", **changes}
    answer = play.add(play.first, **asked).refused(f"to {changes}")
    if answer.says("AuthorizationToken"):
        raise Failed("AddNewUser answered an Error and a token at once", answer.exchange)


@area.check("CFG-05", source="ep:user-config", needs=("CFG-01",))
def the_first_step(play: Play) -> None:
    """UserConfig shows the wizard's first step right after AddNewUser.

    Linnworks calls UserConfig immediately after AddNewUser and has nothing to show the customer.
    """
    answer = wizard.show(play, play.first).accepted()
    if not play.first.step:
        raise Failed("UserConfig named no StepName", answer.exchange)


@area.check("CFG-15", Severity.ADVICE, "endpoints-general", needs=("CFG-01",))
def a_token_hard_to_guess(play: Play) -> None:
    """A token is at least 16 characters long and more than a number.

    Whoever guesses the token of an integration reads its orders: the token is all that protects them.
    """
    token = play.first.token
    if len(token) < 16 or (token.isdigit() and len(token) < 32):
        raise Failed(f"the token has {len(token)} characters" + (", all of them digits" if token.isdigit() else ""))
