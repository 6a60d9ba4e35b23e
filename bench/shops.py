"""The shop of the bench, which answers from memory, at once or after a time that the connection sets."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from bridge.channels.base import LAST_STEP, Channel, LineState, ListingResult, OrderState, Outcome, Page, Parcel, Step
from bridge.clock import EPOCH
from bridge.errors import ChannelUnavailable
from bridge.protocol.schemas.after_sale import Cancellation, PostSaleOptionsResponse, Refund
from bridge.protocol.schemas.config import ConfigItem, Tag, ValueType
from bridge.protocol.schemas.listings import ListingRemoval, ProductListing, ProductSettings
from bridge.protocol.schemas.orders import Address, ExtendedProperty, Order, OrderItem, PaymentStatus
from bridge.protocol.schemas.products import Price, Product, StockLevel

CHANNEL, QUIET = "bench.shops:InstantShop", "bench.shops:QuietShop"
STALLED = "stalled"
ORDERS, LINES, PRODUCTS = 100, 5, 1000
AT_ONCE, A_CALL = 4, 100

_WHEN = EPOCH + timedelta(days=20_000)
_HOME = Address(
    full_name="Ann Other",
    address1="1 High Street",
    town="Leeds",
    post_code="LS1 1AA",
    country="United Kingdom",
    country_code="GB",
    phone_number="+44 20 7946 0000",
    email_address="ann@shop.example",
)


def order(number: int, lines: int = LINES) -> Order:
    """Return a typical order."""
    return Order(
        reference_number=f"R-{number}",
        external_reference=f"TX-{number}",
        payment_status=PaymentStatus.PAID,
        channel_buyer_name=_HOME.full_name,
        currency="GBP",
        received_date=_WHEN,
        dispatch_by=_WHEN + timedelta(days=2),
        paid_on=_WHEN,
        match_postal_service_tag="standard",
        match_payment_method_tag="card",
        postal_service_cost=Decimal("3.95"),
        postal_service_tax_rate=Decimal(20),
        use_channel_tax=True,
        billing_address=_HOME,
        delivery_address=_HOME,
        order_items=tuple(
            OrderItem(
                tax_cost_inclusive=True,
                use_channel_tax=True,
                order_line_number=str(line),
                sku=sku(line),
                price_per_unit=Decimal("12.10"),
                qty=2,
                tax_rate=Decimal(20),
                item_title=f"Thing number {line}",
            )
            for line in range(1, lines + 1)
        ),
        extended_properties=(ExtendedProperty(name="ShopStatus", value="paid"),),
        shop_total=lines * 2 * Decimal("12.10") + Decimal("3.95"),
    )


def sku(number: int) -> str:
    """Return the SKU of a product."""
    return f"SKU-{number:05}"


_TWO_LINES = tuple(LineState(f"{line}", sku(line), ordered=2) for line in (1, 2))
_ORDERS = tuple(map(order, range(ORDERS)))
_PRODUCTS = tuple(
    Product(sku=sku(n), title=f"Thing number {n}", quantity=n, price=Decimal("12.10"), reference=f"{n}")
    for n in range(PRODUCTS)
)


class InstantShop(Channel):
    """A shop in memory. A connection may set the seconds that each call takes, or that it never answers."""

    name = "BENCH"
    friendly_name = "Bench"
    inventory_batch_size = price_batch_size = 10_000
    supports_listings = True
    steps = (
        Step(
            name="Shop",
            title="Shop",
            description="Its key, and the seconds that a call takes",
            credentials=True,
            items=(
                ConfigItem(config_item_id="key", name="Key", value_type=ValueType.PASSWORD, must_be_specified=True),
                ConfigItem(config_item_id="seconds", name="Seconds", selected_value="0", must_be_specified=True),
            ),
        ),
        Step(name=LAST_STEP, title="Settings", description="Connected"),
    )

    def _take_time(self, calls: int = 1) -> None:
        """Wait as long as this many calls, a few at a time, would take."""
        seconds = self.config["seconds"]
        if seconds == STALLED:
            time.sleep(self.deadline.left())
            raise ChannelUnavailable("The shop did not answer in time")
        if seconds != "0":
            time.sleep(float(seconds) * -(-calls // AT_ONCE))

    def verify(self, step: str) -> None:
        pass

    def check(self) -> None:
        self._take_time()

    def shipping_tags(self) -> Sequence[Tag]:
        return ()

    def payment_tags(self) -> Sequence[Tag]:
        return ()

    def orders(self, since: datetime, cursor: str | None) -> Page[Order]:
        self._take_time()
        return Page(_ORDERS)

    def order(self, reference: str) -> Order | None:
        return None

    def order_state(self, reference: str) -> OrderState | None:
        return OrderState(reference, _TWO_LINES)

    def despatch(self, parcel: Parcel, key: str) -> None:
        self._take_time()

    def post_sale_options(self) -> PostSaleOptionsResponse:
        return PostSaleOptionsResponse()

    def cancel(self, cancellation: Cancellation, key: str) -> None:
        self._take_time()

    def refund(self, refund: Refund, key: str) -> str:
        self._take_time()
        return "R"

    def find_result(self, kind: str, reference: str, key: str) -> str | None:
        return None

    def products(self, cursor: str | None) -> Page[Product]:
        self._take_time()
        return Page(_PRODUCTS)

    def set_stock(self, levels: Sequence[StockLevel]) -> Sequence[Outcome]:
        self._take_time(-(-len(levels) // A_CALL))
        return [None] * len(levels)

    def set_prices(self, prices: Sequence[Price]) -> Sequence[Outcome]:
        self._take_time(-(-len(prices) // A_CALL))
        return [None] * len(prices)

    def create_listing(self, listing: ProductListing, settings: ProductSettings, key: str) -> ListingResult:
        return ListingResult()

    def update_listing(self, listing: ProductListing, settings: ProductSettings, key: str) -> ListingResult:
        return ListingResult()

    def delete_listing(self, removal: ListingRemoval, key: str) -> ListingResult:
        return ListingResult()


class QuietShop(InstantShop):
    """The same shop with no orders."""

    def orders(self, since: datetime, cursor: str | None) -> Page[Order]:
        return Page(())
