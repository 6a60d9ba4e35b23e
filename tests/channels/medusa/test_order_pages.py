from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from bridge.channels.base import Page
from bridge.channels.medusa import MedusaChannel
from bridge.clock import Deadline, now
from bridge.protocol.schemas.orders import Order, PaymentStatus
from bridge.settings import Settings
from tests.channels.medusa.fake.shop import MedusaShop

pytestmark = pytest.mark.service

LONG_AGO = datetime(2020, 1, 1, tzinfo=timezone.utc)


def channel(shop: MedusaShop, **answers: str) -> MedusaChannel:
    credentials = {"store_url": shop.url, "api_key": shop.key}
    complete = {"stock_location": shop.location, "currency": "gbp", "price_tag_base_gbp": "UNTAGGED"}
    return MedusaChannel({**credentials, **complete, **answers}, Deadline(60), Settings(allow_private_shops=True))


def changed(shop: MedusaShop, since: datetime = LONG_AGO, **answers: str) -> list[Order]:
    """Return the orders of all pages."""
    found, cursor = [], None
    while True:
        page: Page[Order] = channel(shop, **answers).orders(since, cursor)
        found += page.items
        if (cursor := page.next_cursor) is None:
            return found


def paths(shop: MedusaShop) -> list[str]:
    found = [path.partition("?")[0].removeprefix("/admin/") for _, path in shop.calls]
    shop.calls.clear()
    return found


@pytest.fixture
def old(medusa) -> str:
    """An order of two days ago, whose payment waits to be captured."""
    reference = medusa.place_order({"MUG": 2}, paid=False)
    medusa.age(reference, 2)
    return reference


def test_an_order_that_is_paid_later_comes_again(medusa, old):
    """Medusa does not move its time of change."""
    since = now() - timedelta(milliseconds=1)
    medusa.pay(old)
    (order,) = changed(medusa, since)

    assert (old, PaymentStatus.PAID) == (order.reference_number, order.payment_status)
    assert order == channel(medusa).order(old)


def test_an_order_of_two_payments_comes_once(medusa):
    """Both of its payments moved."""
    reference = medusa.place_order({"MUG": 2}, paid=False, providers={"pp_a": "5.00", "pp_system_default": None})
    medusa.age(reference, 2)
    since = now() - timedelta(milliseconds=1)
    medusa.pay(reference)

    assert [reference] == [order.reference_number for order in changed(medusa, since)]


def test_new_orders_come_once_although_their_payments_are_new_too(medusa):
    references = [medusa.place_order({"MUG": 1}) for _ in range(5)]

    assert sorted(references) == sorted(order.reference_number for order in changed(medusa))


@pytest.mark.parametrize(("counts", "came"), [("True", [PaymentStatus.PAID]), ("False", [])])
def test_a_part_that_was_captured_comes_where_it_counts(medusa, old, counts, came):
    """Neither order nor payment moves: the payment collections of recent payments are compared."""
    payment = medusa.payments(old)[0]
    payment["updated_at"] = "2026-01-01T00:00:00.000Z"
    since = now() - timedelta(milliseconds=1)
    medusa.capture(old, "1.00")
    payment["updated_at"] = "2026-01-01T00:00:00.000Z"

    assert came == [order.payment_status for order in changed(medusa, since, paid_partially_captured=counts)]


def test_an_empty_poll_costs_two_calls(medusa, old):
    changed(medusa)
    paths(medusa)

    assert [] == changed(medusa, now() + timedelta(seconds=1))
    assert ["orders", "payments"] == paths(medusa)


def test_a_hundred_orders_cost_few_calls(medusa):
    """Currencies, countries and shipping options are read once."""
    medusa.set_stock("MUG", 1000)
    for _ in range(100):
        medusa.place_order({"MUG": 1})
    changed(medusa)
    first = paths(medusa)
    changed(medusa)

    assert 10 >= len(first)
    assert 6 >= len(paths(medusa))


