"""New integrations: each gets a connection and a token."""

from __future__ import annotations

import uuid
from datetime import datetime

from bridge.channels import Channels
from bridge.errors import RequestRefused, printable
from bridge.protocol.schemas.config import AddNewUserRequest
from bridge.store.connections import add_connection
from bridge.vault import digest, new_token


def begin(request: AddNewUserRequest, channels: Channels, now: datetime) -> str:
    """Add a connection and return its token, which is stored only as a digest.

    An unfinished connection of the same account and name is replaced. Raises RequestRefused if a finished one
    exists, or if e-mail address, account name or account id is missing or has control characters.
    """
    if not _is_name(request.email):
        raise RequestRefused("Invalid Email")
    if not _is_name(request.account_name):
        raise RequestRefused("Invalid AccountName")
    token = new_token()
    added = add_connection(
        account=_account(request.linnworks_unique_identifier),
        account_name=request.account_name,
        email=request.email,
        token_digest=digest(token),
        step=channels.channel_class.steps[0].name,
        now=now,
    )
    if added is None:
        raise RequestRefused(
            f"An integration named {request.account_name} exists already in this account: "
            "choose another account name, or delete that integration first"
        )
    return token


def _is_name(text: str) -> bool:
    return bool(text.strip()) and printable(text) == text


def _account(identifier: str) -> str:
    try:
        account = uuid.UUID(identifier.strip())
    except ValueError:
        account = uuid.UUID(int=0)
    if not account.int:
        raise RequestRefused("Invalid LinnworksUniqueIdentifier")
    return str(account)
