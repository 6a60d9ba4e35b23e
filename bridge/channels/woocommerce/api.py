"""Calls to a WooCommerce shop: how it is shown the key, what its refusals mean, and lists read without gaps."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, TypeVar

from requests import PreparedRequest
from requests.auth import AuthBase, HTTPBasicAuth
from requests_oauthlib import OAuth1

from bridge.channels.http import ShopClient, ShopResponse
from bridge.channels.woocommerce.values import plain
from bridge.clock import Deadline
from bridge.errors import ChannelRefused, ChannelUnavailable, CredentialsRefused
from bridge.settings import Settings

T = TypeVar("T")

AT_A_TIME = 100  # rows of a list, entries of a batch: more is refused
STEP_BACK = 10  # how many rows may leave a list between two looks before a third is needed
REFUSALS = range(400, 500)
FAILED = HTTPStatus.INTERNAL_SERVER_ERROR
READ_ONLY = "read-only key"  # our code for the refusal that has these words
NO_WRITE = "write permissions"
WAY = "woocommerce way"

BASIC, QUERY, SIGNED = "basic", "query", "signed"
WAYS = {"https": (BASIC, QUERY), "http": (SIGNED, BASIC, QUERY)}
"""How the key is shown, the usual way first: some web servers strip the Authorization header, and on plain http
WooCommerce heeds only signatures, unless a proxy before it has ended TLS and tells it so."""


class Key(AuthBase):
    """A consumer key with its secret, shown to the shop in one of the ways that it may understand."""

    def __init__(self, key: str, secret: str, way: str) -> None:
        self.way = way
        self._key = key
        self._secret = secret

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        if self.way == QUERY:
            request.prepare_url(str(request.url), {"consumer_key": self._key, "consumer_secret": self._secret})
        elif self.way == SIGNED:
            OAuth1(self._key, self._secret, signature_method="HMAC-SHA256", signature_type="QUERY")(request)
        else:
            HTTPBasicAuth(self._key, self._secret)(request)
        return request


@dataclass(frozen=True)
class Mark:
    """A place in a list ordered by id: the last row that was seen, and how many stood before the next one then."""

    id: int = 0
    offset: int = 0


@dataclass(frozen=True)
class Stretch:
    """The rows after a mark, how many stand before them, the mark after them unless they were the last, and when."""

    rows: list[dict[str, Any]]
    first: int
    mark: Mark | None
    as_of: datetime | None


class WooClient:
    """The REST API of a shop, version 3, through one consumer key.

    What the shop refuses is raised as ChannelRefused in its own words, or as CredentialsRefused where it is
    about the key; statuses that a caller accepts come back as answers.
    """

    def __init__(self, url: str, key: str, secret: str, deadline: Deadline, settings: Settings) -> None:
        self.url = url
        self._clients = {
            way: ShopClient(url, deadline, settings, account=key, auth=Key(key, secret, way))
            for way in WAYS[url.partition(":")[0]]
        }
        self._client = next(iter(self._clients.values()))

    @property
    def cache(self) -> dict[str, str]:
        """What was found out about the shop; kept for a while."""
        return self._client.cache

    def get(self, path: str, params: Mapping[str, Any] | None = None, *, accept: Collection[int] = ()) -> ShopResponse:
        """Read something below wc/v3."""
        return self._call(lambda client: client.get(_v3(path), params, accept=REFUSALS), accept)

    def post(self, path: str, body: Any, *, repeatable: bool = False, accept: Collection[int] = ()) -> ShopResponse:
        """Send something new."""
        heard = (*REFUSALS, *accept)
        return self._call(lambda client: client.post(_v3(path), body, repeatable=repeatable, accept=heard), accept)

    def put(self, path: str, body: Any) -> ShopResponse:
        """Change something."""
        return self._call(lambda client: client.put(_v3(path), body, accept=REFUSALS), ())

    def delete(self, path: str, *, accept: Collection[int] = ()) -> ShopResponse:
        """Take something away, into the bin where there is one."""
        return self._call(lambda client: client.delete(_v3(path), repeatable=True, accept=REFUSALS), accept)

    def get_public(self, path: str, params: Mapping[str, Any]) -> ShopResponse:
        """Read something of WordPress itself that needs no key."""
        return self._client.get(path, params, accept=REFUSALS)

    def may_write(self) -> None:
        """Raise CredentialsRefused where the key only reads; sends a batch of nothing."""
        self.post("products/batch", {}, repeatable=True)

    def together(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """The results of several reads done at once; raises what the first that failed did."""
        found = []
        for result in self._client.together(calls):
            if isinstance(result, Exception):
                raise result
            found.append(result)
        return found

    def attempts(self, calls: Sequence[Callable[[], T]]) -> list[Any]:
        """The results of several calls done at once, or the errors in their places."""
        return self._client.together(calls)

    def after(self, path: str, params: Mapping[str, Any], mark: Mark) -> Stretch:
        """At most a hundred rows of a list that come after a mark, in the order of their ids.

        WooCommerce counts rows instead of remembering a place, so one that leaves the list moves those behind
        it forward. Hence each look begins a little before the mark, and the place is found again by its id.
        """
        offset = max(0, mark.offset - STEP_BACK)
        while True:
            wanted = {**params, "orderby": "id", "order": "asc", "per_page": AT_A_TIME, "offset": offset}
            answer = self.get(path, wanted)
            rows = answer.rows()
            ids = [row["id"] for row in rows]
            if sorted(set(ids)) != ids:
                raise ChannelUnavailable("The shop's list was not in the order that was asked for")
            if offset and (not ids or ids[0] > mark.id):  # so many left that the mark's place is before this look
                offset = max(0, offset - AT_A_TIME)
            elif len(ids) == AT_A_TIME and ids[-1] <= mark.id:  # so many came that it is behind it
                offset += AT_A_TIME - 1
            else:
                break
        fresh = [row for row in rows if row["id"] > mark.id]
        more = Mark(ids[-1], offset + len(ids)) if len(ids) == AT_A_TIME else None
        return Stretch(fresh, offset + len(ids) - len(fresh), more, answer.date)

    def all(self, path: str, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """A whole list that rarely changes, page after page."""
        rows: list[dict[str, Any]] = []
        mark: Mark | None = Mark()
        while mark is not None:
            stretch = self.after(path, params or {}, mark)
            rows += stretch.rows
            mark = stretch.mark
        return rows

    def _call(self, send: Callable[[ShopClient], ShopResponse], accept: Collection[int]) -> ShopResponse:
        """Send something in the way that worked before, and where the key is not seen then in the others too.

        A key that was seen and refused is not shown again, and of several refusals the one that says most counts.
        """
        known = self.cache.get(WAY, "")
        refusals = []
        for way in sorted(self._clients, key=lambda way: way != known):  # sorting keeps the usual order of the others
            answer = send(self._clients[way])
            if answer.status != HTTPStatus.UNAUTHORIZED or code_of(answer) == READ_ONLY:
                self.cache[WAY] = way
                if answer.status < HTTPStatus.BAD_REQUEST or answer.status in accept:
                    return answer
                raise _refusal(answer, self.url)
            refusals.append(answer)
            if is_seen(answer):
                break
        self.cache.pop(WAY, None)
        raise _refusal(refusals[-1] if is_seen(refusals[-1]) else refusals[0], self.url)


def _v3(path: str) -> str:
    return f"wp-json/wc/v3/{path}"


def code_of(answer: ShopResponse) -> str:
    """The shop's code of a refusal."""
    body = answer.json if isinstance(answer.json, dict) else {}
    return READ_ONLY if NO_WRITE in str(body.get("message")) else str(body.get("code") or "")


