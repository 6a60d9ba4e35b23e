from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from unittest.mock import patch

import pytest

from bridge.channels.demo import orders
from bridge.channels.demo import shop as demo
from bridge.channels.demo.tables import Event, Order, Product, open_shops
from bridge.channels.demo.wizard import PREFERENCES
from bridge.clock import now
from bridge.errors import OutcomeUnknown
from bridge.protocol.manifest import endpoints
from bridge.protocol.schemas.after_sale import Refund, RefundItem
from tests.channels.contract import (
    DespatchContract,
    ListingsContract,
    OrdersContract,
    OrderStateContract,
    PostSaleContract,
    PriceContract,
    ProductsContract,
    SetUpContract,
    ShopUnderTest,
    StockContract,
)
from tests.channels.contract.lister import Lister
from tests.conftest import forget_answer
from tests.linnworks import Linnworks

CENT = Decimal("0.01")

_numbers = itertools.count(1)


class DemoShop(ShopUnderTest):
    """An embedded shop, opened by its owner before any integration connects."""

    answers = {"shop_name": "corner-shop", "access_key": "open sesame"}
    wrong_answers = {**answers, "access_key": "open barley"}
    can_delete_orders = has_other_prices = True

    def __init__(self, data_dir) -> None:
        open_shops(data_dir)
        demo.open_shop(self.answers["shop_name"], self.answers["access_key"])
        self.row = demo.find_shop(self.answers["shop_name"])
        self.skus = [product.sku for product in Product.select().where(Product.shop == self.row).limit(2)]
        Product.update(stock=10_000).where((Product.shop == self.row) & Product.sku.in_(self.skus)).execute()

    def references(self) -> set[str]:
        return {order.number for order in Order.select().where(Order.shop == self.row)}

    def place_order(self, lines: Mapping[str, int], *, paid: bool = True, days_ago: int = 0) -> str:
        order = orders.place_order(self.row, lines, paid=paid)
        then = now() - timedelta(days=days_ago)
        self._change(order.number, shipping="STANDARD", shipping_cost=Decimal("3.95"), modified_at=then)
        return order.number

    def pay(self, reference: str) -> None:
        orders.pay(self._order(reference))

    def cancel(self, reference: str) -> None:
        orders.cancel_by_hand(self._order(reference), "Cancelled by the customer")

    def touch(self, reference: str) -> None:
        self._change(reference, customer_note="Please ring twice.", modified_at=now())

    def sent(self, reference: str) -> dict[str, int]:
        return {line.sku: line.despatched for line in self._order(reference).lines}

    def refunded(self, reference: str) -> Decimal:
        order = self._order(reference)
        shipping = sum(event.shipping_refunded for event in Event.select().where(Event.order == order))
        return shipping + sum(line.refunded for line in order.lines)

    def add_product(self, sku: str) -> None:
        Product.create(shop=self.row, sku=sku, title="A new thing", category=101, price=Decimal(5), stock=1)

    def remove_product(self, sku: str) -> None:
        Product.delete().where((Product.shop == self.row) & (Product.sku == sku)).execute()

    def other_prices(self, sku: str) -> Mapping[str, Decimal]:
        product = Product.get((Product.shop == self.row) & (Product.sku == sku))
        return {} if product.list_price is None else {"list price": product.list_price}

    @contextmanager
    def lose_answer(self, number: int) -> Iterator[Callable[[], bool]]:
        """Raise an error after an action was recorded, which is the only call that an action makes."""
        calls = itertools.count(1)

        def lossy(*args, **options):
            result = record(*args, **options)
            if next(calls) == number:
                raise OutcomeUnknown("The answer was lost")
            return result

        record = orders._run_once
        with patch.object(orders, "_run_once", lossy):
            yield lambda: next(calls) > number

    def delete_order(self, reference: str) -> None:
        Order.delete().where((Order.shop == self.row) & (Order.number == reference)).execute()

    def refund(self, reference: str, amount: Decimal) -> None:
        order = self._order(reference)
        item = RefundItem(order_line_number=order.lines[0].number, refund_amount=amount)
        orders.refund(order, Refund(reference_number=reference, items=(item,)), "", secrets.token_hex(8))

    def category(self, sku: str) -> str:
        return str(Product.get((Product.shop == self.row) & (Product.sku == sku)).category)

    def _order(self, reference: str) -> Order:
        return orders.find_order(self.row, reference)

    def _change(self, reference: str, **changes) -> None:
        Order.update(**changes).where((Order.shop == self.row) & (Order.number == reference)).execute()


