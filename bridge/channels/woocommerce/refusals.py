"""What a WooCommerce shop's refusals mean, and how the seller is told."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from bridge.channels.http import ShopResponse
from bridge.channels.woocommerce.values import unescape
from bridge.errors import ChannelRefused, CredentialsRefused

READ_ONLY = "read-only key"  # our code for the refusal that contains NO_WRITE
NO_WRITE = "write permissions"
WRONG_KEY = "woocommerce_rest_authentication_error"


class KeyNotSeen(CredentialsRefused):
    """The shop did not see the key as it was sent, or does not know it."""


def code_of(answer: ShopResponse) -> str:
    """Return the shop's code of a refusal."""
    return READ_ONLY if NO_WRITE in str(answer.find("message")) else str(answer.find("code") or "")


def is_about_key(answer: ShopResponse) -> bool:
    """Return whether the shop received the key and refused it; a wrong signature may only mean a wrong address."""
    return code_of(answer) == WRONG_KEY and "signature" not in message_of(answer)


def message_of(answer: ShopResponse) -> str:
    """Return the shop's message of a refusal."""
    return error_message(answer.json) or f"it answered with status {answer.status}"


def error_message(body: Any) -> str:
    """Return the message of the shop's error, for a whole request or for one entry of a batch; "" if there is none."""
    return unescape(body.get("message")).strip().rstrip(".") if isinstance(body, dict) else ""


def refusal(answer: ShopResponse, url: str) -> ChannelRefused:
    """Return the error for a refusal of the shop at this URL."""
    if answer.status == HTTPStatus.FORBIDDEN:
        return CredentialsRefused(
            f"WooCommerce does not let this key do that ({message_of(answer)}): create a key for an administrator "
            "or shop manager"
        )
    if answer.status != HTTPStatus.UNAUTHORIZED:
        return ChannelRefused(f"WooCommerce: {message_of(answer)}")
    if code_of(answer) == READ_ONLY:
        return CredentialsRefused(
            "This key may only read: create one with the permission Read/Write in WooCommerce, "
            "Settings, Advanced, REST API"
        )
    if is_about_key(answer):
        return CredentialsRefused(f"WooCommerce does not accept the key: {message_of(answer)}")
    if url.startswith("http:"):
        return KeyNotSeen(
            "WooCommerce does not accept the key, which is sent as a signature on plain HTTP: check key and secret, "
            "and whether the address should begin with https"
        )
    return KeyNotSeen(
        "WooCommerce does not know this key, or the web server does not pass the Authorization header and the query "
        "on to it: check the key and the web server"
    )
