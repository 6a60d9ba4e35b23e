"""Linnworks as it is played: what it asks, what it sends again, and what it believes."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.world import World, at

Answer = dict[str, Any] | None
Ask = Callable[[str, dict[str, Any], Callable[[Answer], None]], None]
"""Have an endpoint called; the answer, or None where none came, is handed on once it is there."""

GIVES_UP_AFTER = 10


@dataclass
class Walk:
    """A run through the pages of orders."""

    since: float
    regular: bool
    began: float = 0
    page: int = 1
    attempt: int = 0
    over: bool = False


@dataclass
class Sent:
    """A value for a SKU on its way: `sure` where an answer says that the bridge has it."""

    value: str
    began: int
    ended: int | None = None
    sure: bool = False


@dataclass
class Wanted:
    """A despatch, cancel or refund that the seller wants, and what Linnworks was told about it."""

    kind: str
    reference: str
    tag: str
    line: str
    amount: int
    processed_on: int = 0
    corrected: bool = False
    sent_at: list[float] = field(default_factory=list)
    done_at: list[float] = field(default_factory=list)
    refused: str = ""
    forgiven: bool = False

    @property
    def succeeded(self) -> bool:
        """Whether an answer has said that it is done."""
        return bool(self.done_at)

    @property
    def identity(self) -> tuple[str, str, str, int]:
        """What two cancels or refunds are equal by."""
        return self.kind, self.reference, self.line, self.amount


@dataclass
class Linnworks:
    """One integration, as Linnworks sees it. Times are by the world's clock unless it is said otherwise."""

    world: World
    ask: Ask
    moves_to_end: bool = False
    since: float = 0
    known: dict[int, int] = field(default_factory=dict)
    walks: list[Walk] = field(default_factory=list)
    sent: dict[tuple[str, str], list[Sent]] = field(default_factory=dict)
    wanted: list[Wanted] = field(default_factory=list)
    feeds: dict[str, str] = field(default_factory=dict)
    feed_reports: dict[str, Any] = field(default_factory=dict)
    completed: Callable[[Walk], None] = lambda walk: None
    _ticks: int = 0

    def tick(self) -> int:
        self._ticks += 1
        return self._ticks

    # -- orders ----------------------------------------------------------------------------------------

    def start(self, walk: Walk) -> Walk:
        """Begin a run; a regular one takes the place of the one under way."""
        if walk.regular:
            for other in self.walks:
                other.over = other.over or other.regular
        self.walks = [one for one in self.walks if not one.over] + [walk]
        walk.began = self.world.time
        return walk

    def ask_page(self, walk: Walk, *, lost: bool = False, gives_up: bool = False) -> None:
        """Ask for the next page of a run, once more where the last answer did not come."""
        if walk.page == 1:
            walk.began = self.world.time
        walk.attempt += 1
        attempt = walk.attempt

        def arrived(answer: Answer) -> None:
            if walk.over or walk.attempt != attempt:
                return
            if answer is None or lost or answer["Error"]:
                self.world.say(
                    f"  page {walk.page} since {walk.since:.0f}: {'lost' if lost else answer and answer['Error']}"
                )
                if gives_up:
                    walk.over = True
                elif answer and answer["Error"] and "start at page 1" in answer["Error"]:
                    walk.page, walk.attempt = 1, walk.attempt + 1
                return
            orders = {int(order["ReferenceNumber"]): int(order["ExternalReference"]) for order in answer["Orders"]}
            self.world.say(f"  page {walk.page} since {walk.since:.0f}: {orders} {answer['HasMorePages']}")
            self.known |= {number: max(version, self.known.get(number, 0)) for number, version in orders.items()}
            walk.page += 1
            if not answer["HasMorePages"]:
                walk.over = True
                if walk.regular:
                    moment = self.world.time if self.moves_to_end else walk.began
                    self.since = moment + self.world.skew["linnworks"]
                    self.completed(walk)

        moment = at(int(walk.since)).strftime("%Y-%m-%d %H:%M:%SZ")
        self.ask("OrdersEndpoint", {"UTCTimeFrom": moment, "PageNumber": walk.page}, arrived)

    # -- stock and prices ------------------------------------------------------------------------------

    def send_values(self, kind: str, values: dict[str, int], *, lost: bool = False) -> None:
        rows = {sku: Sent(str(value), self.tick()) for sku, value in values.items()}
        for sku, sent in rows.items():
            self.sent.setdefault((kind, sku), []).append(sent)

        def arrived(answer: Answer) -> None:
            ended = self.tick()
            for sent in rows.values():
                sent.ended = ended
            if answer is None or lost or answer["Error"]:
                return
            outcomes = {row["SKU"]: row["Error"] for row in answer["Products"]}
            for sku, sent in rows.items():
                assert sku in outcomes, f"{sku} was sent and not answered"
                sent.sure = True

        name, key = {"stock": ("InventoryUpdateEndpoint", "Quantity"), "price": ("PriceUpdateEndpoint", "Price")}[kind]
        self.ask(
            name, {"Products": [{"SKU": sku, "Reference": sku, key: value} for sku, value in values.items()]}, arrived
        )

    def forget_what_was_sent(self) -> None:
        """The bridge may not have it any more."""
        ended = self.tick()
        for sent in self.sent.values():
            for one in sent:
                one.sure, one.ended = False, one.ended or ended

    # -- despatches, cancels and refunds ---------------------------------------------------------------

    def want(self, wanted: Wanted) -> Wanted:
        self.wanted.append(wanted)
        return wanted

    def send(self, wanted: Wanted, *, lost: bool = False, form: str = "alone") -> None:
        """Ask for it, for the first time or again."""
        self.send_together([wanted], form, lost=lost)

    def send_together(self, group: list[Wanted], form: str, *, lost: bool = False) -> None:
        """Ask for several parcels of an order in one request, of one of the FORMS; or for one of anything."""
        for wanted in group:
            wanted.sent_at.append(self.world.time)

        def arrived(answer: Answer) -> None:
            if answer is None or lost:
                return
            outcomes = [(answer["Error"], True)] * len(group)
            if not answer["Error"] and group[0].kind == "despatch":
                outcomes = [(order["Error"], order["Retry"]) for order in answer["Orders"]]
                assert len(outcomes) == (len(group) if form == "entries" else 1), "a despatch was not answered"
            for wanted, (error, retry) in zip(group, outcomes * (len(group) // len(outcomes)), strict=True):
                self.world.say(f"  {wanted.tag}: {error or 'done'}")
                if not error:
                    wanted.done_at.append(self.world.time)
                    wanted.refused = ""
                elif not retry:
                    wanted.refused = error

        if group[0].kind == "despatch":
            self.ask("DespatchEndpoint", {"Orders": FORMS[form](group)}, arrived)
        else:
            self.ask(*_REQUESTS[group[0].kind](group[0]), arrived)

    # -- listings --------------------------------------------------------------------------------------

    def create_listing(self, sku: str, *, lost: bool = False) -> None:
        def arrived(answer: Answer) -> None:
            if answer and not lost and not answer["Error"]:
                self.feeds[answer["ChannelFeedId"]] = sku

        listing = {"TemplateId": 1, "SKU": sku, "Title": sku, "ConfiguratorId": 1, "Price": 1, "Quantity": 1}
        self.ask("ListingUpdateEndpoint", {"Type": "CREATE", "Listings": [listing], "Settings": []}, arrived)

    def check_feed(self, feed: str) -> None:
        def arrived(answer: Answer) -> None:
            if answer and not answer["Error"] and answer["IsFeedReady"]:
                self.feed_reports[feed] = answer["ProductFeeds"]

        self.ask("CheckFeedEndpoint", {"ChannelFeedId": feed}, arrived)


def _entry(group: list[Wanted], **fields: Any) -> dict[str, Any]:
    moment = at(max(wanted.processed_on for wanted in group)).strftime("%Y-%m-%d %H:%M:%SZ")
    return {"ReferenceNumber": group[0].reference, "ProcessedOn": moment, **fields}


def _item(wanted: Wanted) -> dict[str, Any]:
    return {"SKU": "A", "OrderLineNumber": wanted.line, "DespatchedQuantity": wanted.amount}


def _alone(group: list[Wanted]) -> list[dict[str, Any]]:
    return [_entry([one], TrackingNumber=one.tag, Items=[_item(one)]) for one in group]


def _flat(group: list[Wanted]) -> list[dict[str, Any]]:
    first, *others = (one.tag for one in group)
    return [_entry(group, TrackingNumber=first, SecondaryTrackingNumbers=others, Items=[_item(one) for one in group])]


def _packages(group: list[Wanted]) -> list[dict[str, Any]]:
    return [_entry(group, Packages=[{"TrackingNumber": one.tag, "Items": [_item(one)]} for one in group])]


def _both(group: list[Wanted]) -> list[dict[str, Any]]:
    (entry,) = _packages(group)
    return [{**entry, "TrackingNumber": group[0].tag, "Items": [_item(one) for one in group]}]


FORMS = {"alone": _alone, "entries": _alone, "flat": _flat, "packages": _packages, "both": _both}
"""How Linnworks may put parcels of an order into one request."""


def _cancel(wanted: Wanted) -> tuple[str, dict[str, Any]]:
    item = {"OrderLineNumber": wanted.line, "CancellationQuantity": wanted.amount, "Reason": wanted.tag}
    return "CancelEndpoint", {"Cancellation": {"ReferenceNumber": wanted.reference, "Items": [item]}}


def _refund(wanted: Wanted) -> tuple[str, dict[str, Any]]:
    item = {"OrderLineNumber": wanted.line, "RefundAmount": wanted.amount, "Reason": wanted.tag}
    return "RefundEndpoint", {"Refund": {"ReferenceNumber": wanted.reference, "Items": [item]}}


_REQUESTS = {"cancel": _cancel, "refund": _refund}


def back_dated(chance: random.Random, since: float) -> float:
    """What a user asks for by hand."""
    return max(0, since - chance.choice([1, 30, 300, 3600, 20_000]))
