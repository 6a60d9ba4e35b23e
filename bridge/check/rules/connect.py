"""Rules about a new integration: AddNewUser and the first step of the wizard."""

from __future__ import annotations

import base64
import hashlib
import re
import uuid

from bridge.check import wizard
from bridge.check.context import CheckContext
from bridge.check.rule import RuleArea, RuleFailed, RuleSeverity

area = RuleArea("Connecting", "ep:add-new-user-endpoint")
CSHARP_TESTS = "C# tests of ep:add-new-user-endpoint"
OAUTH_ERROR = re.compile(r"oauth|bearer|access.?token|authorization header|unauthori[sz]ed", re.IGNORECASE)
MIN_TOKEN_LENGTH = 16
MIN_RANDOM_CHARACTERS = 4
"""Two tokens that differ in fewer characters count up, or are a name."""


@area.rule("CFG-01")
def token_returned(context: CheckContext) -> None:
    """AddNewUser returns a token for a new integration.

    Linnworks has no token for its calls, and the customer sees the integration fail.
    """
    response = context.create(context.first)
    if context.client.oauth is None and OAUTH_ERROR.search(response.error):
        message = "the application seems to require access tokens: give a client with --oauth-client FILE"
        raise RuleFailed(f'{message}; AddNewUser returned the Error "{response.error[:200]}"', response.exchange)
    response.require_success()
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
    if len(token) < MIN_TOKEN_LENGTH or (token.isdigit() and len(token) < 2 * MIN_TOKEN_LENGTH):
        raise RuleFailed(f"the token has {len(token)} characters" + (", all of them digits" if token.isdigit() else ""))


@area.rule("CFG-18", source="endpoints-general", follows=True, needs=("CFG-01",))
def secret_token(context: CheckContext) -> None:
    """A token cannot be guessed from another one, nor from what AddNewUser sends.

    The token is the only protection of an integration: anyone who has one reads the orders of the next customer.
    """
    first, spare = context.first, context.spare
    if not spare.token:
        context.create(spare).require_success()
    for known in (first.account, first.name, first.email):
        if first.token.casefold() in (known.casefold(), known.replace("-", "").casefold(), *_digests(known)):
            raise RuleFailed(f"the token is made from {known!r}, which others know")
    different = sum(one != other for one, other in zip(first.token, spare.token, strict=False))
    if len(first.token) == len(spare.token) and 0 < different < MIN_RANDOM_CHARACTERS:
        raise RuleFailed(f"the tokens of two integrations differ in {different} of {len(first.token)} characters")


def _digests(text: str) -> list[str]:
    encoded = text.encode()
    digests = [hashlib.new(name, encoded, usedforsecurity=False).hexdigest() for name in ("md5", "sha1", "sha256")]
    return [*digests, base64.b64encode(encoded).decode().casefold()]
