"""A shop in memory and the channel to it, which is slow, fails, and loses answers before and after the act."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar, TypeVar

from bridge.channels.base import (
    LAST_STEP,
    Channel,
    LineState,
    ListingResult,
    OrderState,
    Outcome,
    Page,
    Parcel,
    ShopAction,
    Step,
)
from bridge.errors import ChannelRefused, ChannelUnavailable, OutcomeUnknown
from bridge.protocol.schemas.after_sale import PostSaleOptionsResponse, RefundShippingType
from bridge.protocol.schemas.config import Tag
from bridge.protocol.schemas.listings import ChannelReference
from bridge.protocol.schemas.orders import Address, Order, OrderItem, PaymentStatus
from bridge.protocol.schemas.products import Product
from tests.simulation.world import World, at

T = TypeVar("T")

ADDRESS = Address(town="Bath")
PRICE = Decimal(5)


@dataclass
class Line:
    quantity: int
    despatched: int = 0
    cancelled: int = 0
    refunded: Decimal = Decimal(0)

    @property
    def left(self) -> int:
        return self.quantity - self.despatched - self.cancelled


@dataclass
class Act:
    """A despatch, cancel or refund that the shop has done; a despatch is also known by what it was told of it."""

    kind: str
    key: str
    parcel: Parcel | None
    reference: str
    at: int
    amounts: dict[str, Any]


@dataclass
class ShopOrder:
    """`stamp` is when it changed last by the shop's clock, `changed` when it really did."""

    number: int
    lines: dict[str, Line]
    fit: bool
    version: int = 0
    stamp: int = 0
    changed: float = 0
    ever_unfit: bool = False
    binned: bool = False
    acts: list[Act] = field(default_factory=list)


@dataclass
class Trouble:
    """How often, of a call, what goes wrong; and how long calls take at most."""

    fails: float = 0
    lost: float = 0
    slow: float = 0