@pytest.fixture(scope="module")
def shop(app, settings):
    """The shop that all suites share."""
    return DemoShop(settings.data_dir)


@pytest.mark.broad
class TestDemo(
    SetUpContract,
    OrdersContract,
    OrderStateContract,
    DespatchContract,
    PostSaleContract,
    ProductsContract,
    StockContract,
    PriceContract,
    ListingsContract,
):
    """The embedded shop keeps every promise."""


# -- shops and their keys ------------------------------------------------------------------------------


def test_two_shops_are_separate(connect):
    """Orders and levels of one shop do not appear in another with the same SKUs."""
    mine, yours = connect(), connect()
    sku = next(iter(yours.products()))
    quantity = yours.products()[sku]["Quantity"]
    mine("InventoryUpdateEndpoint", Products=[{"SKU": sku, "Quantity": quantity + 5}])
    placed = orders.place_order(demo.find_shop(mine.shop_name), {sku: 1}, paid=True).number
    despatch = {"ReferenceNumber": placed, "Items": None}

    assert placed in mine.orders()
    assert placed not in yours.orders()
    assert quantity == yours.products()[sku]["Quantity"]
    assert yours("DespatchEndpoint", Orders=[despatch])["Orders"][0]["Error"]
    assert mine("DespatchEndpoint", Orders=[despatch])["Orders"][0]["Error"] is None


def test_two_integrations_may_share_a_shop(connect):
    """Two integrations with the shop's name and key get the same orders and products."""
    first = connect()
    second = connect(first.shop_name)
    sku = next(iter(first.products()))
    first("InventoryUpdateEndpoint", Products=[{"SKU": sku, "Quantity": 4321}])

    assert first.token != second.token
    assert second.products()[sku]["Quantity"] == 4321
    assert first.orders().keys() == second.orders().keys()


def test_a_wrong_key_does_not_open_a_shop(call, connect):
    """Only the key that a shop was opened with opens it again."""
    taken = connect().shop_name
    linnworks = Linnworks(call, taken)
    answer = linnworks.save("Shop", shop_name=taken, access_key="not the right key")

    assert "access key" in answer["Error"]
    assert answer["StepName"] == "Shop"


@pytest.fixture
def locked_out(connect):
    """An integration with settings of its own, whose shop has changed its key."""
    linnworks = connect("locked-shop", despatch_days="9", customer_notes="False")
    shop = demo.find_shop(linnworks.shop_name)
    demo.change_key(shop, "another key")
    yield linnworks
    demo.change_key(shop, f"key of {linnworks.shop_name}")


@pytest.mark.parametrize(
    ("endpoint", "fields"),
    [
        ("ConfigTestEndpoint", {}),
        ("OrdersEndpoint", {"UTCTimeFrom": "2024-01-01 00:00:00Z", "PageNumber": 1}),
        ("ProductsEndpoint", {"PageNumber": 1}),
        ("InventoryUpdateEndpoint", {"Products": [{"SKU": "101-11", "Quantity": 1}]}),
        ("PriceUpdateEndpoint", {"Products": [{"SKU": "101-11", "Price": 1}]}),
        ("CancelEndpoint", {"Cancellation": {"ReferenceNumber": "1001"}}),
        ("RefundEndpoint", {"Refund": {"ReferenceNumber": "1001", "RefundShippingAmount": 1}}),
        ("DespatchEndpoint", {"Orders": [{"ReferenceNumber": "1001"}]}),
    ],
)
def test_a_changed_key_asks_for_credentials_again(locked_out, endpoint, fields):
    """The first refused call says so, and from then on the settings open at the credentials."""
    answer = locked_out(endpoint, **fields)
    screen = locked_out("UserConfigEndpoint")

    assert "access key" in (answer["Error"] or answer["Orders"][0]["Error"])
    assert screen["StepName"] == "Shop"
    assert [locked_out.shop_name, ""] == [item["SelectedValue"] for item in screen["ConfigItems"]]


def test_entering_the_new_key_restores_the_integration(locked_out):
    """After the new key the wizard is at the settings, which are unchanged, and the token is still valid."""
    locked_out("ConfigTestEndpoint")
    screen = locked_out.save("Shop", shop_name=locked_out.shop_name, access_key="another key")
    selected = {item["ConfigItemId"]: item["SelectedValue"] for item in screen["ConfigItems"]}

    assert screen["Error"] is None
    assert screen["StepName"] == "UserConfig"
    assert ("9", "False") == (selected["despatch_days"], selected["customer_notes"])
    assert locked_out("ConfigTestEndpoint")["Error"] is None
    assert locked_out.orders()


