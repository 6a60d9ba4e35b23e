"""Who may read the console: whoever knows the operator's password, for some hours after entering it."""

from __future__ import annotations

from werkzeug.security import check_password_hash, generate_password_hash

from bridge.errors import BridgeError
from bridge.protocol.rate_limit import Limit
from bridge.store.installation_facts import read_fact, save_fact
from bridge.vault import Vault, digest

PASSWORD = "console_password"  # noqa: S105 (the name of the fact with its hash)
SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 200
SESSION_SECONDS = 4 * 3600
LOGINS = Limit("Too many passwords were tried from this address", 8, 20)

SESSION = "console"
"""The first word of what a session's cookie says; the id of an OAuth client is longer."""


def set_password(password: str) -> None:
    """Store a password's hash, which turns the console on and ends all sessions; raises BridgeError if it is short."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise BridgeError(f"The password must have from {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
    save_fact(PASSWORD, generate_password_hash(password))


def turn_off() -> None:
    """Forget the password, so that the console answers nothing."""
    save_fact(PASSWORD, "")


def password_hash() -> str:
    """Return the hash of the password; "" while the console is off."""
    return read_fact(PASSWORD) or ""


def is_password(password: str, stored: str) -> bool:
    """Return whether this is the password with the stored hash; it takes a tenth of a second either way."""
    return len(password) <= LONGEST_PASSWORD and check_password_hash(stored, password)


def new_session(vault: Vault, stored: str) -> str:
    """Return a session's cookie: signed with the installation's key, and worthless under another password."""
    return vault.sign(SESSION, digest(stored))


def is_session(vault: Vault, cookie: str, stored: str) -> bool:
    """Return whether a cookie is of a session that has not ended."""
    return vault.verify(cookie, SESSION_SECONDS) == [SESSION, digest(stored)]
