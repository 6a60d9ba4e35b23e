"""Rules about ConfigDeleted."""

from __future__ import annotations

from bridge.check import tenants, wizard
from bridge.check.client import TOKEN_CALLS
from bridge.check.context import CheckContext, try_each
from bridge.check.rule import RuleArea, RuleFailed, RuleSeverity
from bridge.check.sample_requests import SAMPLE_REQUESTS

area = RuleArea("Teardown", "ep:config-deleted")


@area.rule("END-05", source="channel-integrations-faq", needs=("INT-08",), after=("INT-07",))
def told_apart_to_the_end(context: CheckContext) -> None:
    """Both integrations still show what is theirs after everything that was done.

    Token, settings and state belong to one integration: after some time one customer sees and changes another's.
    """
    tenants.probe(context)
    if context.tenants and context.tenants.problems:
        raise context.tenants.problems[0]


@area.rule("END-01", needs=("INT-02",), after=("INT-05", "LST-12", "END-05"))
def second_deleted(context: CheckContext) -> None:
    """ConfigDeleted of the second integration does not change the first.

    ConfigDeleted is sent per integration; here it also ends the customer's others.
    """
    context.tenants = None
    context.delete_integration(context.second.token).require_success()
    response = wizard.load(context, context.first).require_success()
    if tenants.foreign_name(context, context.first, response):
        raise RuleFailed("UserConfig of the first integration returns another AccountName", response.exchange)


@area.rule("END-02", RuleSeverity.SHOULD, needs=("CFG-01",))
def first_deleted(context: CheckContext) -> None:
    """ConfigDeleted of the first integration succeeds.

    Linnworks deletes the integration whatever the response is; credentials may remain in the application.
    """
    context.teardown.close()
    context.delete_integration(context.first.token).require_success()


@area.rule("END-03", follows=True, needs=("END-02",))
def deleted_token(context: CheckContext) -> None:
    """The token of a deleted integration is unknown to every call.

    Anyone with the old token can still read and change what the customer disconnected.
    """

    def send(name: str) -> None:
        response = context.client.post(name, {"AuthorizationToken": context.first.token, **SAMPLE_REQUESTS[name]})
        response.require_error("for the token of a deleted integration")

    names = [name for name in TOKEN_CALLS if name != "ConfigDeleted" and context.client.has_handler(name)]
    try_each(names, send)


@area.rule("END-04", RuleSeverity.SHOULD, needs=("END-02",))
def deleted_twice(context: CheckContext) -> None:
    """ConfigDeleted sent again gets a normal response.

    The notification may come twice, as after a lost response; an unhandled exception looks like an outage.
    """
    context.delete_integration(context.first.token)