def test_many_late_payments_come_in_several_pages(medusa):
    """More than a page of orders was paid later, among others that have changed themselves."""
    medusa.set_stock("MUG", 1000)
    waiting = [medusa.place_order({"MUG": 1}, paid=False) for _ in range(130)]
    for reference in waiting:
        medusa.age(reference, 2)
    since = now() - timedelta(milliseconds=1)
    new = [medusa.place_order({"MUG": 1}) for _ in range(20)]
    for reference in waiting:
        medusa.pay(reference)

    assert sorted(waiting + new) == sorted(order.reference_number for order in changed(medusa, since))


def test_edits_between_pages_lose_nothing(medusa):
    """An order behind the cursor comes in the next run; those before it are neither lost nor skipped."""
    medusa.set_stock("MUG", 1000)
    references = [medusa.place_order({"MUG": 1}) for _ in range(130)]
    first = channel(medusa).orders(LONG_AGO, None)
    for reference in (references[0], references[-1], *references[60:70]):
        medusa.touch(reference)
    rest = channel(medusa).orders(LONG_AGO, first.next_cursor)
    came = [order.reference_number for order in (*first.items, *rest.items)]

    assert first.next_cursor
    assert sorted(references) == sorted(came)


def test_orders_of_other_sales_channels_are_left_out(medusa, old):
    """In both lists; without a choice all come."""
    other = medusa.add_channel("Market")
    elsewhere = medusa.place_order({"BOOK": 1}, channel=other, paid=False)
    medusa.age(elsewhere, 2)
    since = now() - timedelta(milliseconds=1)
    medusa.pay(old)
    medusa.pay(elsewhere)
    chosen = {f"sales_channel_{other}": "True"}

    assert {old, elsewhere} == {order.reference_number for order in changed(medusa, since)}
    assert {elsewhere} == {order.reference_number for order in changed(medusa, since, **chosen)}
    assert {elsewhere} == {order.reference_number for order in changed(medusa, LONG_AGO, **chosen)}


@pytest.mark.parametrize("change", ["touch", "cancel", "edit", "refund"])
def test_what_moves_an_order_brings_it_again(medusa, old, change):
    medusa.pay(old)
    since = now() - timedelta(milliseconds=1)
    arguments = {"edit": ({"MUG": 3},), "refund": ("1.00",)}
    getattr(medusa, change)(old, *arguments.get(change, ()))
    (order,) = changed(medusa, since)

    assert (PaymentStatus.CANCELLED if change == "cancel" else PaymentStatus.PAID) == order.payment_status or (
        change == "edit"
    )
    assert (3 if change == "edit" else 2) == order.order_items[0].qty


def test_an_order_is_found_by_the_number_its_customer_knows(medusa):
    """Also where more orders have the number somewhere, in e-mail addresses, than the search returns."""
    references = [medusa.place_order({"MUG": 1}, email="ann23@example.test") for _ in range(45)]
    numbers = {medusa.order(reference)["display_id"]: reference for reference in references}
    medusa.delete_order(numbers[20])
    shop = channel(medusa)

    assert numbers[1] == shop.reference_of("1")
    assert numbers[23] == shop.reference_of("23")
    assert numbers[45] == shop.reference_of("45")
    assert [None, None, None] == [shop.reference_of(number) for number in ("20", "46", "X-1")]


def test_an_unknown_order_is_none(medusa):
    assert channel(medusa).order("order_nope") is None
    assert channel(medusa).order("") is None


def test_every_tag_of_an_order_is_listed(medusa):
    """Also after its shipping option was deleted, and before it is paid."""
    reference = medusa.place_order({"MUG": 1}, paid=False)
    known = channel(medusa).order(reference).match_postal_service_tag
    medusa.tables["shipping_options"].clear()
    tags = [tag.tag for tag in channel(medusa).shipping_tags()]
    after = channel(medusa).order(reference)

    assert medusa.shipping == known
    assert "other_shipping" == after.match_postal_service_tag
    assert after.match_postal_service_tag in tags
    assert after.match_payment_method_tag in [tag.tag for tag in channel(medusa).payment_tags()]


def test_times_are_asked_in_milliseconds_and_utc(medusa, old):
    """A change in the very millisecond that is asked for is part of the answer."""
    moment = datetime.fromisoformat(medusa.order(old)["updated_at"].replace("Z", "+00:00"))
    zone = timezone(timedelta(hours=5))

    assert [old] == [order.reference_number for order in changed(medusa, moment.astimezone(zone))]
