"""The client credentials flow, when the application has one."""

from __future__ import annotations

import json

from bridge.check.linnworks import string
from bridge.check.play import Play
from bridge.check.registry import Area, Failed

area = Area("OAuth", needs=("CFG-05",))


@area.check("OAU-01")
def a_bearer(play: Play) -> None:
    """The token endpoint gives the client a bearer token, its lifetime and its scopes."""
    status, grant = play.linnworks.ask_for_bearer(play.linnworks.oauth[1] if play.linnworks.oauth else "")
    play.linnworks.secrets.add(string(grant.get("access_token")))
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
    """The token endpoint refuses a wrong secret with 400 or 401 and an OAuth error."""
    status, grant = play.linnworks.ask_for_bearer(f"not-the-secret-{play.word()}")
    if status not in (400, 401):
        raise Failed(f"status {status} to a wrong secret")
    if not string(grant.get("error")):
        raise Failed("the refusal names no error, as RFC 6749 wants")


@area.check("OAU-03")
def no_bearer(play: Play) -> None:
    """A call without a bearer token, or with a wrong one, gets 200 and an Error."""
    content = json.dumps({"AuthorizationToken": play.first.token}).encode()
    for bearer, words in (
        ("", "without a bearer token"),
        (play.word(32), "with a wrong bearer token"),
    ):
        play.linnworks.send("UserConfig", content, bearer=bearer).refused(words)
