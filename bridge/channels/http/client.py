"""Calls to one shop within one request: time limits, retries, and what a failure means."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import wait
from datetime import timedelta
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.auth import AuthBase

from bridge.channels.http.address import origin, other_origin, shop_address
from bridge.channels.http.body import read_body, read_json, write_json
from bridge.channels.http.connection_pool import ConnectionPools
from bridge.channels.http.failures import (
    AttemptFailed,
    NoAnswer,
    NotAllowed,
    NotConnected,
    NotFromTheApi,
    UnexpectedAnswer,
    UselessAnswer,
)
from bridge.channels.http.response import ShopResponse, retry_after_seconds
from bridge.channels.http.retry_policy import DEFAULT_POLICY, RetryPolicy
from bridge.channels.http.signals import shop_called
from bridge.channels.http.transport import ConnectFailed
from bridge.clock import Deadline
from bridge.errors import ChannelError, ChannelRefused, ChannelUnavailable, CredentialsRefused, OutcomeUnknown
from bridge.settings import Settings

log = logging.getLogger(__name__)

T = TypeVar("T")

LEAST_SECONDS = 0.05  # with less time left no call is started
MAX_REDIRECTS = 3
NO_TIME = "There was no time left to call the shop"
TIMED_OUT = "The shop did not answer in time"

POOLS = ConnectionPools()


class ShopClient:
    """Calls a shop over pooled connections; may be used by several threads.

    `account` separates callers of the same address: they share neither connections nor failures. Reads (GET) are
    retried if that may help, and finally raise ChannelUnavailable. A write is sent once and raises OutcomeUnknown,
    or ChannelUnavailable if the shop certainly did nothing; one that the caller declares repeatable is retried too.
    A lost attempt may still take effect after a later one, so a value that a newer one replaces is not repeatable.
    Other refusals raise CredentialsRefused or ChannelRefused; a status in `accept` is returned instead, one of 500
    and above only with JSON.
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
        policy: RetryPolicy = DEFAULT_POLICY,
        pools: ConnectionPools = POOLS,
    ) -> None:
        self.deadline = deadline
        self._base_url = shop_address(base_url)
        self._auth = auth
        self._headers = headers or {}
        self._policy = policy
        public_only = not settings.allow_private_shops
        at_once = settings.shop_calls_at_once
        key = "\n".join((self._base_url, account, str(public_only), str(at_once)))
        digest = hashlib.sha256(key.encode()).hexdigest()
        self._pool = pools.get(digest, public_only, settings.threads + at_once, at_once)

    @property
    def cache(self) -> dict[str, str]:
        """What a channel has found out about the shop; it lives as long as the connection pool."""
        return self._pool.cache

    def get(self, path: str, params: Mapping[str, Any] | None = None, *, accept: Collection[int] = ()) -> ShopResponse:
        """Read."""
        return self._call("GET", path, params, None, repeatable=True, accept=accept)

    def post(self, path: str, body: Any, *, repeatable: bool = False, accept: Collection[int] = ()) -> ShopResponse:
        """Create."""
        return self._call("POST", path, None, body, repeatable=repeatable, accept=accept)

    def put(self, path: str, body: Any, *, repeatable: bool = False, accept: Collection[int] = ()) -> ShopResponse:
        """Change."""
        return self._call("PUT", path, None, body, repeatable=repeatable, accept=accept)

    def delete(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        repeatable: bool = False,
        accept: Collection[int] = (),
    ) -> ShopResponse:
        """Delete."""
        return self._call("DELETE", path, params, None, repeatable=repeatable, accept=accept)

    def run_parallel(self, calls: Sequence[Callable[[], T]]) -> list[T | ChannelError]:
        """Run calls in parallel, as many as the shop may get at once; return their results or errors, in order.

        A call that could not start in time has ChannelUnavailable as its result.
        """

        def result_of(call: Callable[[], T]) -> T | ChannelError:
            try:
                return call()
            except ChannelError as error:
                return error

        futures = [self._pool.threads.submit(result_of, call) for call in calls]
        wait(futures, self.deadline.left())
        never_started = [future.cancel() for future in futures]
        return [
            ChannelUnavailable(NO_TIME) if never else future.result()
            for future, never in zip(futures, never_started, strict=True)
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
        """Call the shop, with retries where they are allowed, and raise what its refusal or failure means."""
        policy = self._policy
        may_have_acted = False
        for attempt in range(policy.retries + 1):
            # prepared again for each attempt, because shops refuse a signature that they have seen
            request = self._prepare(method, f"{self._base_url}/{path.lstrip('/')}", params, body)
            try:
                answer = self._attempt(request, accept)
                break
            except AttemptFailed as failure:
                may_have_acted = may_have_acted or failure.may_have_acted
                delay = policy.delay(attempt)
                in_time = self.deadline.left() > delay + LEAST_SECONDS
                if repeatable and failure.retryable and attempt < policy.retries and in_time:
                    policy.sleep(delay)
                    continue
                if failure.counts:
                    self._pool.failed(str(failure), policy.now() + timedelta(seconds=policy.pause))
                raise _final_error(method, failure, may_have_acted) from None
        self._pool.answered()
        if answer.status < HTTPStatus.BAD_REQUEST or answer.status in accept:
            return answer
        if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise CredentialsRefused("The shop does not accept the credentials of this connection")
        raise ChannelRefused(f"The shop refused the request ({answer.status})")

    def _prepare(self, method: str, url: str, params: Mapping[str, Any] | None, body: Any) -> requests.PreparedRequest:
        """Return a request to this shop; raises ChannelRefused if it would go to another host."""
        headers = {**self._headers, "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        data = None if body is None else write_json(body)
        try:
            request = self._pool.session.prepare_request(
                requests.Request(method, url, headers=headers, params=params, data=data, auth=self._auth)
            )
            for value in request.headers.values():
                str(value).encode("latin-1")
        except ValueError:
            raise ChannelRefused(
                "The shop's address or its credentials contain characters that are not valid"
            ) from None
        if origin(request.url) != origin(self._base_url):
            raise other_origin(request.url)
        return request

    def _attempt(self, request: requests.PreparedRequest, accept: Collection[int]) -> ShopResponse:
        """Send a request once, and follow redirects of reads within the shop; raises AttemptFailed."""
        unusable = UnexpectedAnswer if request.method == "GET" else OutcomeUnknown
        for hop in range(MAX_REDIRECTS):
            seconds = self.deadline.left()
            if seconds < LEAST_SECONDS:
                raise NotAllowed(NO_TIME)
            if not hop:
                self._admit()
            started = time.monotonic()
            try:
                with self._send(request, seconds) as response:
                    log.debug(
                        "%s %s: %s after %.0f ms",
                        request.method,
                        urlsplit(request.url).path,
                        response.status_code,
                        1000 * (time.monotonic() - started),
                    )
                    if response.is_redirect:
                        request = self._redirected(request, response)
                        continue
                    self._check_status(response, accept)
                    content = read_body(response, self._policy.max_answer_bytes)
            except (AttemptFailed, ChannelError):
                raise
            except (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError):
                raise NoAnswer(TIMED_OUT, counts=self._is_fair(seconds)) from None
            except Exception:  # a connection or an answer may break in many ways
                raise NoAnswer("The shop's answer broke off") from None
            return ShopResponse(response.status_code, response.headers, read_json(response, content), unusable)
        raise UselessAnswer("The shop redirects in a circle")

    def _admit(self) -> None:
        try:
            self._pool.admit(self._policy.now(), self._policy.failure_limit, self._policy.pause)
        except ChannelUnavailable as error:
            raise NotAllowed(str(error)) from None

    def _is_fair(self, seconds: float) -> bool:
        return seconds >= self._policy.fair_timeout

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
        except ConnectFailed as error:
            raise NotConnected(str(error), retryable=error.retryable, counts=self._is_fair(seconds)) from None
        finally:
            shop_called.send(self, status=status, seconds=time.monotonic() - started)

    def _check_status(self, response: requests.Response, accept: Collection[int]) -> None:
        """Raise AttemptFailed for a status with which the shop, or a server in front of it, reports a failure."""
        status = response.status_code
        if status == HTTPStatus.TOO_MANY_REQUESTS or (
            status == HTTPStatus.SERVICE_UNAVAILABLE and "Retry-After" in response.headers
        ):
            now = self._policy.now()
            self._pool.limit_rate(now + timedelta(seconds=retry_after_seconds(response.headers, now)))
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            raise NotAllowed("The shop asked for fewer calls")
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            raise UselessAnswer(f"The shop's answer cannot be read ({status})")
        failed = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT
        if failed and status not in accept:
            raise NoAnswer(f"The shop reported an internal error ({status})")

    def _redirected(self, request: requests.PreparedRequest, response: requests.Response) -> requests.PreparedRequest:
        """Return the request that follows a redirect of a read; a write is never sent again."""
        url = urljoin(str(request.url), response.headers["Location"])
        if origin(url) != origin(request.url):
            # 307 and 308 ask for the same request elsewhere, so this server did nothing
            refused = response.status_code in (HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.PERMANENT_REDIRECT)
            raise UselessAnswer(str(other_origin(url)), may_have_acted=not refused)
        if request.method != "GET":
            raise UselessAnswer("The shop redirected the request to another of its addresses")
        return self._prepare("GET", url, None, None)


def _final_error(method: str, failure: AttemptFailed, may_have_acted: bool) -> ChannelUnavailable:
    """Return the error for the caller after the last attempt."""
    if method == "GET":
        error = UnexpectedAnswer if isinstance(failure, NotFromTheApi) else ChannelUnavailable
    else:
        error = OutcomeUnknown if may_have_acted else ChannelUnavailable
    return error(str(failure))