def test_the_old_key_does_not_restore_the_integration(locked_out):
    """With the old key the wizard stays at the credentials."""
    locked_out("ConfigTestEndpoint")
    answer = locked_out.save("Shop", shop_name=locked_out.shop_name)

    assert answer["Error"]
    assert answer["StepName"] == "Shop"
    assert locked_out("UserConfigEndpoint")["StepName"] == "Shop"


def test_a_key_that_works_again_restores_the_integration(locked_out):
    """When the shop accepts the old key again, ConfigTest succeeds and the settings open as usual."""
    refused = locked_out("ConfigTestEndpoint")
    demo.change_key(demo.find_shop(locked_out.shop_name), f"key of {locked_out.shop_name}")
    restored = locked_out("ConfigTestEndpoint")

    assert refused["Error"]
    assert restored["Error"] is None
    assert locked_out("UserConfigEndpoint")["StepName"] == "UserConfig"


# -- preferences ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", [item.config_item_id for item in PREFERENCES])
def test_an_integration_without_an_answer_works(connect, missing):
    """A question that an integration was never asked has its default in every call."""
    linnworks = connect("fresh-shop")
    expected = linnworks.orders()
    forget_answer(missing)
    price = linnworks("PriceUpdateEndpoint", Products=[{"SKU": "101-11", "Price": 9, "Tag": "RETAILPRICE"}])

    assert price["Products"][0]["Error"] is None
    assert expected == linnworks.orders()
    assert linnworks("UserConfigEndpoint")["Error"] is None


@pytest.fixture
def fresh_shop(connect):
    """An integration with its own preferences and a shop that several tests share."""
    return connect("fresh-shop")


def test_list_prices_have_a_tag_of_their_own(fresh_shop):
    """A price with the chosen tag sets the list price; if no tag is chosen, it is refused."""
    sku = next(iter(fresh_shop.products()))
    row = {"SKU": sku, "Price": 99.95, "Tag": "RETAILPRICE"}
    accepted = fresh_shop("PriceUpdateEndpoint", Products=[row])
    fresh_shop.save("UserConfig", list_price_tag="-")
    refused = fresh_shop("PriceUpdateEndpoint", Products=[{**row, "Price": 1}])
    product = Product.get((Product.shop == demo.find_shop(fresh_shop.shop_name)) & (Product.sku == sku))

    assert accepted["Products"][0]["Error"] is None
    assert "RETAILPRICE" in refused["Products"][0]["Error"]
    assert Decimal("99.95") == product.list_price


def test_the_value_for_no_tag_is_not_a_tag(connect):
    """If no tag sets list prices, the tag "-" does not either."""
    linnworks = connect("fresh-shop", list_price_tag="-")
    sku = next(iter(linnworks.products()))
    answer = linnworks("PriceUpdateEndpoint", Products=[{"SKU": sku, "Price": 99.95, "Tag": "-"}])

    assert answer["Products"][0]["Error"]


def test_customers_notes_come_if_the_seller_chose_it(fresh_shop):
    """Customers' notes come by default, and not if the seller switches them off."""
    with_notes = _notes(fresh_shop)
    fresh_shop.save("UserConfig", customer_notes="False")

    assert any("neighbour" in note for note in with_notes)
    assert not any("neighbour" in note for note in _notes(fresh_shop))


def test_dispatch_by_follows_the_chosen_days(fresh_shop):
    """DispatchBy is the chosen number of days after the order."""
    fresh_shop.save("UserConfig", despatch_days="5")
    times = {
        datetime.fromisoformat(order["DispatchBy"][:-1]) - datetime.fromisoformat(order["ReceivedDate"][:-1])
        for order in fresh_shop.orders().values()
    }

    assert {timedelta(days=5)} == times


def test_the_settings_show_more_than_questions(linnworks, settings):
    """The last step has a value that cannot be changed, a link and a button; saving them changes nothing."""
    shown = {item["ConfigItemId"]: item for item in linnworks("UserConfigEndpoint")["ConfigItems"]}
    saved = linnworks.save("UserConfig", connected_shop="another", bridge_page="x", listing_settings="x")

    assert (True, linnworks.shop_name) == (
        shown["connected_shop"]["ReadOnly"],
        shown["connected_shop"]["SelectedValue"],
    )
    assert ("URL", f"{settings.url}/") == (shown["bridge_page"]["ValueType"], shown["bridge_page"]["Name"])
    assert "BUTTON" == shown["listing_settings"]["ValueType"]
    assert endpoints(settings)["GetConfiguratorSettingsEndpoint"] in shown["listing_settings"]["SelectedValue"]
    assert list(shown.values()) == saved["ConfigItems"]


