"""One request of Linnworks, and what the process serves it with."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from flask import Request, current_app, g

from bridge.channels import Channels
from bridge.channels.base import Channel
from bridge.clock import Deadline
from bridge.errors import RequestRefused, UnknownToken
from bridge.lazy import lazy_property
from bridge.protocol.concurrency_limit import ConcurrencyLimit, LargeBodies, Slot
from bridge.protocol.rate_limit import RateLimiter
from bridge.protocol.schemas.base import Answer, Message
from bridge.settings import Settings
from bridge.store.connections import Connection
from bridge.sync.call_journal import CallJournal
from bridge.sync.health import Health
from bridge.sync.worker import BackgroundWorker
from bridge.vault import Vault

if TYPE_CHECKING:
    from bridge.protocol.area import Endpoint


@dataclass(frozen=True)
class Services:
    """What the process makes once and every call uses."""

    settings: Settings
    vault: Vault
    channels: Channels
    worker: BackgroundWorker
    health: Health
    concurrency_limit: ConcurrencyLimit
    rate_limiter: RateLimiter
    large_bodies: LargeBodies
    journal: CallJournal


@dataclass
class Call:
    """One request: when and from where it came, its deadline, the connection it is for, and what it was answered.

    It is `authorized` if it has a valid access token, which it need not with OAuth off.
    """

    request: Request
    services: Services
    deadline: Deadline
    now: datetime
    address: str
    id: str
    authorized: bool = False
    exits: ExitStack = field(default_factory=ExitStack)
    caller: Connection | None = field(default=None, repr=False)
    outcome: str = "ok"
    slot: Slot | None = None
    endpoint: Endpoint | None = None
    message: Message | None = field(default=None, repr=False)
    answered: Answer | None = field(default=None, repr=False)
    row_errors: Sequence[str | None] = field(default=(), repr=False)

    @property
    def settings(self) -> Settings:
        return self.services.settings

    @property
    def connection(self) -> Connection:
        """The connection that the token belongs to; raises UnknownToken if there is none."""
        if self.caller is None:
            raise UnknownToken
        return self.caller

    @property
    def finished_connection(self) -> Connection:
        """The connection that the token belongs to; raises RequestRefused until its wizard has been finished."""
        if not self.connection.complete:
            raise RequestRefused("The set-up of this integration is not finished: please complete its wizard")
        return self.connection

    @lazy_property
    def channel(self) -> Channel:
        """The shop of the finished connection; raises ChannelUnavailable over the concurrency limit."""
        connection = self.finished_connection
        self.enter_shop()
        channels = self.services.channels
        return channels.open_for(connection, self.deadline)

    def enter_shop(self, wait_seconds: float = 0) -> None:
        """Count this call against the concurrency limit until it is answered; raises ChannelUnavailable over it."""
        row, limit = self.connection, self.services.concurrency_limit
        self.slot = self.exits.enter_context(limit.slot(row.id, wait_seconds, finished=row.complete))


def current_services() -> Services:
    """Return what this process serves with."""
    services: Services = current_app.extensions["bridge"]
    return services


def current_call() -> Call:
    """Return the request being answered."""
    call: Call = g.call
    return call
