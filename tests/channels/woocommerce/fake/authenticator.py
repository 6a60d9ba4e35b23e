"""Authentication: Basic and query keys if PHP sees HTTPS, OAuth 1.0a otherwise."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

from werkzeug.wrappers import Request

from tests.channels.woocommerce.fake.rest import Refusal

TIMESTAMP_TOLERANCE = 15 * 60
MOST_NONCES = 5000
OAUTH = ("oauth_consumer_key", "oauth_timestamp", "oauth_nonce", "oauth_signature", "oauth_signature_method")
METHODS = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}


@dataclass
class Key:
    """A consumer key of the REST API with its secret, and whether it may write."""

    key: str
    secret: str
    writes: bool


class Authenticator:
    """Checks the keys of requests; `https` is whether PHP believes that the connection uses HTTPS."""

    def __init__(self, keys: list[Key], url: str, https: bool, strip_authorization: bool) -> None:
        self.keys = {key.key: key for key in keys}
        self.url, self.https, self.strip_authorization = url, https, strip_authorization
        self._nonces: dict[str, dict[str, int]] = {}

    def authenticate(self, request: Request, path: str, moment: float) -> Key | None:
        """Return the key of a request, None without one; raises Refusal for a wrong key or a forbidden write."""
        key = self._basic(request) if self.https else None
        key = key or self._oauth(request, path, moment)
        if key and not key.writes and request.method not in ("GET", "HEAD", "OPTIONS"):
            raise _refused("The API key provided does not have write permissions.")
        return key

    def _basic(self, request: Request) -> Key | None:
        name, secret = request.args.get("consumer_key", ""), request.args.get("consumer_secret", "")
        if not (name and secret):
            name, secret = _credentials(self._header(request, "basic"))
        key = self.keys.get(name)
        if key and not hmac.compare_digest(key.secret.encode(), secret.encode()):
            raise _refused("Consumer secret is invalid.")
        return key

    def _header(self, request: Request, scheme: str) -> str:
        header = "" if self.strip_authorization else request.headers.get("Authorization", "")
        kind, _, rest = header.partition(" ")
        return rest.strip() if kind.lower() == scheme else ""

    def _oauth(self, request: Request, path: str, moment: float) -> Key | None:
        params = _php_query(request.query_string.decode())
        for part in filter(None, self._header(request, "oauth").split(",")):
            name, _, value = part.strip().partition("=")
            params[name] = unquote(value.strip('"'))
        missing = [name for name in OAUTH if not params.get(name)]
        if len(missing) == len(OAUTH):
            return None
        if missing:
            words = f"Missing OAuth parameter{'s' if len(missing) > 1 else ''} {', '.join(missing)}"
            raise Refusal(401, "woocommerce_rest_authentication_missing_parameter", words)
        key = self.keys.get(params["oauth_consumer_key"])
        if not key:
            raise _refused("Consumer key is invalid.")
        self._check_signature(request.method, path, params, key)
        self._check_nonce(params, key, moment)
        return key

    def _check_signature(self, method: str, path: str, params: Mapping[str, Any], key: Key) -> None:
        sent = unquote(params["oauth_signature"].replace(" ", "+"))
        signed = sorted((name, value) for name, value in params.items() if name != "oauth_signature")
        pairs = [f"{_requoted(name)}={_requoted(value)}" for name, value in signed]
        url = ("https" if self.https else "http") + self.url[self.url.index(":") :] + path
        base = "&".join((method, _quoted(url), _quoted("&".join(pairs))))
        if params["oauth_signature_method"] not in METHODS:
            raise _refused("Invalid signature - signature method is invalid.")
        digest = hmac.new(f"{key.secret}&".encode(), base.encode(), METHODS[params["oauth_signature_method"]]).digest()
        if not hmac.compare_digest(b64encode(digest).decode(), sent):
            raise _refused("Invalid signature - provided signature does not match.")

    def _check_nonce(self, params: Mapping[str, Any], key: Key, moment: float) -> None:
        stamp, nonce = int(params["oauth_timestamp"] or 0), params["oauth_nonce"]
        if abs(moment - stamp) > TIMESTAMP_TOLERANCE:
            raise _refused("Invalid timestamp.")
        seen = self._nonces.setdefault(key.key, {})
        if nonce in seen:
            raise _refused("Invalid nonce - nonce has already been used.")
        seen[nonce] = stamp
        if len(seen) > MOST_NONCES:
            self._nonces[key.key] = {name: at for name, at in seen.items() if abs(moment - at) <= TIMESTAMP_TOLERANCE}


def _php_query(raw: str) -> dict[str, str]:
    """Return the query as PHP parses it: a list without indexes gets them, which changes what was signed."""
    params: dict[str, str] = {}
    counts: dict[str, int] = {}
    for name, value in parse_qsl(raw, keep_blank_values=True):
        if name.endswith("[]"):
            counts[name] = counts.get(name, -1) + 1
            name = f"{name[:-2]}[{counts[name]}]"
        params[name] = value
    return params


def _requoted(text: str) -> str:
    """Return a text encoded once, decoding it first in case it was encoded already."""
    return _quoted(unquote(text))


def _quoted(text: str) -> str:
    return quote(text, safe="~")


def _credentials(encoded: str) -> tuple[str, str]:
    try:
        name, _, secret = b64decode(encoded).decode().partition(":")
    except ValueError:
        return "", ""
    return name, secret


def _refused(message: str) -> Refusal:
    return Refusal(401, "woocommerce_rest_authentication_error", message)
