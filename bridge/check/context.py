"""What the rules of one run share: the integrations, what was seen so far, and what has to be undone at the end."""

from __future__ import annotations

import random
import re
import secrets
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, suppress
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, TypeVar

from bridge.check.client import LinnworksClient
from bridge.check.configurator import ListingConfigurator, SentListing
from bridge.check.exchange import Exchange
from bridge.check.integration import Integration
from bridge.check.records import CancelledPieces, OrderLineRecord, OrderRecord, ProductRecord
from bridge.check.response import EndpointResponse, format_time
from bridge.check.rule import RuleFailed, RuleSkipped
from bridge.check.wording import duplicates, join_subjects, summarize

if TYPE_CHECKING:
    from bridge.check.options import SoakOptions
    from bridge.check.soak import Soak
    from bridge.check.tenants import Tenants

T = TypeVar("T")

MAX_PAGES = 1000
MAX_USELESS_PAGES = 3
"""How many pages in a row may bring nothing new before the pages count as endless."""
PAGE_KEYS = {"Orders": "ReferenceNumber", "Products": "SKU", "GetCategories": "CategoryId"}
LONG_AGO = "2000-01-01 00:00:00Z"
EARLIER = timedelta(minutes=5)
"""How much earlier than a change the orders are requested, as the clocks may differ."""
FIRST_PAUSE = 0.05
MAX_PAUSE = 1.0
"""Seconds between two attempts; the pause doubles up to the maximum."""
RATE_LIMITED = re.compile(
    r"too many|rate.?limit|limit (is |was |has been )?(reached|exceeded)|throttl|slow down|\bbusy\b"
    r"|\b(wait|again|retry)\b.{0,40}\b(second|minute|moment)|\b(second|minute)s?\b.{0,40}\bagain\b",
    re.IGNORECASE,
)
"""An Error that says to come back later."""
SECONDS_TO_WAIT = re.compile(r"(\d{1,4})\s?s(ec|\b)", re.IGNORECASE)
RATE_LIMIT_PATIENCE = 6
"""How much longer than a change in the shop AddNewUser's own limit may take."""
MIN_TOKEN_LENGTH = 8
MAX_NAMES = 3
"""How many account names are tried, as an earlier run with the same seed may have left the first one behind."""


