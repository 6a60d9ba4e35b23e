"""Calls to one shop within one request: time limits, retries, and what a failure means."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import wait
from datetime import timedelta
from http import HTTPStatus
from typing import Any, TypeVar

from requests.auth import AuthBase

from bridge.channels.http.address import shop_address
from bridge.channels.http.body import JSON
from bridge.channels.http.connection_pool import ConnectionPools
from bridge.channels.http.failures import AttemptFailed, NotFromTheApi, UnexpectedAnswer
from bridge.channels.http.response import ShopResponse
from bridge.channels.http.retry_policy import DEFAULT_POLICY, RetryPolicy
from bridge.channels.http.sender import LEAST_SECONDS, NO_TIME, Call, Sender
from bridge.clock import Deadline
from bridge.errors import ChannelError, ChannelRefused, ChannelUnavailable, CredentialsRefused, OutcomeUnknown
from bridge.settings import Settings

T = TypeVar("T")

POOLS = ConnectionPools()


class ShopClient:
    """Calls a shop over pooled connections; may be used by several threads.

    `account` separates callers of the same address: they share neither connections nor failures. Reads (GET, and POST
    with `read`) are retried if that may help, and finally raise ChannelUnavailable. A write is sent once and raises
    OutcomeUnknown, or ChannelUnavailable if the shop certainly did nothing; one that the caller declares repeatable is
    retried too.
    A lost attempt may still take effect after a later one, so a value that a newer one replaces is not repeatable.
    Other refusals raise CredentialsRefused or ChannelRefused; a status in `accept` is returned instead, one of 500
    and above only with JSON.

    A body is sent as JSON unless it is a Body. Answers are asked for as `media_type`: JSON is parsed, anything else
    comes as bytes, and a web page in place of either is an error. A channel that needs both makes two clients.
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
        policy: RetryPolicy = DEFAULT_POLICY,
        pools: ConnectionPools = POOLS,
    ) -> None:
        self.deadline = deadline
        url = shop_address(base_url)
        public_only = not settings.allow_private_shops
        at_once = settings.shop_calls_at_once
        key = "\n".join((url, account, str(public_only), str(at_once)))
        digest = hashlib.sha256(key.encode()).hexdigest()
        self._pool = pools.get(digest, public_only, settings.threads + at_once, at_once)
        self._sender = Sender(url, auth, headers or {}, media_type, deadline, policy, self._pool)

    @property
    def cache(self) -> dict[str, str]:
        """What a channel has found out about the shop; it lives as long as the connection pool."""
        return self._pool.cache

    def get(self, path: str, params: Mapping[str, Any] | None = None, *, accept: Collection[int] = ()) -> ShopResponse:
        """Read."""
        return self._call(Call("GET", path, params, read=True, accept=accept))

    def post(
        self, path: str, body: Any, *, read: bool = False, repeatable: bool = False, accept: Collection[int] = ()
    ) -> ShopResponse:
        """Create; with `read`, read something by POST, such as a GraphQL query or a search."""
        return self._call(Call("POST", path, body=body, read=read, repeatable=repeatable, accept=accept))

    def put(self, path: str, body: Any, *, repeatable: bool = False, accept: Collection[int] = ()) -> ShopResponse:
        """Change."""
        return self._call(Call("PUT", path, body=body, repeatable=repeatable, accept=accept))

    def patch(self, path: str, body: Any, *, repeatable: bool = False, accept: Collection[int] = ()) -> ShopResponse:
        """Change some fields."""
        return self._call(Call("PATCH", path, body=body, repeatable=repeatable, accept=accept))

    def delete(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        repeatable: bool = False,
        accept: Collection[int] = (),
    ) -> ShopResponse:
        """Delete."""
        return self._call(Call("DELETE", path, params, repeatable=repeatable, accept=accept))

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
        for attempt in range(policy.retries + 1):
            # prepared again for each attempt, because shops refuse a signature that they have seen
            request = self._sender.prepare(call)
            try:
                answer = self._sender.send(request, call)
                break
            except AttemptFailed as failure:
                may_have_acted = may_have_acted or failure.may_have_acted
                delay = policy.delay(attempt)
                in_time = self.deadline.left() > delay + LEAST_SECONDS
                if (call.read or call.repeatable) and failure.retryable and attempt < policy.retries and in_time:
                    policy.sleep(delay)
                    continue
                if failure.counts:
                    self._pool.failed(str(failure), policy.now() + timedelta(seconds=policy.pause))
                raise _final_error(call, failure, may_have_acted) from None
        self._pool.answered()
        if answer.status < HTTPStatus.BAD_REQUEST or answer.status in call.accept:
            return answer
        if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise CredentialsRefused("The shop does not accept the credentials of this connection")
        raise ChannelRefused(f"The shop refused the request ({answer.status})")


def _final_error(call: Call, failure: AttemptFailed, may_have_acted: bool) -> ChannelUnavailable:
    """Return the error for the caller after the last attempt."""
    if call.read:
        error = UnexpectedAnswer if isinstance(failure, NotFromTheApi) else ChannelUnavailable
    else:
        error = OutcomeUnknown if may_have_acted else ChannelUnavailable
    return error(str(failure))