@pytest.fixture
def linnworks(connect) -> Linnworks:
    """An integration with a shop that no other test uses."""
    return connect(f"own-shop-{next(_numbers)}")


@pytest.mark.parametrize("kind", ["CREATE", "UPDATE"])
def test_a_listing_beyond_a_limit_fails_without_the_shop(linnworks, work, kind):
    """Its feed has the error, also while the shop refuses its key."""
    lister = Lister(linnworks, work, DemoShop.picture)
    listing = lister.listing(Images=[{"Url": f"https://example.com/{number}.jpg"} for number in range(13)])
    demo.change_key(demo.find_shop(linnworks.shop_name), "another key")
    (result,) = lister.results(lister.send(kind, listing))

    assert ["The listing has 13 images: 12 are allowed"] == [message["Message"] for message in result["Messages"]]


def test_settings_count_in_an_update(linnworks, work):
    """They are attributes of the listing, as when it was created; attributes that are not named stay."""
    lister = Lister(linnworks, work, DemoShop.picture)
    listing = lister.listing(Attributes=[{"AttributeID": "material", "AttributeValue": "Oak"}])
    (created,) = lister.create(listing)
    answer = linnworks(
        "ListingUpdateEndpoint",
        Type="UPDATE",
        Listings=[{**listing, "Attributes": [], "ExternalListingId": created["ExternalListingId"]}],
        Settings=[{"ConfiguratorId": 1, "ProductSettings": {"GeneralSettings": [{"ID": "brand", "Values": ["Ox"]}]}}],
    )
    (result,) = lister.results(answer["ChannelFeedId"])

    assert [] == result["Messages"]
    assert {"brand": "Ox", "material": "Oak"} == Product.get(Product.id == result["ExternalListingId"]).attributes


@pytest.mark.parametrize("named", ["own", "none", "other's", "no product's"])
def test_a_product_that_linnworks_did_not_list_is_deleted_only_with_its_sku(linnworks, work, named):
    """Another SKU is an error, and so is one that the shop does not have."""
    lister = Lister(linnworks, work, DemoShop.picture)
    product, other = Product.select().where(Product.shop == demo.find_shop(linnworks.shop_name)).limit(2)
    sku = {"own": product.sku, "none": "", "other's": other.sku, "no product's": "no-such"}[named]
    (result,) = lister.delete({"ChannelSKU": sku, "ExternalListingId": str(product.id), "TemplateId": 1})
    deleted = named in ("own", "none")

    assert deleted == (result["Messages"] == [])
    assert deleted != Product.select().where(Product.id == product.id).exists()


# -- order actions ----------------------------------------------------------------------------------


def test_a_whole_order_is_refunded_to_the_cent(linnworks):
    """The total that Linnworks calculates can be refunded, and no cent more, with any tax and discount."""
    paid = [order for order in linnworks.orders().values() if order["PaymentStatus"] == "PAID"]
    one_of_each = {
        (
            order["Discount"] > 0,
            order["OrderItems"][0]["LinePercentDiscount"] > 0,
            order["OrderItems"][0]["TaxCostInclusive"],
        ): order
        for order in paid
    }
    for order in one_of_each.values():
        amounts = [_gross(item) for item in order["OrderItems"]]
        amounts[0] -= Decimal(str(order["Discount"]))
        too_much = _refund(linnworks, order, [amounts[0] + CENT, *amounts[1:]])
        answer = _refund(linnworks, order, amounts)

        assert too_much["Error"]
        assert answer["Error"] is None
    assert len(one_of_each) > 4


def test_a_service_line_is_refunded(linnworks):
    """Gift wrapping is refunded like any other line."""
    order, item = next(
        (order, item)
        for order in linnworks.orders().values()
        for item in order["OrderItems"]
        if item["IsService"] and order["PaymentStatus"] == "PAID"
    )
    row = {"OrderLineNumber": item["OrderLineNumber"], "RefundAmount": item["PricePerUnit"]}
    answer = linnworks("RefundEndpoint", Refund={"ReferenceNumber": order["ReferenceNumber"], "Items": [row]})

    assert answer["Error"] is None
    assert answer["RefundReference"]


