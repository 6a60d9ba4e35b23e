"""How a consumer key is sent to a WooCommerce shop."""

from __future__ import annotations

from oauthlib.oauth1 import SIGNATURE_HMAC_SHA256, SIGNATURE_TYPE_QUERY, Client
from requests import PreparedRequest
from requests.auth import AuthBase, HTTPBasicAuth

BASIC, QUERY, SIGNED = "basic", "query", "signed"
METHODS = {"https": (BASIC, QUERY), "http": (SIGNED, BASIC, QUERY)}
"""The methods to try, the usual one first. Some web servers remove the Authorization header. On plain HTTP
WooCommerce accepts only signatures, unless a proxy in front of it has ended TLS and says so."""


class KeyAuth(AuthBase):
    """Sends a consumer key and its secret by one of the methods."""

    def __init__(self, key: str, secret: str, method: str) -> None:
        self._key = key
        self._secret = secret
        self._method = method

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        if self._method == QUERY:
            request.prepare_url(str(request.url), {"consumer_key": self._key, "consumer_secret": self._secret})
        elif self._method == SIGNED:
            signer = Client(
                self._key,
                self._secret,
                signature_method=SIGNATURE_HMAC_SHA256,
                signature_type=SIGNATURE_TYPE_QUERY,
            )
            request.url, _, _ = signer.sign(str(request.url), request.method)  # type: ignore[arg-type]

        else:
            HTTPBasicAuth(self._key, self._secret)(request)
        return request
