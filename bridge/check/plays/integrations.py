"""Several integrations, of one Linnworks account and of several: none knows of another."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

from bridge.check import wizard
from bridge.check.answer import Answer
from bridge.check.play import Integration, Play
from bridge.check.registry import Area, Failed, Severity, Skipped

area = Area("Several integrations", "channel-integrations-faq", needs=("CFG-08",))
AT_ONCE = 8


@area.check("INT-01", Severity.ADVICE, "ep:add-new-user-endpoint")
def the_same_again(play: Play) -> None:
    """AddNewUser refuses an account name whose integration is finished.

    Two integrations of one name are hard to tell apart, and both download the same orders.
    """
    answer = play.add(play.first).refused(f"to {play.first.name}, which is finished already")
    if answer.says("AuthorizationToken"):
        raise Failed("AddNewUser answered an Error and a token at once", answer.exchange)


@area.check("INT-02")
def another_name(play: Play) -> None:
    """The same account gets another token under another account name.

    One customer may integrate several shops; with one token their orders and stock would mix.
    """
    answer = play.add(play.second).accepted()
    play.second.token = answer.says("AuthorizationToken")
    if play.second.token in ("", play.first.token):
        raise Failed("the second integration got no token of its own", answer.exchange)


@area.check("INT-03", Severity.ADVICE, "ep:add-new-user-endpoint", needs=("INT-02",))
def an_answer_that_was_lost(play: Play) -> None:
    """AddNewUser replaces an integration that never finished its wizard, old token and all.

    A customer whose first attempt broke off could otherwise not use that account name again.
    """
    old = play.second.token
    answer = play.add(play.second).accepted()
    play.second.token = answer.says("AuthorizationToken") or old
    if play.second.token == old:
        raise Failed("the second AddNewUser handed no new token out", answer.exchange)
    play.linnworks.call("UserConfig", old).refused("to the token that was replaced")
    play.open.discard(old)


@area.check("INT-04", needs=("INT-02",), after=("INT-03",))
def a_wizard_of_its_own(play: Play) -> None:
    """The second integration walks through a wizard of its own, and the first stays as it was.

    Token, settings and state belong to one integration: here one customer's set-up changes another's.
    """
    answer = wizard.show(play, play.second).accepted()
    if not play.second.answers_as(answer):
        raise Failed("UserConfig answers the second token with another integration's AccountName", answer.exchange)
    wizard.finish(play, play.second)
    first = wizard.show(play, play.first).accepted()
    if first.says("StepName") != wizard.LAST or not play.first.answers_as(first):
        raise Failed("the first integration lost its place or its name when the second was made", first.exchange)


@area.check("INT-05", needs=("INT-04",), after=("CFG-11",))
def settings_of_its_own(play: Play) -> None:
    """A setting changed in the second integration stays as it was in the first.

    One customer's settings would decide how another's orders and prices travel.
    """
    for name, old, new in wizard.changes(play.second):
        before = _setting(play, play.first, name)
        if new == before or wizard.save(play, play.second, {name: new}).error:
            continue
        after, kept = _setting(play, play.first, name), play.linnworks.last
        wizard.save(play, play.second, {name: old})
        if after != before:
            raise Failed(f"{name} of the first turned from {before!r} into {after!r} with the second", kept)
        return
    raise Skipped("the settings hold nothing that takes another value")


@area.check("INT-07", needs=("INT-04",))
def at_the_same_time(play: Play) -> None:
    """Calls of two integrations at the same time get their own answers.

    Linnworks polls all integrations side by side: one customer's answer reaches another now and then.
    """
    pair = (play.first, play.second)
    lines = [play.linnworks.beside(number) for number in range(AT_ONCE)]

    def ask(number: int) -> list[tuple[Integration, Answer]]:
        asked = [pair[(number + turn) % 2] for turn in range(4)]
        return [(one, lines[number].call("UserConfig", one.token)) for one in asked]

    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = [pair for told in pool.map(ask, range(AT_ONCE)) for pair in told]
    finally:
        for line in lines:
            line.close()
    for integration, answer in answers:
        if not integration.answers_as(answer.accepted()):
            raise Failed(
                f"the token of {integration.name} was answered as {answer.says('AccountName')}", answer.exchange
            )


def _setting(play: Play, integration: Integration, name: str) -> str:
    wizard.show(play, integration).accepted()
    return wizard.selected(integration, name)


@area.check("INT-06", source="ep:add-new-user-endpoint")
def another_account(play: Play) -> None:
    """Another Linnworks account may use the same account name, and gets a token of its own.

    Account names are unique within an account at most: two customers may both call their shop Shop.
    """
    account = str(uuid.UUID(int=play.rng.getrandbits(128), version=4))
    answer = play.add(play.first, LinnworksUniqueIdentifier=account).accepted()
    token = answer.says("AuthorizationToken")
    if token in ("", play.first.token):
        raise Failed("the other account got no token of its own", answer.exchange)
    play.delete(token)
    wizard.show(play, play.first).accepted()
