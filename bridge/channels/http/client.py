"""Calls to one shop within one request: time limits, retries, and what a failure means."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import wait
from copy import copy
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar

import requests
from requests.auth import AuthBase

from bridge.channels.http.address import shop_address
from bridge.channels.http.body import JSON
from bridge.channels.http.connection_pool import ConnectionPools
from bridge.channels.http.failures import (
    NO_TIME,
    AnswerTooLong,
    AttemptFailed,
    NotAllowed,
    NotFromTheApi,
    RateLimited,
    TokenExpired,
    TooLong,
    UnexpectedAnswer,
)
from bridge.channels.http.login import NOT_LOGGED_IN
from bridge.channels.http.messages import json_error_message, safe_message, sent_secrets
from bridge.channels.http.response import ShopResponse
from bridge.channels.http.retry_policy import DEFAULT_POLICY, RetryPolicy
from bridge.channels.http.sender import LEAST_SECONDS, Call, Sender
from bridge.clock import Deadline
from bridge.errors import ChannelError, ChannelRefused, ChannelUnavailable, CredentialsRefused, OutcomeUnknown
from bridge.settings import Settings

T = TypeVar("T")

CREDENTIALS_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
LOGIN_REFUSED = (*CREDENTIALS_REFUSED, HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)

POOLS = ConnectionPools()


class ShopClient:
    """Calls a shop over pooled connections; may be used by several threads.

    Reads (GET, and POST with `read`) are retried if that may help, and finally raise ChannelUnavailable. A write is
    sent once and raises OutcomeUnknown, or ChannelUnavailable if the shop certainly did nothing; one that the caller
    declares repeatable is retried too. A lost attempt may still take effect after a later one, so a value that a newer
    one replaces is not repeatable. Other refusals raise CredentialsRefused (401, 403) or ChannelRefused, with the
    words that `error_message` finds in the answer; a status in `accept` is returned instead, one of 500 and above only
    with JSON. `account` separates callers of the same address: they share neither connections nor failures.

    A body is sent as JSON unless it is a Body. Answers are asked for as `media_type`: JSON is parsed, anything else
    comes as bytes, and a web page in place of either is an error. A channel that needs both makes two clients. A call
    may have headers of its own, such as an idempotency key.

    `check_answer` is called with every answer first, except failures (429, and 5xx that are not accepted). It returns
    None to leave the answer to these rules, or raises ChannelRefused or CredentialsRefused with the shop's words,
    RateLimited(seconds), or `answer.unusable(message)` for a failure, which is treated like an error 500. Messages are
    cut to one line without the credentials that were sent.

    `log_in(shop, *credentials)` logs in by calls of `shop`, a client without a login, and returns the headers that
    authenticate, such as {"Authorization": "Bearer ..."}. It is called before the first call, and once more in a call
    that the shop answers with 401, or for which `check_answer` raises TokenExpired; that call is then sent again, also
    a write. The headers are kept for all requests with the same credentials, so `log_in` must use no others.
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
        media_type: str = JSON,
        check_answer: Callable[[ShopResponse], None] | None = None,
        error_message: Callable[[ShopResponse], str] = json_error_message,
        log_in: Callable[..., Mapping[str, str]] | None = None,
        credentials: Sequence[str] = (),
        policy: RetryPolicy = DEFAULT_POLICY,
        pools: ConnectionPools = POOLS,
    ) -> None:
        if log_in and not credentials:
            raise ValueError("log_in needs the credentials for which its headers are kept")
        self.deadline = deadline
        url = shop_address(base_url)
        public_only = not settings.allow_private_shops
        at_once = settings.shop_calls_at_once
        key = repr((url, account, tuple(credentials), public_only, at_once))
        digest = hashlib.sha256(key.encode()).hexdigest()
        self._pool = pools.get(digest, public_only, settings.threads + at_once, at_once)
        self._sender = Sender(url, auth, headers or {}, media_type, deadline, policy, self._pool)
        self._check_answer = check_answer
        self._error_message = error_message
        self._log_in = log_in
        self._credentials = credentials
        self._credentials_refused: Collection[int] = CREDENTIALS_REFUSED

    @property
    def cache(self) -> dict[str, str]:
        """What a channel has found out about the shop; it lives as long as the connection pool."""
        return self._pool.cache

    def get(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        accept: Collection[int] = (),
        headers: Mapping[str, str] | None = None,
    ) -> ShopResponse:
        """Read."""
        return self._call(Call("GET", path, params, read=True, accept=accept, headers=headers))

    def post(
        self,
        path: str,
        body: Any,
        *,
        read: bool = False,
        repeatable: bool = False,
        accept: Collection[int] = (),
        headers: Mapping[str, str] | None = None,
    ) -> ShopResponse:
        """Create; with `read`, read something by POST, such as a GraphQL query or a search."""
        return self._call(Call("POST", path, None, body, read, repeatable, accept, headers))

    def put(
        self,
        path: str,
        body: Any,
        *,
        repeatable: bool = False,
        accept: Collection[int] = (),
        headers: Mapping[str, str] | None = None,
    ) -> ShopResponse:
        """Change."""
        return self._call(Call("PUT", path, None, body, False, repeatable, accept, headers))

    def patch(
        self,
        path: str,
        body: Any,
        *,
        repeatable: bool = False,
        accept: Collection[int] = (),
        headers: Mapping[str, str] | None = None,
    ) -> ShopResponse:
        """Change some fields."""
        return self._call(Call("PATCH", path, None, body, False, repeatable, accept, headers))

    def delete(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        repeatable: bool = False,
        accept: Collection[int] = (),
        headers: Mapping[str, str] | None = None,
    ) -> ShopResponse:
        """Delete."""
        return self._call(Call("DELETE", path, params, None, False, repeatable, accept, headers))

    def limit_rate(self, seconds: float | Decimal) -> None:
        """Make no further call for this account for so many seconds, 1 to 3600: a good answer may ask for that too."""
        self._sender.limit_rate(float(seconds))

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

    def _call(self, call: Call) -> ShopResponse:
        """Call the shop, with retries where they are allowed, and raise what its refusal or failure means."""
        policy = self._sender.policy
        may_have_acted = False
        refused, known_failure = NOT_LOGGED_IN, self._pool.login.failure
        attempt = 0
        while True:
            try:
                login_headers = self._login_headers(refused, known_failure)
                sender = replace(self._sender, headers={**self._sender.headers, **login_headers})
                # prepared again for each attempt, because shops refuse a signature that they have seen
                request = sender.prepare(call)
                return self._checked(sender, request, call)
            except TokenExpired as expired:
                if not self._log_in or refused is not NOT_LOGGED_IN:
                    raise CredentialsRefused(str(expired)) from None
                refused = login_headers
            except AttemptFailed as failure:
                may_have_acted = may_have_acted or failure.may_have_acted
                delay = policy.delay(attempt)
                in_time = self.deadline.left() > delay + LEAST_SECONDS
                if (call.read or call.repeatable) and failure.retryable and attempt < policy.retries and in_time:
                    policy.sleep(delay)
                    attempt += 1
                    continue
                if isinstance(failure, RateLimited):
                    self.limit_rate(failure.seconds)
                if failure.counts:
                    self._pool.failed(str(failure), policy.now() + timedelta(seconds=policy.pause))
                raise _final_error(call, failure, may_have_acted) from None

    def _login_headers(self, refused: Mapping[str, str], known_failure: ChannelError | None) -> Mapping[str, str]:
        """Return the headers of a login that the shop has not refused yet, logging in if need be."""
        if not self._log_in:
            return NOT_LOGGED_IN
        shop = copy(self)
        shop._log_in = None
        shop._credentials_refused = LOGIN_REFUSED
        log_in = partial(self._log_in, shop, *self._credentials)
        try:
            return self._pool.login.headers(refused, known_failure, log_in, self.deadline.left())
        except ChannelUnavailable as error:
            raise NotAllowed(str(error)) from None  # the shop did not get the call for which the login was needed

    def _checked(self, sender: Sender, request: requests.PreparedRequest, call: Call) -> ShopResponse:
        """Send a request and return its answer; raises an error if that is a refusal or failure.

        Its message is safe to show and to log.
        """

        def safe(message: object) -> str:
            return safe_message(str(message), (*sent_secrets(request, call.params), *self._credentials))

        try:
            answer = sender.send(request, call)
        except NotFromTheApi as error:
            error.args = (safe(error),)
            raise
        try:
            if self._check_answer:
                self._check_answer(answer)
            if answer.refused:
                raise self._refusal(answer)
        except ChannelUnavailable as error:
            raise AttemptFailed(safe(error), may_have_acted=isinstance(error, OutcomeUnknown)) from None
        except ChannelRefused as error:
            self._pool.answered()
            error.args = (safe(error),)
            raise
        self._pool.answered()
        return answer

    def _refusal(self, answer: ShopResponse) -> ChannelRefused:
        try:
            words = self._error_message(answer)
        except Exception:  # whatever the shop wrote, it refused
            words = ""
        more = f": {words}" if words else ""
        if answer.status in self._credentials_refused:
            error = TokenExpired if answer.status == HTTPStatus.UNAUTHORIZED else CredentialsRefused
            return error(f"The shop does not accept the credentials of this connection{more}")
        return ChannelRefused(f"The shop refused the request ({answer.status}){more}")


def _final_error(call: Call, failure: AttemptFailed, may_have_acted: bool) -> ChannelUnavailable:
    """Return the error for the caller after the last attempt."""
    if isinstance(failure, NotFromTheApi) and (call.read or not may_have_acted):
        return UnexpectedAnswer(str(failure), failure.status)
    if call.read:
        error = AnswerTooLong if isinstance(failure, TooLong) else ChannelUnavailable
    else:
        error = OutcomeUnknown if may_have_acted else ChannelUnavailable
    return error(str(failure))