class Shop:
    """The shop's books."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.trouble = Trouble()
        self.page_sizes: tuple[int, ...] = (3,)
        self.orders: dict[int, ShopOrder] = {}
        self.values: dict[tuple[str, str], str] = {}
        self.listings: dict[str, str] = {}
        self.skus = [f"S{number}" for number in range(4)]
        self._versions = 0

    # -- customers and the owner -----------------------------------------------------------------------

    def place(self, quantities: Sequence[int], *, fit: bool) -> None:
        order = ShopOrder(len(self.orders), {f"L{n}": Line(q) for n, q in enumerate(quantities, 1)}, fit)
        self.orders[order.number] = order
        self.touch(order)

    def touch(self, order: ShopOrder) -> None:
        """The order changes."""
        self._versions += 1
        order.version, order.changed = self._versions, self.world.time
        order.stamp = int(self.world.clock("shop"))
        order.ever_unfit = order.ever_unfit or not order.fit

    def present(self) -> list[ShopOrder]:
        return [order for order in self.orders.values() if not order.binned]

    def find(self, reference: str) -> ShopOrder | None:
        order = self.orders.get(int(reference))
        return None if order is None or order.binned else order

    # -- what it is asked to do ------------------------------------------------------------------------

    def act(
        self, kind: str, order: ShopOrder, key: str, parcel: Parcel | None, amounts: Sequence[tuple[str, Any]]
    ) -> str:
        """Do it and return its reference; raises ChannelRefused, and does it again where the same key comes again."""
        chosen = [(order.lines[line], amount) for line, amount in amounts]
        for line, amount in chosen:
            if kind == "refund" and line.refunded + amount > PRICE * line.quantity:
                raise ChannelRefused("That is more than was paid")
            if kind != "refund" and amount > line.left:
                raise ChannelRefused(f"Only {line.left} left")
        for line, amount in chosen:
            if kind == "refund":
                line.refunded += amount
            elif kind == "cancel":
                line.cancelled += amount
            else:
                line.despatched += amount
        by_line: dict[str, Any] = {}
        for number, amount in amounts:
            by_line[number] = by_line.get(number, 0) + amount
        reference = f"{kind}-{order.number}-{len(order.acts)}"
        order.acts.append(Act(kind, key, parcel, reference, int(self.world.clock("shop")), by_line))
        self.touch(order)
        return order.acts[-1].reference


class SimulatedChannel(Channel):
    """The channel to the one shop that is being played."""

    name = "SIMULATED"
    friendly_name = "Simulated shop"
    supports_listings = True
    steps = (
        Step(name="Shop", title="Your shop", description="There is only one."),
        Step(name=LAST_STEP, title="Settings", description="Your shop is connected."),
    )
    shop: ClassVar[Shop]

    @property
    def orders_page_size(self) -> int:  # type: ignore[override]
        return max(self.shop.page_sizes)

    def _page_size(self) -> int:
        job = self.shop.world.current
        return job.chance.choice(self.shop.page_sizes) if job else self.shop.page_sizes[0]

    def _call(self, does: Callable[[], T], *, changes: bool = False) -> T:
        """One call to the shop, or what it comes to."""
        world, trouble = self.shop.world, self.shop.trouble
        self.deadline.trace.begin_call("", "")
        world.step()
        chance = world.current.chance if world.current else None
        what = chance.random() if chance else 1.0
        seconds = 0.1
        if chance and chance.random() < trouble.slow:
            seconds = chance.choice([1.0, 3.0, 6.0, 12.0])
        allowed = self.deadline.left()
        if what < trouble.fails or not allowed:
            raise ChannelUnavailable("The shop is down")
        if chance and changes and (what < trouble.fails + trouble.lost or seconds > allowed):
            world.pass_time(min(seconds, allowed))
            if chance.random() < 0.3:
                delay = chance.choice([1.0, 5.0, 15.0])
                world.late.append((world.time + delay, lambda: _quietly(does)))
            elif chance.random() < 0.5:
                _quietly(does)
            raise OutcomeUnknown("The shop did not answer")
        if what < trouble.fails + trouble.lost or seconds > allowed:
            world.pass_time(min(seconds, allowed))
            raise ChannelUnavailable("The shop did not answer")
        result = does()
        world.pass_time(seconds)
        world.step()
        return result

    def verify(self, step: str) -> None:
        pass

    def check(self) -> None:
        pass

    def shipping_tags(self) -> Sequence[Tag]:
        return [Tag(tag="POST", friendly_name="By post")]

    def payment_tags(self) -> Sequence[Tag]:
        return [Tag(tag="CARD", friendly_name="By card")]

    # -- orders ----------------------------------------------------------------------------------------

    def orders(self, since: Any, cursor: str | None) -> Page[Order]:
        def read() -> Page[Order]:
            changed = [
                order
                for order in self.shop.present()
                if at(order.stamp) >= since and order.number > int(cursor if cursor is not None else -1)
            ]
            page = changed[: self._page_size()]
            more = len(changed) > len(page)
            now = at(int(self.shop.world.clock("shop")))
            return Page([_order(order) for order in page], str(page[-1].number) if more else None, now)

        return self._call(read)

    def order(self, reference: str) -> Order | None:
        def read() -> Order | None:
            found = self.shop.find(reference)
            return _order(found) if found else None

        return self._call(read)

    def order_state(self, reference: str) -> OrderState | None:
        def read() -> OrderState | None:
            found = self.shop.find(reference)
            return _state(found, at(int(self.shop.world.clock("shop")))) if found else None

        return self._call(read)

    def despatch(self, parcel: Parcel, key: str) -> None:
        self._act("despatch", parcel.reference, key, list(parcel.pieces.items()), parcel)

    def cancel(self, cancellation: Any, key: str) -> None:
        items = [(item.order_line_number, item.cancellation_quantity) for item in cancellation.items]
        self._act("cancel", cancellation.reference_number, key, items)

    def refund(self, refund: Any, key: str) -> str:
        items = [(item.order_line_number, item.refund_amount) for item in refund.items]
        return self._act("refund", refund.reference_number, key, items)

    def find_result(self, kind: str, reference: str, key: str) -> str | None:
        def look() -> str | None:
            order = self.shop.find(reference)
            acts = order.acts if order else []
            return next((act.reference for act in acts if (act.kind, act.key) == (kind, key)), None)

        return self._call(look)

    def _act(
        self, kind: str, reference: str, key: str, items: Sequence[tuple[str, Any]], parcel: Parcel | None = None
    ) -> str:
        """Do it unless it was done under this key, which the shop itself would do again."""
        done = self.find_result(kind, reference, key)
        if done is not None:
            return done

        def act() -> str:
            order = self.shop.find(reference)
            if order is None:
                raise ChannelRefused(f"The shop has no order {reference}")
            return self.shop.act(kind, order, key, parcel, items)

        return self._call(act, changes=True)

    def post_sale_options(self) -> PostSaleOptionsResponse:
        return PostSaleOptionsResponse(refund_shipping_types=RefundShippingType.NotSupported)

    # -- products --------------------------------------------------------------------------------------

    def products(self, cursor: str | None) -> Page[Product]:
        rows = self.shop.skus
        start = int(cursor or 0)
        end = start + self._page_size()

        def read() -> Page[Product]:
            found = [Product(sku=sku, title=sku, quantity=1, reference=sku) for sku in rows[start:end]]
            return Page(found, str(end) if end < len(rows) else None)

        return self._call(read)

    def set_stock(self, levels: Sequence[Any]) -> Sequence[Outcome]:
        return self._set([("stock", level.sku, str(level.quantity)) for level in levels])

    def set_prices(self, prices: Sequence[Any]) -> Sequence[Outcome]:
        return self._set([("price", price.sku, str(int(price.price))) for price in prices])

    def _set(self, rows: Sequence[tuple[str, str, str]]) -> Sequence[Outcome]:
        """Two rows a call, so that some of a batch may fail."""
        outcomes: list[Outcome] = []
        for start in range(0, len(rows), 2):
            some = rows[start : start + 2]

            def put(some: Sequence[tuple[str, str, str]] = some) -> None:
                for kind, sku, value in some:
                    if sku in self.shop.skus:
                        self.shop.values[kind, sku] = value

            try:
                self._call(put, changes=True)
            except (ChannelUnavailable, OutcomeUnknown) as error:
                outcomes += [error] * len(some)
            else:
                outcomes += [
                    None if sku in self.shop.skus else ChannelRefused(f"The shop has no product {sku}")
                    for _, sku, _ in some
                ]
        return outcomes

    # -- listings --------------------------------------------------------------------------------------

    def create_listing(self, listing: Any, settings: Any, key: str) -> ListingResult:
        def create() -> None:
            self.shop.listings.setdefault(key, listing.sku)

        self._call(create, changes=True)
        return ListingResult(
            external_listing_id=listing.sku, references=(ChannelReference(sku=listing.sku, reference=listing.sku),)
        )


def _quietly(does: Callable[[], Any]) -> None:
    """What the shop does without an answer that anybody hears."""
    with suppress(ChannelRefused):
        does()


def _order(order: ShopOrder) -> Order:
    return Order(
        reference_number=str(order.number),
        external_reference=str(order.version),
        payment_status=PaymentStatus.PAID,
        currency="GBP",
        billing_address=ADDRESS,
        order_items=tuple(
            OrderItem(order_line_number=number, sku="A" if order.fit else "", qty=line.quantity, price_per_unit=PRICE)
            for number, line in order.lines.items()
        ),
    )


def _state(order: ShopOrder, now: Any) -> OrderState:
    return OrderState(
        reference=str(order.number),
        lines=[
            LineState(number, "A" if order.fit else "", line.quantity, line.despatched, line.cancelled, line.refunded)
            for number, line in order.lines.items()
        ],
        actions=[_action(act) for act in order.acts],
        cancelled=all(line.cancelled == line.quantity for line in order.lines.values()),
        refunded=sum((line.refunded for line in order.lines.values()), Decimal(0)),
        as_of=now,
    )


def _action(act: Act) -> ShopAction:
    money = act.kind == "refund"
    return ShopAction(
        act.kind,
        key=act.key,
        at=at(act.at),
        pieces={} if money else act.amounts,
        tracking_numbers=act.parcel.tracking_numbers if act.parcel else (),
        replaces=act.parcel.replaces if act.parcel else (),
        earlier=act.parcel.earlier if act.parcel else (),
        processed_on=act.parcel.processed_on if act.parcel else None,
        amounts=act.amounts if money else {},
        amount=sum(act.amounts.values(), Decimal(0)) if money else Decimal(0),
        result=act.reference,
    )
