"""What the database knows of a caller, in one query."""

from __future__ import annotations

from bridge.clock import now
from bridge.store.callers import find_caller
from bridge.store.connections import add_connection
from bridge.store.oauth_clients import add_client, revoke_client


def test_client_and_connection_are_found_by_themselves(app):
    """
    Neither a client without a connection nor a connection without a client hides the other.
    """
    add_connection(account="a", account_name="n", email="e", token_digest="d", step="s", now=now())

    assert (False, False, "a") == _known(find_caller("", "d"))
    add_client("c", name="n", secret_digest="s", scope="read", now=now())
    assert (True, False, "a") == _known(find_caller("", "d"))
    assert (True, True, "") == _known(find_caller("c", ""))
    revoke_client("c", now())
    assert (True, False, "a") == _known(find_caller("c", "d"))


def _known(caller):
    return caller.oauth_is_on, caller.client_is_active, caller.connection.account if caller.connection else ""
