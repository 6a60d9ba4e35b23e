"""How endpoints are declared: a blueprint for each area of the manifest, a decorated handler for each call."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Blueprint, Response

from bridge.lazy import lazy_property
from bridge.protocol import envelope
from bridge.protocol.call import Call, current_call
from bridge.protocol.schemas.base import Answer, schema_of

Handler = TypeVar("Handler", bound=Callable[..., Any])
Invalid = Callable[[Call, str], Answer]


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
    invalid: Invalid | None = None

    @lazy_property
    def takes_nothing(self) -> bool:
        """Whether its requests have neither token nor fields."""
        return not (self.token or schema_of(self.takes).fields)


class Area(Blueprint):
    """A group of calls that belong together in the manifest."""

    def __init__(self, name: str) -> None:
        super().__init__(name, __name__)
        self.calls: list[Endpoint] = []

    def call(
        self,
        path: str,
        takes: type,
        gives: type[Answer],
        *,
        manifest: str,
        scope: str,
        token: bool = True,
        invalid: Invalid | None = None,
    ) -> Callable[[Handler], Handler]:
        """Make a handler `(call, message) -> answer` an endpoint; `token=False` for those that come without one.

        `scope` is what an access token must allow where OAuth is on: READ, or WRITE for what changes something.
        `invalid(call, error)` answers a message that does not load; by default the answer has the Error alone.
        """

        def register(handler: Handler) -> Handler:
            endpoint = Endpoint(path, manifest, takes, gives, scope, token, inspect.getdoc(handler) or "", invalid)

            def view() -> Response:
                return envelope.answer(current_call(), endpoint, handler)

            self.calls.append(endpoint)
            self.add_url_rule(path, handler.__name__, view, methods=["POST"], provide_automatic_options=False)
            return handler

        return register