def test_what_happened_to_an_order_comes_as_notes_for_the_seller(linnworks):
    """Despatches and refunds come as internal notes, which are not printed on invoices."""
    reference = next(key for key, order in linnworks.orders().items() if order["PostalServiceCost"] and order["PaidOn"])
    despatch = {"ReferenceNumber": reference, "ShippingVendor": "Royal Mail", "TrackingNumber": "AB123"}
    linnworks("DespatchEndpoint", Orders=[despatch])
    refund = linnworks("RefundEndpoint", Refund={"ReferenceNumber": reference, "RefundShippingAmount": 0.5})
    notes = [note for note in linnworks.orders()[reference]["Notes"] if note["IsInternal"]]

    assert "Despatched with Royal Mail, tracking AB123" == notes[0]["Note"]
    assert refund["RefundReference"] in notes[1]["Note"]


@pytest.mark.parametrize(
    ("despatch", "note", "parcels"),
    [
        (
            {
                "Packages": [
                    {"ShippingVendor": "DPD", "TrackingNumber": "D1", "TrackingUrl": "https://dpd.example/D1"},
                    {"TrackingNumber": "R2"},
                ]
            },
            "Despatched with DPD, tracking D1, https://dpd.example/D1; with Royal Mail 48, tracking R2",
            [("DPD", "D1", "https://dpd.example/D1"), ("Royal Mail 48", "R2", "")],
        ),
        (
            {"TrackingNumber": "R1", "SecondaryTrackingNumbers": ["R2"], "TrackingUrl": "https://rm.example/R1"},
            "Despatched with Royal Mail 48, tracking R1, https://rm.example/R1; with Royal Mail 48, tracking R2",
            [("Royal Mail 48", "R1", "https://rm.example/R1"), ("Royal Mail 48", "R2", "")],
        ),
        ({}, "Despatched with Royal Mail 48", [("Royal Mail 48", "", "")]),
        ({"ShippingVendor": "NONE", "ShippingMethod": "Default"}, "Despatched", []),
    ],
    ids=["packages", "numbers", "carrier", "nothing"],
)
def test_a_despatch_keeps_its_parcels(linnworks, despatch, note, parcels):
    """Carriers, tracking numbers and links of every package are kept, and named in the note."""
    usual = {"ReferenceNumber": "1060", "ShippingVendor": "Royal Mail", "ShippingMethod": "48"}
    linnworks("DespatchEndpoint", Orders=[{**usual, **despatch}])
    event = Event.get(Event.order == orders.find_order(demo.find_shop(linnworks.shop_name), "1060"))

    assert [note] == [one["Note"] for one in linnworks.orders()["1060"]["Notes"] if one["IsInternal"]]
    assert parcels == [(parcel["carrier"], parcel["number"], parcel["link"]) for parcel in event.details["parcels"]]


def test_a_second_reason_is_in_the_note(linnworks):
    """Linnworks offers the shop's second reasons, and the one chosen is in the note of the refund."""
    reasons = {one["Tag"]: one for one in linnworks("PostSaleOptions")["PostSaleReasons"]}
    second = reasons["DAMAGED"]["SubReasons"][0]["Tag"]
    row = {"OrderLineNumber": "1", "RefundAmount": 0.5, "Reason": "DAMAGED", "SecondaryReason": second}
    linnworks("RefundEndpoint", Refund={"ReferenceNumber": "1060", "Items": [row]})

    assert f": DAMAGED / {second}" in linnworks.orders()["1060"]["Notes"][-1]["Note"]


def _notes(linnworks: Linnworks) -> set[str]:
    return {note["Note"] for order in linnworks.orders().values() for note in order["Notes"]}


def _gross(item) -> Decimal:
    """Return the amount of a line, tax included, as Linnworks calculates it."""
    net = Decimal(str(item["PricePerUnit"])) * item["Qty"] * (100 - Decimal(str(item["LinePercentDiscount"]))) / 100
    tax = 0 if item["TaxCostInclusive"] else net * Decimal(str(item["TaxRate"])) / 100
    return (net + tax).quantize(CENT, "ROUND_HALF_UP")


def _refund(linnworks: Linnworks, order, amounts: list[Decimal]):
    items = [
        {"OrderLineNumber": item["OrderLineNumber"], "RefundAmount": str(amount)}
        for item, amount in zip(order["OrderItems"], amounts, strict=True)
    ]
    refund = {
        "ReferenceNumber": order["ReferenceNumber"],
        "RefundShippingAmount": order["PostalServiceCost"],
        "Items": items,
    }
    return linnworks("RefundEndpoint", Refund=refund)
