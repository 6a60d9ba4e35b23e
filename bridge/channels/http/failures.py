"""What a failed attempt to call a shop means: whether the shop acted, and whether a retry makes sense."""

from __future__ import annotations

from decimal import Decimal
from http import HTTPStatus

from bridge.channels.http.response import DEFAULT_WAIT
from bridge.errors import ChannelUnavailable, CredentialsRefused

NO_TIME = "There was no time left to call the shop"


class UnexpectedAnswer(ChannelUnavailable):
    """Something other than the shop's API answered, with this status, or the API answered something it should not."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class AnswerTooLong(ChannelUnavailable):
    """The answer to a read is too long: the caller should ask for fewer rows."""


class TokenExpired(CredentialsRefused):
    """The shop refused the token, so it did nothing; after a new login it may accept the same request.

    A channel's `check_answer` may raise it; an answer with status 401 that is not accepted means the same.
    """


class AttemptFailed(Exception):
    """One attempt to call the shop failed.

    `may_have_acted`: the shop may have done what was asked. `retryable`: the next attempt may succeed.
    `counts`: it is one of the failures in a row after which the shop is not called for a while.
    """

    def __init__(
        self, message: str, *, may_have_acted: bool = True, retryable: bool = True, counts: bool = True
    ) -> None:
        super().__init__(message)
        self.may_have_acted = may_have_acted
        self.retryable = retryable
        self.counts = counts


class NotAllowed(AttemptFailed):
    """There is no time for a call, or the shop wants none now: nothing was done, and a retry cannot help yet."""

    def __init__(self, message: str) -> None:
        super().__init__(message, may_have_acted=False, retryable=False, counts=False)


class RateLimited(NotAllowed):
    """The shop refused a call because there were too many; it did nothing, and wants none for `seconds`.

    A channel's `check_answer` may raise it.
    """

    def __init__(self, seconds: float | Decimal = DEFAULT_WAIT) -> None:
        super().__init__("The shop asked for fewer calls")
        self.seconds = float(seconds)


class NotConnected(AttemptFailed):
    """No connection was made, so the shop did nothing."""

    def __init__(self, message: str, *, retryable: bool, counts: bool) -> None:
        super().__init__(message, may_have_acted=False, retryable=retryable, counts=counts)


class NoAnswer(AttemptFailed):
    """The request was sent, and the answer is missing, incomplete or an error of the shop's own."""

    def __init__(self, message: str, *, counts: bool = True) -> None:
        super().__init__(message, counts=counts)


class UselessAnswer(AttemptFailed):
    """The shop gave an answer that a retry would not change."""

    def __init__(self, message: str, *, may_have_acted: bool = True) -> None:
        super().__init__(message, may_have_acted=may_have_acted, retryable=False)


class TooLong(UselessAnswer):
    """The answer is longer than the bridge reads, or has too many values; fewer rows may fit."""

    def __init__(self) -> None:
        super().__init__("The shop's answer is too long")


class NotFromTheApi(AttemptFailed):
    """A web page or other text came instead of JSON; if it refuses (4xx), the API never saw the request."""

    def __init__(self, message: str, status: int) -> None:
        refused = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
        super().__init__(message, may_have_acted=not refused)
        self.status = status
