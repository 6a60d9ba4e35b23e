"""The headers that a channel gets by logging in to a shop, kept until the shop refuses them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from bridge.channels.http.failures import NO_TIME, NotAllowed
from bridge.errors import ChannelError

NOT_LOGGED_IN: Mapping[str, str] = {}


class Login:
    """The login of one account at one shop, shared by all threads that call it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._headers = NOT_LOGGED_IN
        self.failure: ChannelError | None = None
        """The error of the latest login that failed."""

    def headers(
        self,
        refused: Mapping[str, str],
        known_failure: ChannelError | None,
        log_in: Callable[[], Mapping[str, str]],
        seconds: float,
    ) -> Mapping[str, str]:
        """Return other headers than the refused ones, or raise a failure other than the known one.

        Of several threads at once only one logs in, and the others get its headers or failure; raises NotAllowed if
        that takes longer than so many seconds.
        """
        if self._headers is not refused:
            return self._headers
        if not self._lock.acquire(timeout=seconds):
            raise NotAllowed(NO_TIME)
        try:
            if self._headers is refused:
                if self.failure and self.failure is not known_failure:
                    raise self.failure
                self._headers = self._new_headers(log_in)
            return self._headers
        finally:
            self._lock.release()

    def _new_headers(self, log_in: Callable[[], Mapping[str, str]]) -> Mapping[str, str]:
        try:
            return dict(log_in())
        except ChannelError as error:
            self.failure = type(error)(str(error))  # without the traceback, which would keep the request in memory
            raise
