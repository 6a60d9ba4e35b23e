"""How endpoints are declared: a blueprint for each area of the manifest, a decorated handler for each call."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Blueprint, Response

from bridge.protocol import envelope
from bridge.protocol.call import current_call
from bridge.protocol.schemas.base import Answer

Handler = TypeVar("Handler", bound=Callable[..., Any])


@dataclass(frozen=True)
class Endpoint:
    """One call: its path and manifest parameter, its request and answer, the OAuth scope, whether it needs a token."""

    path: str
    manifest: str
    takes: type
    gives: type[Answer]
    scope: str
    token: bool
    description: str


class Area(Blueprint):
    """A group of calls that belong together in the manifest."""

    def __init__(self, name: str) -> None:
        super().__init__(name, __name__)
        self.calls: list[Endpoint] = []

    def call(
        self, path: str, takes: type, gives: type[Answer], *, manifest: str, scope: str, token: bool = True
    ) -> Callable[[Handler], Handler]:
        """Make a handler `(call, message) -> answer` an endpoint; `token=False` for those that come without one.

        `scope` is what an access token must allow where OAuth is on: READ, or WRITE for what changes something.
        """

        def register(handler: Handler) -> Handler:
            endpoint = Endpoint(path, manifest, takes, gives, scope, token, inspect.getdoc(handler) or "")

            def view() -> Response:
                call = current_call()
                with call.exits:
                    return envelope.answer(call, endpoint, handler)

            self.calls.append(endpoint)
            self.add_url_rule(path, handler.__name__, view, methods=["POST"], provide_automatic_options=False)
            return handler

        return register
