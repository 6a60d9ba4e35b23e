"""Rules about several integrations of one or more Linnworks accounts, which must not affect each other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from bridge.check import tenants, wizard
from bridge.check.context import CheckContext, random_account
from bridge.check.integration import Integration
from bridge.check.response import EndpointResponse
from bridge.check.rule import RuleArea, RuleFailed, RuleSeverity, RuleSkipped

area = RuleArea("Several integrations", "channel-integrations-faq", needs=("CFG-08",))
PARALLEL_CALLERS = 8
CALLS_OF_EACH = 4


@area.rule("INT-01", RuleSeverity.ADVICE, "ep:add-new-user-endpoint")
def finished_name_again(context: CheckContext) -> None:
    """AddNewUser rejects an account name whose integration is finished.

    Two integrations with one name are hard to distinguish, and both download the same orders.
    """
    response = context.add_user(context.first).require_error(f"for {context.first.name}, which is already finished")
    if response.string("AuthorizationToken"):
        raise RuleFailed("AddNewUser returned both an Error and a token", response.exchange)


@area.rule("INT-09", follows=True, source="ep:add-new-user-endpoint")
def finished_token_kept(context: CheckContext) -> None:
    """AddNewUser never returns the token of an integration that is finished.

    Two integrations then are one: both download the same orders, and deleting one ends the other.
    """
    response = context.add_user(context.first)
    if response.string("AuthorizationToken") == context.first.token:
        raise RuleFailed("AddNewUser with the same account and name returned the token in use", response.exchange)


@area.rule("INT-02")
def second_name(context: CheckContext) -> None:
    """The same account gets another token for another account name.

    A customer may integrate several shops; with one token their orders and stock would be mixed up.
    """
    response = context.create(context.second).require_success()
    if context.second.token in ("", context.first.token):
        raise RuleFailed("the second integration got no token of its own", response.exchange)


@area.rule("INT-03", RuleSeverity.ADVICE, "ep:add-new-user-endpoint", needs=("INT-02",))
def unfinished_name_again(context: CheckContext) -> None:
    """AddNewUser replaces an integration whose wizard was never finished, including its token.

    A customer whose first attempt was interrupted could not use that account name again.
    """
    old = context.second.token
    response = context.add_user(context.second).require_success()
    context.second.token = response.string("AuthorizationToken") or old
    if context.second.token == old:
        raise RuleFailed("the second AddNewUser returned no new token", response.exchange)
    context.client.call("UserConfig", old).require_error("for the replaced token")
    context.active_tokens.discard(old)


@area.rule("INT-04", needs=("INT-02",), after=("INT-03",))
def separate_wizards(context: CheckContext) -> None:
    """The second integration completes its own wizard, and the first does not change.

    Token, settings and state belong to one integration: here one customer's set-up changes another's.
    """
    response = wizard.load(context, context.second).require_success()
    if tenants.foreign_name(context, context.second, response):
        raise RuleFailed("UserConfig returns another integration's AccountName for the second token", response.exchange)
    wizard.complete(context, context.second)
    first = wizard.load(context, context.first).require_success()
    if first.string("StepName") != wizard.FINISHED or tenants.foreign_name(context, context.first, first):
        raise RuleFailed("the first integration lost its step or its name when the second was created", first.exchange)


@area.rule("INT-05", needs=("INT-04",), after=("CFG-11",))
def separate_settings(context: CheckContext) -> None:
    """A setting changed in the second integration does not change in the first.

    One customer's settings would determine how another's orders and prices are sent.
    """
    for name, old, new in wizard.possible_changes(context.second):
        before = _setting(context, context.first, name)
        if new == before or wizard.save(context, context.second, {name: new}).error:
            continue
        after, exchange = _setting(context, context.first, name), context.client.last_exchange
        if after != before:
            wizard.save(context, context.second, {name: old})
            message = f"{name} of the first integration changed from {before!r} to {after!r} with the second"
            raise RuleFailed(message, exchange)
        return  # the second integration keeps the value, which tells it apart
    raise RuleSkipped("no setting can get another value")


@area.rule("INT-07", needs=("INT-04",))
def parallel_calls(context: CheckContext) -> None:
    """Parallel calls of two integrations each get their own response.

    Linnworks polls all integrations in parallel: occasionally one customer gets another's response.
    """
    integrations = [context.first, context.second]
    integrations += [context.spare] if context.spare.token else []  # its step tells it apart
    shown = [context.client.call("UserConfig", integration.token).require_success() for integration in integrations]
    own = {one.token: tenants.marks(response) for one, response in zip(integrations, shown, strict=True)}
    tenants.require_difference(context, shown)
    clients = [context.client.clone() for _ in range(PARALLEL_CALLERS)]

    def call(number: int) -> list[tuple[Integration, EndpointResponse]]:
        called = [integrations[(number + repeat) % len(integrations)] for repeat in range(CALLS_OF_EACH)]
        return [(integration, clients[number].call("UserConfig", integration.token)) for integration in called]

    try:
        with ThreadPoolExecutor(PARALLEL_CALLERS) as pool:
            responses = [pair for pairs in pool.map(call, range(PARALLEL_CALLERS)) for pair in pairs]
    finally:
        for client in clients:
            client.close()
    accepted = [(integration, response) for integration, response in responses if not response.error]
    if not accepted:  # some may be refused because the application is busy
        responses[0][1].require_success()
    for integration, response in accepted:
        name, marks = tenants.foreign_name(context, integration, response), tenants.marks(response)
        if name or (marks != own[integration.token] and marks in own.values()):
            message = f"the token of {integration.name} got the response of {name or 'another integration'}"
            raise RuleFailed(message, response.exchange)


@area.rule("INT-08", needs=("INT-04",), after=("INT-05", "INT-07"))
def told_apart(context: CheckContext) -> None:
    """Both integrations show what is theirs, one after the other.

    Token, settings and state belong to one integration: here one customer sees and changes another's.
    """
    tenants.start(context)
    tenants.probe(context)
    if context.tenants and context.tenants.problems:
        raise context.tenants.problems[0]


def _setting(context: CheckContext, integration: Integration, name: str) -> str:
    wizard.load(context, integration).require_success()
    return wizard.selected_value(integration, name)


@area.rule("INT-06", source="ep:add-new-user-endpoint")
def second_account(context: CheckContext) -> None:
    """Another Linnworks account can use the same account name, and gets its own token.

    Account names are unique within an account at most: two customers can both call their shop Shop.
    """
    account = random_account(context.rng)
    response = context.add_user(context.first, LinnworksUniqueIdentifier=account).require_success()
    token = response.string("AuthorizationToken")
    if token in ("", context.first.token):
        raise RuleFailed("the other account got no token of its own", response.exchange)
    _require_alive(context, "AddNewUser of another account with its name")
    context.delete_integration(token)
    _require_alive(context, "ConfigDeleted of another account's integration with its name")


def _require_alive(context: CheckContext, request: str) -> None:
    response = wizard.load(context, context.first)
    if response.error:
        message = f'{request} ended the first integration: UserConfig now returns the Error "{response.error[:200]}"'
        raise RuleFailed(message, response.exchange)
