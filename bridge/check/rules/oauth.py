"""Rules about OAuth client credentials, when the application uses them."""

from __future__ import annotations

import json

from bridge.check.context import CheckContext
from bridge.check.response import string
from bridge.check.rule import RuleArea, RuleFailed, RuleSeverity

area = RuleArea("OAuth", "ep:oauthauthorization")


@area.rule("OAU-01")
def bearer_token(context: CheckContext) -> None:
    """The token endpoint returns a bearer token, its lifetime and its scopes to the client.

    Linnworks cannot make any other call without them.
    """
    status, grant = context.client.request_token(_client_secret(context))
    if status != 200:
        raise RuleFailed(f"status {status}, error {grant.get('error')!r}")
    if not string(grant.get("access_token")):
        raise RuleFailed("there is no access_token")
    if string(grant.get("token_type")).lower() != "bearer":
        raise RuleFailed(f"token_type is {grant.get('token_type')!r}, not bearer")
    lifetime = grant.get("expires_in")
    if isinstance(lifetime, bool) or not str(lifetime).isdigit():
        raise RuleFailed(f"expires_in is {lifetime!r}, not a number of seconds")
    if not isinstance(grant.get("scope"), str):
        raise RuleFailed(f"scope is {grant.get('scope')!r}, not a string")


@area.rule("OAU-02")
def wrong_secret(context: CheckContext) -> None:
    """The token endpoint returns no token for a wrong secret.

    Anyone who knows the client id could make calls as Linnworks.
    """
    _, grant = context.client.request_token(f"not-the-secret-{context.random_word()}")
    if string(grant.get("access_token")):
        raise RuleFailed("a wrong secret got an access_token")


@area.rule("OAU-03", RuleSeverity.SHOULD, "endpoints-general", needs=("CFG-05",))
def missing_bearer_token(context: CheckContext) -> None:
    """A call without a bearer token, or with a wrong one, gets status 200 and an Error.

    The token endpoint protects nothing when calls succeed without its tokens.
    """
    content = json.dumps({"AuthorizationToken": context.first.token}).encode()
    for token, request in (("", "without a bearer token"), (context.random_word(32), "with a wrong bearer token")):
        context.client.send("UserConfig", content, bearer_token=token, unusual=True).require_error(request)


@area.rule("OAU-04", RuleSeverity.SHOULD, "RFC 6749, 5.2")
def error_form(context: CheckContext) -> None:
    """A wrong secret gets status 400 or 401 and an OAuth error.

    A customer who mistyped the secret in the wizard does not see why it fails.
    """
    status, grant = context.client.request_token(f"not-the-secret-{context.random_word()}")
    if status not in (400, 401):
        raise RuleFailed(f"status {status} for a wrong secret")
    if not string(grant.get("error")):
        raise RuleFailed("the response has no error")


@area.rule("OAU-05", RuleSeverity.SHOULD)
def no_scope(context: CheckContext) -> None:
    """A request without a scope gets a token as well.

    The scope is optional: Linnworks sends none when the manifest requests none.
    """
    status, grant = context.client.request_token(_client_secret(context), with_scope=False)
    if status != 200 or not string(grant.get("access_token")):
        raise RuleFailed(f"without a scope the response has status {status}, error {grant.get('error')!r}")


def _client_secret(context: CheckContext) -> str:
    return context.client.oauth[1] if context.client.oauth else ""
