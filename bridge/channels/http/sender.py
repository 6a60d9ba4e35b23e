"""How one request to a shop is prepared, sent and read: JSON, or any other media type, limited in time and size."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.auth import AuthBase

from bridge.channels.http import answer_memory
from bridge.channels.http.address import origin, other_origin
from bridge.channels.http.body import (
    JSON,
    JSON_ENDINGS,
    MOST_VALUES,
    Body,
    read_body,
    read_json,
    refuse_web_page,
    write_json,
)
from bridge.channels.http.connection_pool import ConnectionPool
from bridge.channels.http.failures import (
    NO_TIME,
    AttemptFailed,
    NoAnswer,
    NotAllowed,
    NotConnected,
    RateLimited,
    UnexpectedAnswer,
    UselessAnswer,
)
from bridge.channels.http.response import (
    LONGEST_OUTAGE,
    LONGEST_WAIT,
    SHORTEST_WAIT,
    ShopResponse,
    retry_after_seconds,
)
from bridge.channels.http.retry_policy import RetryPolicy
from bridge.channels.http.signals import shop_called
from bridge.channels.http.transport import UNREACHABLE, ConnectFailed
from bridge.clock import Deadline
from bridge.errors import ChannelError, ChannelRefused, ChannelUnavailable, OutcomeUnknown

log = logging.getLogger(__name__)

LEAST_SECONDS = 0.05  # with less time left no call is started
MAX_REDIRECTS = 3
LEAST_BYTES_PER_VALUE = 20  # of an answer as long as it may be
BROKE_OFF = "The shop's answer broke off, or took too long"
SAME_METHOD = (HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.PERMANENT_REDIRECT)


@dataclass(frozen=True, repr=False)
class Call:
    """What a channel asks of the shop; it may take several requests."""

    method: str
    path: str
    params: Mapping[str, Any] | None = None
    body: Any = None
    read: bool = False
    """It changes nothing in the shop, so it may be repeated, and its outcome is never unknown."""
    repeatable: bool = False
    accept: Collection[int] = ()
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True, repr=False)
class Sender:
    """Sends requests to one shop over its connection pool."""

    base_url: str
    auth: tuple[str, str] | AuthBase | None
    headers: Mapping[str, str]
    media_type: str
    deadline: Deadline
    policy: RetryPolicy
    pool: ConnectionPool

    def prepare(self, call: Call) -> requests.PreparedRequest:
        """Return a request to this shop; raises ChannelRefused if it would go to another host."""
        return self._prepare(call, f"{self.base_url}/{call.path.lstrip('/')}", call.params)

    def send(self, request: requests.PreparedRequest, call: Call) -> ShopResponse:
        """Send a request once, and follow redirects of reads within the shop; raises AttemptFailed."""
        unusable = UnexpectedAnswer if call.read else OutcomeUnknown
        for hop in range(MAX_REDIRECTS):
            seconds = self.deadline.left()
            if seconds < LEAST_SECONDS:
                raise NotAllowed(NO_TIME)
            if not hop:
                self._admit()
            called = self.deadline.trace.begin_call(str(request.method), str(urlsplit(str(request.url)).path))
            broken = UNREACHABLE
            try:
                with self._send(request, seconds) as response, answer_memory.counted() as take:
                    broken = BROKE_OFF
                    called.status = response.status_code
                    log.debug(
                        "%s %s: %s after %.0f ms",
                        called.method,
                        called.path,
                        called.status,
                        1000 * (time.monotonic() - called.began),
                    )
                    if response.is_redirect:
                        request = self._redirected(request, response, call)
                        continue
                    self._check_status(response, call.accept)
                    content, json = self._read(response, take)
            except (AttemptFailed, ChannelError) as error:
                called.failure = str(error)
                raise
            except (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError):
                called.failure = broken
                raise NoAnswer(broken, counts=self._is_fair(seconds)) from None
            except Exception:  # a connection or an answer may break in many ways
                called.failure = broken
                raise NoAnswer(broken) from None
            finally:
                called.end()
            return ShopResponse(
                response.status_code,
                response.headers,
                json,
                unusable,
                refused=response.status_code >= HTTPStatus.BAD_REQUEST and response.status_code not in call.accept,
                content=content,
            )
        raise UselessAnswer("The shop redirects in a circle")

    def _read(self, response: requests.Response, take: Callable[[int], None]) -> tuple[bytes, Any]:
        """Return the content of an answer, or its JSON if that was asked for; raises TooLong."""
        limit = min(self.policy.max_answer_bytes, self.deadline.most_answer_bytes)
        content = read_body(response, limit, take)
        if self.media_type.partition(";")[0].endswith(JSON_ENDINGS):
            return b"", read_json(response, content, min(MOST_VALUES, limit // LEAST_BYTES_PER_VALUE), take)
        refuse_web_page(response, content)
        return content, None

    def limit_rate(self, seconds: float) -> None:
        """Call the shop no more for this account, for 1 second at least and an hour at most."""
        seconds = min(max(seconds, SHORTEST_WAIT), LONGEST_WAIT)
        self.pool.limit_rate(self.policy.now() + timedelta(seconds=seconds))

    def _prepare(self, call: Call, url: str, params: Mapping[str, Any] | None) -> requests.PreparedRequest:
        headers = {**self.headers, **(call.headers or {}), "Accept": self.media_type}
        body = call.body
        if body is not None:
            body = body if isinstance(body, Body) else Body(write_json(body), JSON)
            headers["Content-Type"] = body.content_type
        data = body.content if body else None
        try:
            request = self.pool.session.prepare_request(
                requests.Request(call.method, url, headers=headers, params=params, data=data, auth=self.auth)
            )
            for value in request.headers.values():
                str(value).encode("latin-1")
        except ValueError:
            raise ChannelRefused(
                "The shop's address or its credentials contain characters that are not valid"
            ) from None
        if origin(request.url) != origin(self.base_url):
            raise other_origin(request.url)
        return request

    def _admit(self) -> None:
        try:
            self.pool.admit(self.policy.now(), self.policy.failure_limit, self.policy.pause)
        except ChannelUnavailable as error:
            raise NotAllowed(str(error)) from None

    def _is_fair(self, seconds: float) -> bool:
        return seconds >= self.policy.fair_timeout

    def _send(self, request: requests.PreparedRequest, seconds: float) -> requests.Response:
        started, status = time.monotonic(), None
        try:
            response = self.pool.session.send(
                request,
                stream=True,
                allow_redirects=False,
                timeout=urllib3.Timeout(total=seconds),  # type: ignore[arg-type]
            )
            status = response.status_code
            return response
        except ConnectFailed as error:
            raise NotConnected(str(error), retryable=error.retryable, counts=self._is_fair(seconds)) from None
        finally:
            shop_called.send(self, status=status, seconds=time.monotonic() - started)

    def _check_status(self, response: requests.Response, accept: Collection[int]) -> None:
        """Raise AttemptFailed for a status with which the shop, or a server in front of it, reports a failure."""
        status = response.status_code
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            raise RateLimited(retry_after_seconds(response.headers, self.policy.now()))
        if status == HTTPStatus.SERVICE_UNAVAILABLE and "Retry-After" in response.headers:
            seconds = retry_after_seconds(response.headers, self.policy.now())
            self.limit_rate(min(seconds, LONGEST_OUTAGE))
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            raise UselessAnswer(f"The shop's answer cannot be read ({status})")
        failed = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT
        if failed and status not in accept:
            raise NoAnswer(f"The shop reported an internal error ({status})")

    def _redirected(
        self, request: requests.PreparedRequest, response: requests.Response, call: Call
    ) -> requests.PreparedRequest:
        """Return the request that follows a redirect of a read, by the same method; a write is never sent again."""
        url = urljoin(str(request.url), response.headers["Location"])
        same_method = response.status_code in SAME_METHOD
        if origin(url) != origin(request.url):
            # 307 and 308 ask for the same request elsewhere, so this server did nothing
            raise UselessAnswer(str(other_origin(url)), may_have_acted=not same_method)
        if not call.read or not (call.method == "GET" or same_method):
            raise UselessAnswer("The shop redirected the request to another of its addresses")
        return self._prepare(call, url, None)
