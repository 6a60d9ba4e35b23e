"""The client credentials flow, when the application has one."""

from __future__ import annotations

import json

from bridge.check.answer import string
from bridge.check.play import Play
from bridge.check.registry import Area, Failed, Severity

area = Area("OAuth", "ep:oauthauthorization")


@area.check("OAU-01")
def a_bearer(play: Play) -> None:
    """The token endpoint gives the client a bearer token, its lifetime and its scopes.

    Without them Linnworks cannot make any other call.
    """
    status, grant = play.linnworks.ask_for_bearer(_secret(play))
    if status != 200:
        raise Failed(f"status {status}, error {grant.get('error')!r}")
    if not string(grant.get("access_token")):
        raise Failed("there is no access_token")
    if string(grant.get("token_type")).lower() != "bearer":
        raise Failed(f"token_type is {grant.get('token_type')!r}, not bearer")
    lifetime = grant.get("expires_in")
    if isinstance(lifetime, bool) or not str(lifetime).isdigit():
        raise Failed(f"expires_in is {lifetime!r}, not a number of seconds")
    if not isinstance(grant.get("scope"), str):
        raise Failed(f"scope is {grant.get('scope')!r}, not a string")


@area.check("OAU-02")
def a_wrong_secret(play: Play) -> None:
    """The token endpoint gives nobody a token for a wrong secret.

    Anybody who knows the client id could then make calls in the name of Linnworks.
    """
    _, grant = play.linnworks.ask_for_bearer(f"not-the-secret-{play.word()}")
    if string(grant.get("access_token")):
        raise Failed("a wrong secret was given an access_token")


@area.check("OAU-03", Severity.SHOULD, "endpoints-general", needs=("CFG-05",))
def no_bearer(play: Play) -> None:
    """A call without a bearer token, or with a wrong one, gets 200 and an Error.

    The token endpoint protects nothing where calls are answered without its tokens.
    """
    content = json.dumps({"AuthorizationToken": play.first.token}).encode()
    for bearer, words in (("", "without a bearer token"), (play.word(32), "with a wrong bearer token")):
        play.linnworks.send("UserConfig", content, bearer=bearer, odd=True).refused(words)


@area.check("OAU-04", Severity.SHOULD, "RFC 6749, 5.2")
def the_form_of_a_refusal(play: Play) -> None:
    """A wrong secret is refused with status 400 or 401 and an OAuth error.

    The customer who mistyped the secret in the wizard is not told so.
    """
    status, grant = play.linnworks.ask_for_bearer(f"not-the-secret-{play.word()}")
    if status not in (400, 401):
        raise Failed(f"status {status} to a wrong secret")
    if not string(grant.get("error")):
        raise Failed("the refusal names no error")


@area.check("OAU-05", Severity.SHOULD)
def no_scope(play: Play) -> None:
    """A request without a scope is given a token as well.

    The scope is optional: where the manifest requests none, Linnworks sends none.
    """
    status, grant = play.linnworks.ask_for_bearer(_secret(play), scopes=False)
    if status != 200 or not string(grant.get("access_token")):
        raise Failed(f"without a scope the answer is status {status}, error {grant.get('error')!r}")


def _secret(play: Play) -> str:
    return play.linnworks.oauth[1] if play.linnworks.oauth else ""
