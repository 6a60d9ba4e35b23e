"""Calls to one shop within one request: time limits, repeats, and what a failure means."""

from __future__ import annotations

import hashlib
import logging
import random
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

import msgspec
import requests
import urllib3
from requests.auth import AuthBase

from bridge import clock
from bridge.channels.http.connection_pool import ConnectionPool, ConnectionPools
from bridge.channels.http.response import ShopResponse, quiet_seconds
from bridge.channels.http.signals import shop_called
from bridge.channels.http.transport import NotReached
from bridge.clock import Deadline
from bridge.errors import ChannelError, ChannelRefused, ChannelUnavailable, CredentialsRefused, OutcomeUnknown
from bridge.settings import Settings

log = logging.getLogger(__name__)

T = TypeVar("T")

LEAST_SECONDS = 0.05  # with less left no call is begun
CHUNK_BYTES = 65536
HOPS = 3
NO_TIME = "There was no time left to call the shop"

_read_json = msgspec.json.Decoder(float_hook=Decimal).decode
_write_json = msgspec.json.Encoder(decimal_format="number").encode

LINES = ConnectionPools()


def shop_address(text: str) -> str:
    """A shop's address as a seller types it, made whole; raises ChannelRefused where it is none."""
    text = text.strip()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        sound = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        sound = None
    if not sound or parts.query or parts.fragment or not text.isprintable() or " " in text:
        raise ChannelRefused("The shop's address is not one: it should look like https://shop.example.com")
    return parts.geturl().rstrip("/")


@dataclass(frozen=True)
class RetryPolicy:
    """How shops are treated, and the clock, rest and chance by which that is done."""

    retries: int = 2
    backoff: float = 0.2
    failures: int = 5
    rest: float = 30.0
    fair_seconds: float = 1.0
    largest_answer: int = 16_000_000
    now: Callable[[], datetime] = clock.now
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random


RETRY_POLICY = RetryPolicy()


class StrangeAnswer(ChannelUnavailable):
    """What answered was not the shop's API, or said something else than that would."""


class _Lost(Exception):
    """A call without a sensible answer: why, whether the shop may have acted on it, and what follows from that."""

    def __init__(
        self, words: str, *, sent: bool = True, again: bool = True, counts: bool = True, strange: bool = False
    ) -> None:
        super().__init__(words)
        self.words = words
        self.sent = sent
        self.again = again
        self.counts = counts
        self.strange = strange


