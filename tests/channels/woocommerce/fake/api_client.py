"""Calls to a scripted shop without a network."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
from typing import Any
from urllib.parse import quote, urlencode

from werkzeug.test import Client, TestResponse

from tests.channels.woocommerce.fake.api import api
from tests.channels.woocommerce.fake.shop import WooShop

V3 = "/wp-json/wc/v3"

_nonces = itertools.count()


class ApiClient:
    """Calls a shop's API in the same process."""

    def __init__(self, shop: WooShop, *, read_only: bool = False) -> None:
        self.shop, self._client = shop, Client(api(shop))
        self.pair = (shop.read_only_key, shop.read_only_secret) if read_only else (shop.key, shop.secret)

    def __call__(self, method: str, path: str, params: Any = None, sent: Any = None, **known: Any) -> TestResponse:
        headers = known.pop("headers", None)
        if headers is None:
            pair = base64.b64encode(":".join(known.pop("pair", self.pair)).encode()).decode()
            headers = {"Authorization": f"Basic {pair}"}
        query = urlencode(params or {})
        return self._client.open(f"{V3}{path}?{query}", method=method, json=sent, headers=headers, **known)

    def signed(self, method: str, path: str, params: dict[str, Any], **over: str) -> TestResponse:
        """A call with an OAuth 1.0a signature in its query."""
        stamp = str(int(self.shop.now().timestamp()))
        oauth = {"consumer_key": self.pair[0], "timestamp": stamp, "nonce": f"n{next(_nonces)}"}
        oauth |= {"signature_method": "HMAC-SHA256", **over}
        secret = oauth.pop("secret", self.pair[1])
        signed = {**params, **{f"oauth_{name}": value for name, value in oauth.items()}}
        pairs = sorted((quote(str(name), safe="~"), quote(str(value), safe="~")) for name, value in signed.items())
        text = quote("&".join(f"{name}={value}" for name, value in pairs), safe="~")
        base = "&".join((method, quote(self.shop.url + V3 + path, safe="~"), text))
        kind = hashlib.sha1 if oauth["signature_method"].endswith("SHA1") else hashlib.sha256
        digest = hmac.new(f"{secret}&".encode(), base.encode(), kind).digest()
        return self(method, path, {**signed, "oauth_signature": base64.b64encode(digest).decode()}, headers={})
