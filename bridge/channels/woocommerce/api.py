"""Calls to a WooCommerce shop's REST API, and its lists read without gaps."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar

from bridge.channels.base import Page
from bridge.channels.helpers import offsets
from bridge.channels.helpers.offsets import ListPage, Position
from bridge.channels.http import ShopClient, ShopResponse, UnexpectedAnswer
from bridge.channels.woocommerce.key_auth import METHODS, KeyAuth
from bridge.channels.woocommerce.refusals import (
    API,
    Blocked,
    KeyNotSeen,
    NotFromWooCommerce,
    message_of,
    refusal,
    unmasked,
)
from bridge.channels.woocommerce.values import row_id
from bridge.clock import Deadline
from bridge.errors import ChannelError, ChannelRefused, CredentialsRefused
from bridge.settings import Settings

T = TypeVar("T")

PAGE_SIZE = 100  # the most rows of a list, and the most entries of a batch, that WooCommerce allows
FAILED = HTTPStatus.INTERNAL_SERVER_ERROR
CLIENT_ERRORS = range(400, 500)
METHOD_CACHE = "woocommerce auth method"


class WooClient:
    """The REST API of a shop, version 3, with one consumer key.

    A refusal is raised as ChannelRefused with the shop's message, as CredentialsRefused if it is about the key, or as
    Blocked if it is not WooCommerce's; a status in `accept` is returned instead.
    """

    def __init__(self, url: str, key: str, secret: str, deadline: Deadline, settings: Settings) -> None:
        self.url = url
        self.deadline = deadline
        client = partial(ShopClient, url, deadline, settings, account=key, check_answer=self._check_answer)
        methods = METHODS[url.partition(":")[0]]
        self._clients = {method: client(auth=KeyAuth(key, secret, method)) for method in methods}
        self._client = next(iter(self._clients.values()))

    @property
    def cache(self) -> dict[str, str]:
        """What was found out about the shop; it is kept for a while."""
        return self._client.cache

    def get(self, path: str, params: Mapping[str, Any] | None = None, *, accept: Collection[int] = ()) -> ShopResponse:
        """Read a path below wc/v3."""
        return self._call(lambda client: client.get(_v3(path), params, accept=accept), accept)

    def post(self, path: str, body: Any, *, repeatable: bool = False, accept: Collection[int] = ()) -> ShopResponse:
        """Create."""
        return self._call(lambda client: client.post(_v3(path), body, repeatable=repeatable, accept=accept), accept)

    def put(self, path: str, body: Any, *, accept: Collection[int] = ()) -> ShopResponse:
        """Change."""
        return self._call(lambda client: client.put(_v3(path), body, accept=accept), accept)

    def delete(self, path: str, *, accept: Collection[int] = ()) -> ShopResponse:
        """Delete; WooCommerce moves orders and products to the bin."""
        return self._call(lambda client: client.delete(_v3(path), repeatable=True, accept=accept), accept)

    def get_if_open(self, path: str, params: Mapping[str, Any]) -> ShopResponse | None:
        """Read a path that older versions do not have, or that a firewall with a list of routes closes; then None."""
        try:
            answer = self.get(path, params, accept=(HTTPStatus.NOT_FOUND,))
        except CredentialsRefused:
            raise
        except (ChannelRefused, Blocked):
            return None
        return None if answer.status == HTTPStatus.NOT_FOUND else answer

    def read_list(self, path: str, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Read a list below wc/v3."""
        return rows_of(self.get(path, params))

    def get_public(self, path: str, params: Mapping[str, Any]) -> ShopResponse:
        """Read something of WordPress itself that needs no key; a refusal is returned."""
        return unmasked(self._client.get(path, params, accept=CLIENT_ERRORS))

    def check_write_permission(self) -> None:
        """Raise CredentialsRefused if the key may only read; sends an empty batch."""
        self.post("products/batch", {}, repeatable=True)

    def run_parallel(self, calls: Sequence[Callable[[], T]]) -> list[T | ChannelError]:
        """Run calls in parallel and return their results or errors, in order."""
        return self._client.run_parallel(calls)

    def read_parallel(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Run reads in parallel and return their results, in order; raises the error of the first that failed."""
        results = []
        for result in self.run_parallel(calls):
            if isinstance(result, ChannelError):
                raise result
            results.append(result)
        return results

    def read_after(
        self, path: str, params: Mapping[str, Any], position: Position, limit: int = PAGE_SIZE
    ) -> ListPage[dict[str, Any]]:
        """Return at most so many rows of a list after a position, sorted by id."""
        return offsets.read_after(self._reader(path, params), row_id, position, limit=limit)

    def read_all(self, path: str, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return all rows of a list, page after page."""
        return offsets.read_all(self._reader(path, params or {}), row_id, limit=PAGE_SIZE)

    def _reader(self, path: str, params: Mapping[str, Any]) -> Callable[[int, int], Page[dict[str, Any]]]:
        def read(offset: int, limit: int) -> Page[dict[str, Any]]:
            query = {**params, "orderby": "id", "order": "asc", "per_page": limit, "offset": offset}
            answer = self.get(path, query)
            return Page(rows_of(answer), as_of=answer.date)

        return read

    def _call(self, send: Callable[[ShopClient], ShopResponse], accept: Collection[int] = ()) -> ShopResponse:
        """Send the key by the method that worked before; if that does not reach WooCommerce, try the other methods.

        A key that the shop saw and refused is not sent again.
        """
        known = self.cache.get(METHOD_CACHE, "")
        not_seen: list[KeyNotSeen] = []
        others: list[NotFromWooCommerce] = []
        # sorting puts the known method first and keeps the usual order of the others
        for method in sorted(self._clients, key=lambda method: method != known):
            try:
                answer = unmasked(send(self._clients[method]))
                if answer.status >= FAILED and answer.status not in accept:
                    raise answer.unusable(f"The shop reported an internal error: {message_of(answer)}")
                if answer.status not in accept:
                    self._check_answer(answer)
                self.cache[METHOD_CACHE] = method
                return answer
            except KeyNotSeen as error:
                not_seen.append(error)
            except NotFromWooCommerce as error:
                others.append(error)
            except UnexpectedAnswer as error:
                if error.status in CLIENT_ERRORS:
                    raise Blocked(str(error)) from error
                raise
        raise not_seen[0] if not_seen else Blocked(str(others[0]))

    def _check_answer(self, answer: ShopResponse) -> None:
        if answer.refused:
            raise refusal(answer, self.url)


def rows_of(answer: ShopResponse) -> list[dict[str, Any]]:
    """Return a list that the shop answered; {} stands for an entry that a plugin has broken.

    A list from which a plugin has removed entries comes as an object with their places.
    """
    found = answer.json
    if isinstance(found, dict) and found and all(key.isdecimal() for key in found):
        found = list(found.values())
    if not isinstance(found, list):
        raise answer.unusable("The shop answered something else than the expected list")
    return [row if isinstance(row, dict) else {} for row in found]


def _v3(path: str) -> str:
    return f"wp-json/{API}/{path}"