class ShopClient:
    """Calls a shop over kept connections; safe to use from several threads.

    `account` tells apart whose calls these are at that address. GETs are tried again where that may help and
    raise ChannelUnavailable in the end. Writes are sent once and raise OutcomeUnknown, or ChannelUnavailable
    where the shop surely did nothing; those that the caller calls repeatable are tried again as well. A try
    that was lost may still take effect after a later one: values that newer ones overtake are not repeatable.
    Statuses that the caller accepts come back as answers, those of 500 and above only where they bear JSON;
    other refusals raise CredentialsRefused or ChannelRefused.
    """

    def __init__(
        self,
        base_url: str,
        deadline: Deadline,
        settings: Settings,
        *,
        account: str,
        auth: tuple[str, str] | AuthBase | None = None,
        headers: Mapping[str, str] | None = None,
        policy: RetryPolicy = RETRY_POLICY,
        lines: ConnectionPools = LINES,
    ) -> None:
        self.deadline = deadline
        self._base_url = shop_address(base_url)
        self._auth = auth
        self._headers = headers or {}
        self._policy = policy
        public_only = not settings.allow_private_shops
        at_once = settings.shop_calls_at_once
        key = "\n".join((self._base_url, account, str(public_only), str(at_once)))
        self._pool: ConnectionPool = lines.line(
            hashlib.sha256(key.encode()).hexdigest(), public_only, settings.threads + at_once, at_once
        )

    @property
    def cache(self) -> dict[str, str]:
        """What a channel has found out about the shop: kept as long as the process keeps its connections."""
        return self._pool.cache

    def get(self, path: str, params: Mapping[str, Any] | None = None, *, accept: Collection[int] = ()) -> ShopResponse:
        """Read something."""
        return self._call("GET", path, params, None, repeatable=True, accept=accept)

    def post(self, path: str, body: Any, *, repeatable: bool = False, accept: Collection[int] = ()) -> ShopResponse:
        """Send something new."""
        return self._call("POST", path, None, body, repeatable=repeatable, accept=accept)

    def put(self, path: str, body: Any, *, repeatable: bool = False, accept: Collection[int] = ()) -> ShopResponse:
        """Change something."""
        return self._call("PUT", path, None, body, repeatable=repeatable, accept=accept)

    def delete(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        repeatable: bool = False,
        accept: Collection[int] = (),
    ) -> ShopResponse:
        """Take something away."""
        return self._call("DELETE", path, params, None, repeatable=repeatable, accept=accept)

    def together(self, calls: Sequence[Callable[[], T]]) -> list[T | ChannelError]:
        """Do several things at once, as many as the shop is to bear; what came of each, in order.

        What could not be begun in time comes back as ChannelUnavailable.
        """

        def attempt(call: Callable[[], T]) -> T | ChannelError:
            try:
                return call()
            except ChannelError as error:
                return error

        futures = [self._pool.threads.submit(attempt, call) for call in calls]
        wait(futures, self.deadline.left())
        never_begun = [future.cancel() for future in futures]
        return [
            ChannelUnavailable(NO_TIME) if never else future.result()
            for future, never in zip(futures, never_begun, strict=True)
        ]

    def _call(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None,
        body: Any,
        *,
        repeatable: bool,
        accept: Collection[int],
    ) -> ShopResponse:
        policy = self._policy
        unusable = StrangeAnswer if method == "GET" else OutcomeUnknown
        error: type[ChannelUnavailable] = ChannelUnavailable
        for attempt in range(policy.retries + 1):
            # made anew for each try, because a signature must not come twice
            request = self._request(method, f"{self._base_url}/{path.lstrip('/')}", params, body)
            try:
                answer = self._answer(request, unusable, accept)
                break
            except _Lost as lost:
                if method == "GET":
                    error = StrangeAnswer if lost.strange else ChannelUnavailable
                elif lost.sent:
                    error = OutcomeUnknown
                pause = policy.backoff * 2**attempt * (0.5 + policy.chance())
                in_time = self.deadline.left() > pause + LEAST_SECONDS
                if repeatable and lost.again and attempt < policy.retries and in_time:
                    policy.sleep(pause)
                    continue
                if lost.counts:
                    self._pool.failed(lost.words, policy.now() + timedelta(seconds=policy.rest))
                raise error(lost.words) from None
        self._pool.answered()
        if answer.status < HTTPStatus.BAD_REQUEST or answer.status in accept:
            return answer
        if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise CredentialsRefused("The shop does not accept the credentials of this connection")
        raise ChannelRefused(f"The shop refused the request ({answer.status})")

    def _request(self, method: str, url: str, params: Mapping[str, Any] | None, body: Any) -> requests.PreparedRequest:
        """A request ready to be sent, to this shop and no other."""
        headers = {**self._headers, "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        data = None if body is None else _write_json(body)
        try:
            request = self._pool.session.prepare_request(
                requests.Request(method, url, headers=headers, params=params, data=data, auth=self._auth)
            )
            for value in request.headers.values():
                str(value).encode("latin-1")
        except ValueError:
            raise ChannelRefused("The shop's address or its credentials have characters that cannot be") from None
        if _origin(request.url) != _origin(self._base_url):
            raise _elsewhere(request.url)
        return request

    def _answer(
        self, request: requests.PreparedRequest, unusable: type[ChannelUnavailable], accept: Collection[int]
    ) -> ShopResponse:
        """Send a request once, and for reading follow the shop within itself; raises _Lost."""
        for hop in range(HOPS):
            given = self.deadline.left()
            if given < LEAST_SECONDS:
                raise _Lost(NO_TIME, sent=False, again=False, counts=False)
            if not hop:
                self._admit()
            started = time.monotonic()
            try:
                with self._send(request, given) as response:
                    log.debug(
                        "%s %s: %s after %.0f ms",
                        request.method,
                        urlsplit(request.url).path,
                        response.status_code,
                        1000 * (time.monotonic() - started),
                    )
                    if response.is_redirect:
                        request = self._moved(request, response)
                        continue
                    self._heed(response, accept)
                    content = self._content(response)
            except (_Lost, ChannelError):
                raise
            except (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError):
                fair = given >= self._policy.fair_seconds
                raise _Lost("The shop did not answer in time", counts=fair) from None
            except Exception:  # whatever becomes of a connection or an answer that broke off on the way
                raise _Lost("The shop broke off its answer") from None
            return ShopResponse(response.status_code, response.headers, _parsed(response, content), unusable)
        raise _Lost("The shop sends its callers in circles", again=False)

    def _admit(self) -> None:
        try:
            self._pool.admit(self._policy.now(), self._policy.failures, self._policy.rest)
        except ChannelUnavailable as error:
            raise _Lost(str(error), sent=False, again=False, counts=False) from None

    def _send(self, request: requests.PreparedRequest, seconds: float) -> requests.Response:
        self.deadline.count_call()
        started, status = time.monotonic(), None
        try:
            response = self._pool.session.send(
                request,
                stream=True,
                allow_redirects=False,
                timeout=urllib3.Timeout(total=seconds),  # type: ignore[arg-type]
            )
            status = response.status_code
            return response
        except NotReached as error:
            fair = seconds >= self._policy.fair_seconds
            raise _Lost(str(error), sent=False, again=error.again, counts=fair) from None
        finally:
            shop_called.send(self, status=status, seconds=time.monotonic() - started)

    def _heed(self, response: requests.Response, accept: Collection[int]) -> None:
        """Act on a status by which the shop, or what stands before it, says that it is not well."""
        status = response.status_code
        if status == HTTPStatus.TOO_MANY_REQUESTS or (
            status == HTTPStatus.SERVICE_UNAVAILABLE and "Retry-After" in response.headers
        ):
            now = self._policy.now()
            self._pool.wait_until(now + timedelta(seconds=quiet_seconds(response.headers, now)))
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            raise _Lost("The shop asked to be called less often", sent=False, again=False, counts=False)
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            raise _Lost(f"The shop's answer cannot be read ({status})", again=False)
        failed = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT
        if failed and status not in accept:
            raise _Lost(f"The shop failed with an error of its own ({status})")

    def _moved(self, request: requests.PreparedRequest, response: requests.Response) -> requests.PreparedRequest:
        """What to send where the shop says that something moved; for writes nothing."""
        url = urljoin(str(request.url), response.headers["Location"])
        if _origin(url) != _origin(request.url):
            surely_not_done = response.status_code in (
                HTTPStatus.TEMPORARY_REDIRECT,
                HTTPStatus.PERMANENT_REDIRECT,
            )
            raise _Lost(str(_elsewhere(url)), sent=not surely_not_done, again=False)
        if request.method != "GET":
            raise _Lost("The shop sent the request on to another of its addresses", again=False)
        return self._request("GET", url, None, None)

    def _content(self, response: requests.Response) -> bytes:
        parts, size = [], 0
        for part in response.raw.stream(CHUNK_BYTES, decode_content=True):
            size += len(part)
            if size > self._policy.largest_answer:
                raise _Lost("The shop's answer is too long", again=False)
            parts.append(part)
        return b"".join(parts)


def _parsed(response: requests.Response, content: bytes) -> Any:
    """The JSON of an answer, None where it is empty.

    Whoever refuses with a web page is not the shop's API but stands before it, a firewall perhaps: that
    says nothing of what was asked or of the credentials, and the API never saw the request.
    """
    refused = HTTPStatus.BAD_REQUEST <= response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
    content = content.removeprefix(b"\xef\xbb\xbf").strip()
    try:
        return _read_json(content) if content else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        if refused and response.status_code == HTTPStatus.UNAUTHORIZED:
            return None
        if content.startswith(b"<") or "html" in response.headers.get("Content-Type", ""):
            words = f"The shop answered with a web page instead of data ({response.status_code})"
            raise _Lost(words, sent=not refused, strange=True) from None
        raise _Lost("The shop's answer cannot be read", sent=not refused, strange=True) from None


def _origin(url: str | None) -> tuple[str, str | None, int | None]:
    """Scheme, host and port: credentials for one go to no other."""
    parts = urlsplit(url or "")
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _elsewhere(url: str | None) -> ChannelRefused:
    scheme, host, _ = _origin(url)
    return ChannelRefused(f"The shop sends its callers to {scheme}://{(host or '')[:100]}: is its address right?")
