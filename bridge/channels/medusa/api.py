"""Calls to a Medusa shop's Admin API."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from bridge.channels.http import ShopClient, ShopResponse
from bridge.clock import Deadline
from bridge.errors import ChannelError
from bridge.settings import Settings

T = TypeVar("T")

Row = Mapping[str, Any]


class MedusaClient:
    """The Admin API of a shop with one secret API key, which is the user name of Basic authentication.

    Paths are below /admin. A refusal is raised as ChannelRefused with Medusa's message, or as CredentialsRefused.
    """

    def __init__(self, url: str, key: str, deadline: Deadline, settings: Settings) -> None:
        self.url = url
        self.key = key
        self.deadline = deadline
        self._client = ShopClient(url, deadline, settings, account=key, auth=(key, ""))

    @property
    def cache(self) -> dict[str, str]:
        """What was found out about the shop; it is kept for a while."""
        return self._client.cache

    def get(self, path: str, params: Mapping[str, Any] | None = None, *, accept: Collection[int] = ()) -> ShopResponse:
        """Read."""
        return self._client.get(f"admin/{path}", params, accept=accept)

    def post(self, path: str, body: Any, *, repeatable: bool = False, accept: Collection[int] = ()) -> ShopResponse:
        """Create or change: Medusa changes by POST too."""
        return self._client.post(f"admin/{path}", body, repeatable=repeatable, accept=accept)

    def delete(self, path: str, *, accept: Collection[int] = ()) -> ShopResponse:
        """Delete."""
        return self._client.delete(f"admin/{path}", repeatable=True, accept=accept)

    def read_list(self, path: str, name: str, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return the rows of a list, which the answer has under its name."""
        return rows_of(self.get(path, params), name)

    def run_parallel(self, calls: Sequence[Callable[[], T]]) -> list[T | ChannelError]:
        """Run calls in parallel and return their results or errors, in order."""
        return self._client.run_parallel(calls)


def rows_of(answer: ShopResponse, name: str) -> list[dict[str, Any]]:
    """Return the list with this name in an answer; {} stands for an entry that is no object."""
    found = answer.find(name)
    if not isinstance(found, list):
        raise answer.unusable("The shop answered something else than the expected list")
    return [row if isinstance(row, dict) else {} for row in found]
