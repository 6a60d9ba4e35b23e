"""What a WooCommerce shop's refusals mean, and how the seller is told."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import Any

from bridge.channels.http import ShopResponse, json_error_message
from bridge.channels.woocommerce.values import unescape
from bridge.errors import ChannelRefused, ChannelUnavailable, CredentialsRefused

API = "wc/v3"
READ_ONLY = "read-only key"  # our code for the refusal that contains NO_WRITE
ERRORS = range(400, 600)
NO_WRITE = "write permissions"
WOOCOMMERCE = "woocommerce_"  # the beginning of WooCommerce's own codes of refusals
KNOWN_CODES = (WOOCOMMERCE, READ_ONLY)
WRONG_KEY = "woocommerce_rest_authentication_error"


class KeyNotSeen(CredentialsRefused):
    """The shop did not see the key as it was sent, or does not know it."""


class NotFromWooCommerce(ChannelRefused):
    """Something in front of WooCommerce refused a call as it was sent: it says nothing about the key."""


class Blocked(ChannelUnavailable):
    """Something in front of WooCommerce, such as a security plugin, refuses a call, so nothing was done.

    It may be a temporary lock, and WooCommerce's own answer is not known.
    """


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


def unmasked(answer: ShopResponse) -> ShopResponse:
    """Return an answer with the status in its error, which PHP cannot send if a plugin has printed something before."""
    status = answer.find("data", "status") if answer.find("code") and answer.find("message") else None
    if answer.status == HTTPStatus.OK and isinstance(status, int) and status in ERRORS:
        return replace(answer, status=status, refused=True)
    return answer


def refusal(answer: ShopResponse, url: str) -> ChannelRefused:
    """Return the error for a refusal of the shop at this URL."""
    if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN) and not code_of(answer).startswith(KNOWN_CODES):
        return NotFromWooCommerce(blocked_message(answer))
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


def blocked_message(answer: ShopResponse) -> str:
    """Return what refuses a call in front of WooCommerce, in its own words."""
    if words := json_error_message(answer):
        source = ", ".join(filter(None, (code_of(answer), str(answer.status))))
        check = ", and the key must be right" if answer.status == HTTPStatus.UNAUTHORIZED else ""
        return (
            f"A security plugin or server in front of WooCommerce refuses the call: {unescape(words).rstrip('.')} "
            f"({source}). It must let this bridge use wp-json/{API}/{check}"
        )
    asks = ": it asks for a password of its own" if "WWW-Authenticate" in answer.headers else ""
    return (
        f"The web server in front of WooCommerce refuses the call ({answer.status}){asks}. "
        f"It must let this bridge use wp-json/{API}/"
    )
