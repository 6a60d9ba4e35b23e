"""Rules about a new integration: AddNewUser and the first step of the wizard."""

from __future__ import annotations

import uuid

from bridge.check import wizard
from bridge.check.context import CheckContext
from bridge.check.rule import RuleArea, RuleFailed, RuleSeverity

area = RuleArea("Connecting", "ep:add-new-user-endpoint")
CSHARP_TESTS = "C# tests of ep:add-new-user-endpoint"


@area.rule("CFG-01")
def token_returned(context: CheckContext) -> None:
    """AddNewUser returns a token for a new integration.

    Linnworks has no token for its calls, and the customer sees the integration fail.
    """
    response = context.add_user(context.first).require_success()
    context.first.token = response.string("AuthorizationToken")
    if not context.first.token:
        raise RuleFailed("AddNewUser returned no AuthorizationToken", response.exchange)


@area.rule("CFG-02", RuleSeverity.SHOULD, CSHARP_TESTS)
def empty_email(context: CheckContext) -> None:
    """AddNewUser rejects an empty e-mail address.

    An integration is created without a person to contact about it.
    """
    _require_rejection(context, Email="")


@area.rule("CFG-03", RuleSeverity.SHOULD, CSHARP_TESTS)
def empty_account_name(context: CheckContext) -> None:
    """AddNewUser rejects an empty account name.

    An integration is created that the customer cannot distinguish from others.
    """
    _require_rejection(context, AccountName="")


@area.rule("CFG-04", RuleSeverity.SHOULD, CSHARP_TESTS)
def zero_account(context: CheckContext) -> None:
    """AddNewUser rejects the all-zero account identifier.

    An integration is created that belongs to no Linnworks account.
    """
    _require_rejection(context, LinnworksUniqueIdentifier=str(uuid.UUID(int=0)))


def _require_rejection(context: CheckContext, **changes: str) -> None:
    fields = {"AccountName": f"check-{context.random_word()}", **changes}
    response = context.add_user(context.first, **fields).require_error(f"for {changes}")
    if response.string("AuthorizationToken"):
        raise RuleFailed("AddNewUser returned both an Error and a token", response.exchange)


@area.rule("CFG-05", source="ep:user-config", needs=("CFG-01",))
def first_step(context: CheckContext) -> None:
    """UserConfig returns the wizard's first step directly after AddNewUser.

    Linnworks calls UserConfig directly after AddNewUser and has nothing to show the customer.
    """
    response = wizard.load(context, context.first).require_success()
    if not context.first.step:
        raise RuleFailed("UserConfig returned no StepName", response.exchange)


@area.rule("CFG-15", RuleSeverity.ADVICE, "endpoints-general", needs=("CFG-01",))
def strong_token(context: CheckContext) -> None:
    """A token has at least 16 characters and does not consist of digits alone.

    The token is the only protection of an integration: anyone who guesses it reads the orders.
    """
    token = context.first.token
    if len(token) < 16 or (token.isdigit() and len(token) < 32):
        raise RuleFailed(f"the token has {len(token)} characters" + (", all of them digits" if token.isdigit() else ""))
