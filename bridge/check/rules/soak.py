"""Rules about many calls of several integrations at once."""

from __future__ import annotations

from bridge.check.context import CheckContext
from bridge.check.rule import RuleArea, RuleFailed, RuleSeverity, RuleSkipped
from bridge.check.soak import Soak
from bridge.check.wording import summarize

area = RuleArea("Soak", "channel-integrations-faq")


@area.rule("SOK-01", RuleSeverity.SHOULD)
def calls_succeed(context: CheckContext) -> None:
    """Polls, updates and despatches of several parallel integrations all succeed.

    Customers see the errors that a few shops already cause.
    """
    if context.soak_options is None:
        raise RuleSkipped("no soak was requested")
    context.soak = Soak(context, context.soak_options)
    context.soak.run()
    _require_none(context.soak.problems.errors)


@area.rule("SOK-02", after=("SOK-01",))
def no_duplicate_orders(context: CheckContext) -> None:
    """No download of orders has a ReferenceNumber twice.

    Linnworks ignores one of two orders with the same ReferenceNumber.
    """
    _require_none(_finished_soak(context).problems.duplicate_orders)


@area.rule("SOK-03", RuleSeverity.SHOULD, "ep:despatch, ep:inventory-update", after=("SOK-01",))
def same_result_repeated(context: CheckContext) -> None:
    """A request sent again, also after a lost connection, gets the same result as the first time.

    Linnworks cannot distinguish a lost response from a lost request, and sends it again.
    """
    _require_none(_finished_soak(context).problems.different_repeats)


@area.rule("SOK-04", source="ep:products", follows=True, after=("SOK-01",))
def last_values_shown(context: CheckContext) -> None:
    """Stock and prices end at the values sent last.

    The shop sells products that are out of stock, or at an old price.
    """
    _require_none(_finished_soak(context).problems.wrong_values)


def _finished_soak(context: CheckContext) -> Soak:
    if not context.soak or not context.soak.finished:
        raise RuleSkipped("the soak did not finish")
    return context.soak


def _require_none(problems: list[str]) -> None:
    if problems:
        raise RuleFailed(summarize(problems))
