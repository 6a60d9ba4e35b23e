"""One run: the connections it makes, what it saw, and what it has to put right at the end."""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, TypeVar

from bridge.check.answer import Answer, spaced
from bridge.check.configurator import Configurator, Listing
from bridge.check.exchange import Exchange
from bridge.check.judge import summary
from bridge.check.linnworks import Linnworks
from bridge.check.records import Order, Product
from bridge.check.registry import Failed, Skipped

T = TypeVar("T")

MOST_PAGES = 1000
LONG_AGO = "2000-01-01 00:00:00Z"


@dataclass
class Integration:
    """One row of Linnworks' channel settings, and its token once it has one.

    The first and the second are led through their whole life; whatever may spoil one is tried on the spare.
    """

    account: str
    name: str
    email: str
    token: str = ""
    step: str = ""
    items: list[dict[str, Any]] = field(default_factory=list)

    def answers_as(self, answer: Answer) -> bool:
        """Whether an answer of UserConfig bears its AccountName, or none; without one it breaks another rule."""
        return answer.says("AccountName") in ("", self.name)


class Play:
    """What the checks of one run share."""

    def __init__(
        self, linnworks: Linnworks, answers: Mapping[str, str], rng: random.Random, patience: float = 20.0
    ) -> None:
        self.linnworks = linnworks
        self.answers = answers
        self.rng = rng
        self.patience = patience
        self.read_only = False
        account = str(uuid.UUID(int=rng.getrandbits(128), version=4))
        self.first = Integration(account, f"check-{self.word()}", "check@example.com")
        self.second = Integration(account, f"check-{self.word()}", "check@example.com")
        self.spare = Integration(account, f"check-{self.word()}", "check@example.com")
        self.repairs = ExitStack()
        self.open: set[str] = set()
        self.typed_secrets: set[str] = set()
        self.stuck = ""
        self.leaks: list[Answer] = []
        self.left_out: list[Failed] = []
        self.tags: dict[str, list[tuple[str, str]]] = {}
        self.product_pages: list[Answer] = []
        self.products: list[Product] = []
        self.order_pages: list[Answer] = []
        self.orders: list[Order] = []
        self.touched: set[str] = set()
        self.displaced: dict[str, list[dict[str, Any]]] = {}
        self.parcels: list[dict[str, Any]] = []
        self.may_repeat = False
        self.options: dict[str, Any] = {}
        self.shown: dict[str, Exchange] = {}
        self.changed = now()
        self.cancellation: dict[str, Any] = {}
        self.refund: dict[str, Any] = {}
        self.refund_reference = ""
        self.configurator = Configurator(answers, rng)
        self.listings: dict[str, Listing] = {}
        self.feed = ""
        self.feed_rows: list[dict[str, Any]] = []
        self.recorded: list[tuple[str, dict[str, Any]]] = []
        self.soaking: Any = None
        self.soak: Any = None
        self.tell: Callable[[str], None] = lambda words: None

    def word(self, length: int = 8) -> str:
        """A few random characters that no shop has seen yet."""
        return f"{self.rng.getrandbits(4 * length):0{length}x}"

    def call(self, name: str, **fields: Any) -> Answer:
        """Calls an endpoint for the first integration."""
        return self.linnworks.call(name, self.first.token, **fields)

    def add(self, integration: Integration, **changes: Any) -> Answer:
        """Asks for a new integration; whatever token comes of it is given up when the run ends."""
        body = {
            "LinnworksUniqueIdentifier": integration.account,
            "Email": integration.email,
            "AccountName": integration.name,
        }
        return self.keep(self.linnworks.post("AddNewUser", {**body, **changes}))

    def keep(self, answer: Answer) -> Answer:
        """The answer; a token in it is given up when the run ends."""
        token = answer.says("AuthorizationToken")
        if token:
            self.linnworks.secrets.add(token)
            self.open.add(token)
        return answer

    def despatch(self, parcels: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """Sends a batch of despatches; what is answered for each order, nothing being no Error."""
        answer = self.call("Despatch", Orders=parcels).accepted()
        return self._answered(answer, "Orders", "ReferenceNumber", [str(one["ReferenceNumber"]) for one in parcels])

    def update(self, name: str, rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """Sends a batch of stock levels or prices; what is answered for each SKU, nothing being no Error."""
        answer = self.call(name, Products=rows).accepted()
        return self._answered(answer, "Products", "SKU", [str(row["SKU"]) for row in rows])

    def _answered(self, answer: Answer, rows: str, key: str, sent: list[str]) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for row in answer.rows(rows):  # of an order in two parts, or a SKU with two prices, the failure counts
            name = str(row.get(key))
            found[name] = row if row.get("Error") else found.get(name, row)
        missing = [name for name in dict.fromkeys(sent) if name not in found]
        if missing:
            words = summary(f"{answer.endpoint} left {name} out" for name in missing)
            self.left_out.append(Failed(words, answer.exchange))
        return {name: found.get(name, {}) for name in sent}

    def delete(self, token: str) -> Answer:
        """Tells the application that an integration is gone."""
        answer = self.linnworks.call("ConfigDeleted", token)
        self.open.discard(token)
        return answer

    def repair(self, action: Callable[[], object]) -> None:
        """Has an action done before the first integration goes, to put the shop right; it may fail unheard."""

        def quietly() -> None:
            with suppress(Failed, Skipped):
                action()

        self.repairs.callback(quietly)

    def clear_up(self) -> None:
        """Puts the shop right and deletes every integration that is still there."""
        self.repairs.close()
        for token in list(self.open):
            with suppress(Failed, Skipped):
                self.delete(token)

    def pages(self, name: str, rows: str, **fields: Any) -> list[Answer]:
        """Every page of an endpoint, from the first until HasMorePages is false."""
        pages: list[Answer] = []
        seen: set[str] = set()
        for number in range(1, MOST_PAGES + 1):
            page = self.call(name, PageNumber=number, **fields).accepted()
            shown = json.dumps(page.rows(rows))
            if page.rows(rows) and shown in seen:
                raise Failed(f"page {number} of {name} repeats an earlier one: there is no end", page.exchange)
            seen.add(shown)
            pages.append(page)
            if page.body.get("HasMorePages") is not True:
                return pages
        raise Skipped(f"{name} has more than {MOST_PAGES} pages, too many to read")

    def catalogue(self) -> dict[str, Product]:
        """All products as they are now, by SKU."""
        pages = self.pages("Products", "Products")
        return Product.by_sku([row for page in pages for row in page.rows("Products")])

    def changed_orders(self, since: datetime) -> dict[str, Order]:
        """The orders changed since a moment, and some that changed a little earlier, by reference."""
        pages = self.pages("Orders", "Orders", UTCTimeFrom=spaced(since - timedelta(minutes=5)))
        return {order.reference: order for page in pages for order in map(Order.read, page.rows("Orders"))}

    def untouched(self, fits: Callable[[Order], bool]) -> list[Order]:
        """The open orders that fit and that no check has touched yet, newest first."""
        return [o for o in self.orders if o.open and o.reference not in self.touched and fits(o)]

    def candidates(self, fits: Callable[[Order], bool]) -> list[Order]:
        """Untouched orders to try in turn, each time twice as far back.

        What left, or was cancelled, before the check came shows in no order, and neighbours did so together.
        """
        untouched = self.untouched(fits)
        return [untouched[2**tries - 1] for tries in range(len(untouched).bit_length())]

    def eventually(self, wrong: Callable[[], str], patience: float | None = None) -> None:
        """Looks again and again until nothing is wrong any more, or patience ends."""
        patience = self.patience if patience is None else patience
        until = time.monotonic() + patience
        pause = 0.05
        while words := wrong():
            if time.monotonic() > until:
                raise Failed(f"{words} (looked again for {patience:g} s)")
            time.sleep(pause)
            pause = min(2 * pause, 1.0)


def try_each(things: Iterable[T], action: Callable[[T], object]) -> None:
    """Does it with each of them; raises Failed with all that failed after the last."""
    failures = []
    for thing in things:
        try:
            action(thing)
        except Failed as failure:
            failures.append(failure)
    if failures:
        raise Failed(summary(map(str, failures)), failures[0].exchange)


def now() -> datetime:
    """The time Linnworks' clock shows."""
    return datetime.now(timezone.utc)


def parcel(order: Order, items: list[dict[str, Any]]) -> dict[str, Any]:
    """A despatch of these items of an order."""
    return {
        "ReferenceNumber": order.reference,
        "ShippingVendor": "NONE",
        "ShippingMethod": "Default",
        "TrackingNumber": "CHECK123456789GB",
        "SecondaryTrackingNumbers": None,
        "ProcessedOn": spaced(now()),
        "Items": items,
    }