def is_seen(answer: ShopResponse) -> bool:
    """Whether a refusal is about the key itself, and not about a signature that was made for another address."""
    return code_of(answer) == "woocommerce_rest_authentication_error" and "signature" not in words_of(answer)


def words_of(answer: ShopResponse) -> str:
    """The shop's words of a refusal."""
    return error_words(answer.json) or f"it answered with status {answer.status}"


def error_words(body: Any) -> str:
    """The words in an error of the shop's, whole or of one entry of a batch."""
    return plain(body.get("message")).strip().rstrip(".") if isinstance(body, dict) else ""


def _refusal(answer: ShopResponse, url: str) -> ChannelRefused:
    if answer.status == HTTPStatus.FORBIDDEN:
        return CredentialsRefused(
            f"WooCommerce does not let this key do that ({words_of(answer)}): make one for an administrator "
            "or shop manager"
        )
    if answer.status != HTTPStatus.UNAUTHORIZED:
        return ChannelRefused(f"WooCommerce: {words_of(answer)}")
    if code_of(answer) == READ_ONLY:
        return CredentialsRefused(
            "This key may only read: make one with the permission Read/Write in WooCommerce, "
            "Settings, Advanced, REST API"
        )
    if is_seen(answer):
        return CredentialsRefused(f"WooCommerce does not accept the key: {words_of(answer)}")
    if url.startswith("http:"):
        return CredentialsRefused(
            "WooCommerce does not accept the key, which on plain http is sent as a signature: check key and secret, "
            "and whether the address should begin with https"
        )
    return CredentialsRefused(
        "WooCommerce does not know this key, or the web server keeps the Authorization header and the query from it: "
        "check the key, and that the web server passes the Authorization header on"
    )