class CheckContext:
    """The state that the rules of one run share.

    The integrations `first` and `second` go through their whole life; `spare` is for requests that may spoil one.
    """

    def __init__(
        self, client: LinnworksClient, config: Mapping[str, str], rng: random.Random, patience: float = 20.0
    ) -> None:
        self.client = client
        self.config = config
        self.rng = rng
        self.patience = patience
        self.read_only = False
        account = random_account(rng)
        self.first = Integration(account, f"check-{self.random_word()}", "check@example.com")
        self.second = Integration(account, f"check-{self.random_word()}", "check@example.com")
        self.spare = Integration(account, f"check-{self.random_word()}", "check@example.com")
        self.active_tokens: set[str] = set()
        self.tenants: Tenants | None = None
        self.token_is_never_checked = False
        self.notes: list[str] = []
        self.teardown = ExitStack()
        self.missing_config = ""
        # the wizard
        self.tags: dict[str, list[tuple[str, str]]] = {}
        # products, stock and prices
        self.product_pages: list[EndpointResponse] = []
        self.products: list[ProductRecord] = []
        self.selling_skus: set[str] = set()
        self.original_rows: dict[str, list[dict[str, Any]]] = {}
        self.missing_rows: list[RuleFailed] = []
        self.shown_before: dict[str, dict[str, ProductRecord]] = {}
        self.shown_after: dict[str, dict[str, ProductRecord]] = {}
        # orders, and what was done with them
        self.endless_pages: dict[str, RuleFailed] = {}
        self.space_refused: RuleFailed | None = None
        self.iso_parcels = False
        self.order_pages: list[EndpointResponse] = []
        self.orders: list[OrderRecord] = []
        self.used_orders: set[str] = set()
        self.parcels: list[dict[str, Any]] = []
        self.repeat_accepted = False
        self.post_sale_options: dict[str, Any] = {}
        self.exchanges: dict[str, Exchange] = {}
        self.started = now()
        self.cancelled_since = now()
        self.cancellation: dict[str, Any] = {}
        self.refund: dict[str, Any] = {}
        self.refund_reference = ""
        self.repeated_reference = ""
        self.cancelled_lines: tuple[OrderRecord, OrderLineRecord, datetime] | None = None
        self.cancelled_pieces: CancelledPieces | None = None
        self.repeat_window: float | None = None
        # listings
        self.configurator = ListingConfigurator(config, rng)
        self.listings: dict[str, SentListing] = {}
        self.feed = ""
        self.feed_rows: list[dict[str, Any]] = []
        self.update_accepted = False
        self.shown_before_listing: dict[str, ProductRecord] = {}
        # replay and soak
        self.recorded_calls: list[tuple[str, dict[str, Any]]] = []
        self.soak_options: SoakOptions | None = None
        self.soak: Soak | None = None
        self.report_progress: Callable[[str], None] = lambda message: None

    def random_word(self, length: int = 8) -> str:
        """Return random hexadecimal characters that no shop has seen yet."""
        return f"{self.rng.getrandbits(4 * length):0{length}x}"

    def call(self, name: str, **fields: Any) -> EndpointResponse:
        """Call an endpoint for the first integration."""
        return self.client.call(name, self.first.token, **fields)

    def try_call(self, name: str, **fields: Any) -> EndpointResponse:
        """Call an endpoint for the first integration with a request to which an Error may be the right answer."""
        return self.client.post(name, {"AuthorizationToken": self.first.token, **fields})

    def add_user(self, integration: Integration, **changes: Any) -> EndpointResponse:
        """Call AddNewUser, and again after the application's own limit; the token is deleted when the run ends."""
        body = {
            "LinnworksUniqueIdentifier": integration.account,
            "Email": integration.email,
            "AccountName": integration.name,
        }
        deadline = time.monotonic() + RATE_LIMIT_PATIENCE * self.patience
        pause = MAX_PAUSE
        while True:
            response = self.remember_token(self.client.post("AddNewUser", {**body, **changes}))
            if not RATE_LIMITED.search(response.error):
                self.client.note_error(response)
                return response
            named = SECONDS_TO_WAIT.search(response.error)
            pause = min(float(named[1]) if named else pause, max(0.0, deadline - time.monotonic()))
            if not pause:
                return response
            self.report_progress(f"Waiting {pause:.0f} s for the limit of AddNewUser")
            time.sleep(pause)
            pause *= 2

    def create(self, integration: Integration) -> EndpointResponse:
        """Call AddNewUser for a new integration, under another name when an earlier run left the first one behind."""
        name = integration.name
        response = self.add_user(integration)
        for _ in range(MAX_NAMES - 1):
            if not response.error:
                break
            integration.name = f"{name}-{secrets.token_hex(2)}"
            response = self.add_user(integration)
        integration.token = response.string("AuthorizationToken")
        return response

    def remember_token(self, response: EndpointResponse) -> EndpointResponse:
        """Return the response; a token in it is kept secret, and deleted when the run ends."""
        token = response.string("AuthorizationToken")
        if token:
            self.client.secrets.add(token)
            self.active_tokens.add(token)
            if len(token) >= MIN_TOKEN_LENGTH:  # a shorter one may be in a response by chance
                self.client.tokens.add(token)
        return response

    def delete_integration(self, token: str) -> EndpointResponse:
        """Call ConfigDeleted."""
        response = self.client.call("ConfigDeleted", token)
        self.active_tokens.discard(token)
        return response

    def on_teardown(self, action: Callable[[], object]) -> None:
        """Register an action that restores the shop before the first integration is deleted; its failure is ignored."""

        def run() -> None:
            with suppress(RuleFailed, RuleSkipped):
                action()

        self.teardown.callback(run)

    def tear_down(self) -> None:
        """Restore the shop and delete every remaining integration."""
        self.teardown.close()
        for token in list(self.active_tokens):
            with suppress(RuleFailed, RuleSkipped):
                self.delete_integration(token)

    def despatch(self, parcels: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """Send a Despatch; return the response's row for each order, {} when it is missing."""
        response = self.call("Despatch", Orders=parcels).require_success()
        references = [str(parcel["ReferenceNumber"]) for parcel in parcels]
        return self._rows_by_key(response, "Orders", "ReferenceNumber", references)

    def update(self, name: str, rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """Send stock levels or prices; return the response's row for each SKU, {} when it is missing."""
        response = self.call(name, Products=rows).require_success()
        return self._rows_by_key(response, "Products", "SKU", [str(row["SKU"]) for row in rows])

    def _rows_by_key(self, response: EndpointResponse, array: str, key: str, sent: list[str]) -> dict[str, Any]:
        found: dict[str, dict[str, Any]] = {}
        for row in response.rows(array):  # an order or SKU may have several rows: one with an Error counts
            name = str(row.get(key))
            found[name] = row if row.get("Error") else found.get(name, row)
        missing = [name for name in dict.fromkeys(sent) if name not in found]
        if missing:
            message = summarize(f"{response.endpoint} returned no row for {name}" for name in missing)
            self.missing_rows.append(RuleFailed(message, response.exchange))
        return {name: found.get(name, {}) for name in sent}

    def pages(
        self, name: str, array: str, first: EndpointResponse | None = None, **fields: Any
    ) -> list[EndpointResponse]:
        """Return every page of an endpoint, from the first until HasMorePages is false; the `first` may be known.

        Pages that do not end are cut off: rules of their own report them.
        """
        pages: list[EndpointResponse] = []
        seen: set[str] = set()
        useless = 0
        for number in range(1, MAX_PAGES + 1):
            page = first if first and number == 1 else self.call(name, PageNumber=number, **fields)
            pages.append(page.require_success())
            if page.body.get("HasMorePages") is not True:
                return pages
            keys = {str(row.get(PAGE_KEYS[name])) for row in page.rows(array)}
            useless = useless + 1 if keys <= seen else 0
            seen |= keys
            if useless == MAX_USELESS_PAGES:
                message = f"pages {number - useless + 1} to {number} of {name} bring nothing new"
                failure = RuleFailed(f"{message} and have HasMorePages true: the pages never end", page.exchange)
                self.endless_pages.setdefault(name, failure)
                return pages
        raise RuleSkipped(f"{name} has more than {MAX_PAGES} pages, too many to read")

    def first_page_of_orders(self) -> EndpointResponse:
        """Return the first page of all orders, with the time in the ISO form when Orders refuses the usual one.

        That is the form with a space, as Linnworks sends it. The run goes on with the form that was understood.
        """
        try:
            return self.call("Orders", UTCTimeFrom=LONG_AGO, PageNumber=1).require_success()
        except RuleFailed as refusal:
            self.client.iso_times = True
            try:
                page = self.call("Orders", UTCTimeFrom=LONG_AGO, PageNumber=1).require_success()
            except RuleFailed:
                self.client.iso_times = False
                raise refusal from None
            self.space_refused = refusal
            return page

    def require_end(self, name: str) -> None:
        """Raise RuleFailed when the pages of an endpoint did not end."""
        if name in self.endless_pages:
            raise self.endless_pages[name]

    def duplicates_shown_twice(self, name: str, array: str, **fields: Any) -> list[str]:
        """Return the keys that occur more than once when all pages are read again.

        One that was added at the front during the first reading moves the others to the next page.
        """
        rows = [row for page in self.pages(name, array, **fields) for row in page.rows(array)]
        return duplicates(str(row.get(PAGE_KEYS[name])) for row in rows)

    def products_by_sku(self) -> dict[str, ProductRecord]:
        """Request all products and return them by SKU."""
        pages = self.pages("Products", "Products")
        return ProductRecord.by_sku([row for page in pages for row in page.rows("Products")])

    def changed_orders(self, since: datetime) -> dict[str, OrderRecord]:
        """Request the orders changed since a time, or a little earlier, and return them by reference."""
        pages = self.pages("Orders", "Orders", UTCTimeFrom=format_time(since - EARLIER))
        orders = [OrderRecord.from_row(row) for page in pages for row in page.rows("Orders")]
        return {order.reference: order for order in orders}

    def unused_orders(self, fits: Callable[[OrderRecord], bool]) -> list[OrderRecord]:
        """Return the open orders that fit and that no rule has used yet, newest first."""
        return [o for o in self.orders if o.is_open and o.reference not in self.used_orders and fits(o)]

    def candidates(self, fits: Callable[[OrderRecord], bool]) -> list[OrderRecord]:
        """Return unused orders to try one after the other, each twice as far back as the one before.

        Orders do not show what was sent or cancelled before the check, and neighbouring ones share that fate.
        """
        unused = self.unused_orders(fits)
        return [unused[2**attempt - 1] for attempt in range(len(unused).bit_length())]

    def wait_until(self, moment: datetime, purpose: str) -> None:
        """Wait until a time, and show how long that takes."""
        while (seconds := (moment - now()).total_seconds()) > 0:
            self.report_progress(f"Waiting {seconds:.0f} s {purpose}")
            time.sleep(min(MAX_PAUSE, seconds))

    def settle(self) -> None:
        """Wait a little before looking for a change that must not happen."""
        time.sleep(min(MAX_PAUSE, self.patience / 10))

    def eventually(self, find_problem: Callable[[], str], patience: float | None = None) -> None:
        """Repeat until no problem is found, or raise RuleFailed with the last one after `patience` seconds."""
        patience = self.patience if patience is None else patience
        deadline = time.monotonic() + patience
        pause = FIRST_PAUSE
        while problem := find_problem():
            if time.monotonic() > deadline:
                raise RuleFailed(f"{problem} (repeated for {patience:g} s)")
            time.sleep(pause)
            pause = min(2 * pause, MAX_PAUSE)


def try_each(elements: Iterable[T], action: Callable[[T], object]) -> None:
    """Call the action with every element, then raise RuleFailed with all failures."""
    failures = []
    for element in elements:
        try:
            action(element)
        except RuleFailed as failure:
            failures.append(failure)
    if failures:
        unusable = all(failure.aspect for failure in failures)
        raise RuleFailed(
            summarize(join_subjects(map(str, failures))),
            failures[0].exchange,
            failures[0].aspect if unusable else None,
            frozenset(name for failure in failures for name in failure.endpoints if unusable),
        )


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(timezone.utc)


def random_account(rng: random.Random) -> str:
    """Return the identifier of a made-up Linnworks account."""
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))
