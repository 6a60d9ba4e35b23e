from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.channels.contract.shop import line_number, seen
from tests.channels.hostile.server import Fault
from tests.channels.woocommerce.fake.catalogue import Meta

AFTER = [Fault.DROP_AFTER, Fault.BROKEN_AFTER, Fault.BAD_GATEWAY_AFTER, Fault.WEB_PAGE, Fault.TRUNCATED]


def parcel(order: Any, quantities: dict[str, int], **fields: Any) -> dict[str, Any]:
    return {
        "ReferenceNumber": order["ReferenceNumber"],
        "ShippingVendor": "Royal Mail",
        "ShippingMethod": "Tracked 48",
        "TrackingNumber": "AB123456789GB",
        "ProcessedOn": "2025-07-05 03:48:51Z",
        "Items": [
            {"SKU": sku, "OrderLineNumber": line_number(order, sku), "DespatchedQuantity": count}
            for sku, count in quantities.items()
        ],
        **fields,
    }


def despatch(linnworks, *parcels: Any) -> list[str | None]:
    return [row["Error"] for row in linnworks("DespatchEndpoint", Orders=list(parcels))["Orders"]]


def refund(linnworks, order: Any, amounts: dict[str, str], shipping: str = "0", **fields: Any) -> Any:
    items = [
        {"SKU": sku, "OrderLineNumber": line_number(order, sku) if sku else "", "RefundAmount": amount, **fields}
        for sku, amount in amounts.items()
    ]
    wanted = {"ReferenceNumber": order["ReferenceNumber"], "RefundShippingAmount": shipping, "Items": items}
    return linnworks("RefundEndpoint", Refund=wanted)


def cancel(linnworks, order: Any, quantities: dict[str, int]) -> Any:
    items = [
        {
            "SKU": "",
            "OrderLineNumber": line_number(order, sku),
            "CancellationQuantity": count,
            "Reason": "NOT_AVAILABLE",
        }
        for sku, count in quantities.items()
    ]
    return linnworks("CancelEndpoint", Cancellation={"ReferenceNumber": order["ReferenceNumber"], "Items": items})


@pytest.fixture
def order(linnworks, woo) -> Any:
    """A paid order of three mugs and two books, as Linnworks sees it."""
    return seen(linnworks, woo.place_order({"MUG": 3, "BOOK": 2}))


def fields(woo, order: Any) -> dict[str, Any]:
    return {meta["key"]: meta["value"] for meta in woo.order(order["ReferenceNumber"])["meta_data"]}


def customer_notes(woo, order: Any) -> list[str]:
    return [note for note in woo.notes(order["ReferenceNumber"]) if "on its way" in note]


# -- despatch ----------------------------------------------------------------------------------------------


def test_an_order_is_completed_when_every_line_has_gone(linnworks, woo, order):
    """
    A part leaves its status alone, the last part completes it.
    """
    number = order["ReferenceNumber"]
    first = despatch(linnworks, parcel(order, {"MUG": 3}))
    between = woo.order(number)["status"]
    second = despatch(linnworks, parcel(order, {"BOOK": 2}, TrackingNumber="T2"))

    assert [None] == first == second
    assert ["processing", "completed"] == [between, woo.order(number)["status"]]


def test_parcels_are_kept_where_tracking_plugins_look(linnworks, woo, order):
    """
    Carrier, number, link and date of each parcel, added to those that are there.
    """
    despatch(linnworks, parcel(order, {"MUG": 1}, TrackingUrl="https://track.example/AB"))
    packages = [{"TrackingNumber": f"P{number}", "ShippingVendor": "DPD", "Items": []} for number in (1, 2)]
    despatch(linnworks, parcel(order, {"MUG": 2, "BOOK": 2}, Packages=packages, TrackingNumber=""))
    kept = fields(woo, order)["_wc_shipment_tracking_items"]

    assert [
        ("Royal Mail Tracked 48", "AB123456789GB", "https://track.example/AB"),
        ("DPD", "P1", ""),
        ("DPD", "P2", ""),
    ] == [(item["custom_tracking_provider"], item["tracking_number"], item["custom_tracking_link"]) for item in kept]
    assert len({item["tracking_id"] for item in kept}) == 3
    assert {item["date_shipped"] for item in kept} == {"1751687331"}


def test_what_a_plugin_has_kept_stays(linnworks, woo, order):
    """
    Parcels that the owner entered by hand are not overwritten.
    """
    mine = {"tracking_number": "BY-HAND", "tracking_id": "x"}
    woo.row(order["ReferenceNumber"]).meta.append(Meta(woo.next_meta(), "_wc_shipment_tracking_items", [mine]))
    despatch(linnworks, parcel(order, {"MUG": 1}))

    assert ["BY-HAND", "AB123456789GB"] == [
        item["tracking_number"] for item in fields(woo, order)["_wc_shipment_tracking_items"]
    ]


def test_the_customer_is_told_once_for_each_parcel(linnworks, woo, order):
    """
    In the seller's words, with what is known of the parcel; two parcels alike are two notes.
    """
    alike = parcel(order, {"MUG": 1})
    for _ in range(2):
        despatch(linnworks, alike, alike)

    assert ["Your order is on its way. Royal Mail Tracked 48 AB123456789GB"] * 2 == customer_notes(woo, order)


def test_the_seller_chooses_status_and_words(connected, woo):
    """
    Another status, no note, or words of one's own.
    """
    linnworks = connected(woo, despatch_status="on-hold", note_text="Unterwegs ist Ihr Paket {number} ({carrier})")
    order = seen(linnworks, woo.place_order({"MUG": 1}))
    despatch(linnworks, parcel(order, {"MUG": 1}))
    silent = connected(woo, despatch_status="-", tracking_note="False")
    other = seen(silent, woo.place_order({"MUG": 1}))
    despatch(silent, parcel(other, {"MUG": 1}))

    assert woo.order(order["ReferenceNumber"])["status"] == "on-hold"
    assert "Unterwegs ist Ihr Paket AB123456789GB (Royal Mail Tracked 48)" in woo.notes(order["ReferenceNumber"])
    assert woo.order(other["ReferenceNumber"])["status"] == "processing"
    assert [] == customer_notes(woo, other)


@pytest.mark.parametrize("fault", AFTER)
@pytest.mark.parametrize("path", ["/orders/", "/notes"])
def test_a_despatch_whose_answer_is_lost_is_done_once(linnworks, woo, order, fault, path):
    """
    Whether the order's change or the note was lost on the way: one parcel, one note.
    """
    woo.faults.add(fault, path, method="PUT" if path == "/orders/" else "POST")
    answers = [despatch(linnworks, parcel(order, {"MUG": 3, "BOOK": 2})) for _ in range(3)]

    assert answers[0] != [None]
    assert answers[-1] == [None]
    assert len(customer_notes(woo, order)) == 1
    assert len(fields(woo, order)["_wc_shipment_tracking_items"]) == 1
    assert woo.order(order["ReferenceNumber"])["status"] == "completed"


def test_services_are_not_sent(connected, woo):
    """
    Linnworks may name a service line; what counts are the goods.
    """
    linnworks = connected(woo)
    order = seen(linnworks, woo.place_order({"MUG": 1}, fees={"Gift wrap": "2.00"}))
    fee = next(item for item in order["OrderItems"] if item["IsService"])
    wrapped = {"SKU": "FEE", "OrderLineNumber": fee["OrderLineNumber"], "DespatchedQuantity": 1}
    sent = parcel(order, {"MUG": 1})

    assert [None] == despatch(linnworks, {**sent, "Items": [*sent["Items"], wrapped]})
    assert woo.order(order["ReferenceNumber"])["status"] == "completed"


def test_pieces_that_came_back_do_not_keep_the_rest_from_going(linnworks, woo, order):
    """
    A piece that was sent and then refunded by hand leaves the others to be sent.
    """
    despatch(linnworks, parcel(order, {"MUG": 2}))
    woo.refund(order["ReferenceNumber"], quantities={"MUG": 1})

    assert [None] == despatch(linnworks, parcel(order, {"MUG": 1, "BOOK": 2}, TrackingNumber="T2"))


# -- cancel ------------------------------------------------------------------------------------------------


def test_the_rest_completes_an_order_of_which_a_part_was_cancelled(linnworks, woo, order):
    """
    What was cancelled is not waited for, in whichever order the two come.
    """
    other = seen(linnworks, woo.place_order({"MUG": 3, "BOOK": 2}))
    cancel(linnworks, order, {"MUG": 3})
    despatch(linnworks, parcel(order, {"BOOK": 2}))
    despatch(linnworks, parcel(other, {"BOOK": 2}))
    cancel(linnworks, other, {"MUG": 3})

    assert ["completed", "completed"] == [woo.order(one["ReferenceNumber"])["status"] for one in (order, other)]


def test_lines_of_an_unpaid_order_are_not_cancelled(linnworks, woo):
    """
    The customer would still pay for them, so the seller is sent to the shop.
    """
    order = seen(linnworks, woo.place_order({"MUG": 3}, paid=False))

    assert "not paid yet" in cancel(linnworks, order, {"MUG": 1})["Error"]


def test_an_order_that_the_customer_cancelled_is_cancelled(linnworks, woo, order):
    """
    Who cancels it a second time gets what was wanted.
    """
    woo.cancel(order["ReferenceNumber"])

    assert cancel(linnworks, order, {"MUG": 3, "BOOK": 2})["Error"] is None


@pytest.mark.parametrize("fault", AFTER)
@pytest.mark.parametrize("quantities", [{"MUG": 1}, {"MUG": 3, "BOOK": 2}], ids=["part", "whole"])
def test_a_cancel_whose_answer_is_lost_is_done_once(linnworks, woo, order, fault, quantities):
    """
    The stock comes back once.
    """
    before = linnworks.products()["MUG"]["Quantity"]
    woo.faults.add(
        fault, "/refunds" if len(quantities) == 1 else "/orders/", method="" if len(quantities) == 1 else "PUT"
    )
    answers = [cancel(linnworks, order, quantities)["Error"] for _ in range(3)]

    assert answers[0]
    assert answers[-1] is None
    assert before + quantities["MUG"] == linnworks.products()["MUG"]["Quantity"]


# -- refund ------------------------------------------------------------------------------------------------


def test_a_refund_is_divided_into_net_and_taxes(linnworks, woo, order):
    """
    As the line is, so that the shop's tax report stays right; shipping apart.
    """
    answer = refund(
        linnworks, order, {"BOOK": "5.25"}, shipping="4.74", Reason="DAMAGED", SecondaryReason="Corner bent"
    )
    given = woo.refunds(order["ReferenceNumber"])[0]
    line, shipping = given["line_items"][0], given["shipping_lines"][0]

    assert answer == {"Error": None, "RefundReference": str(given["id"])}
    assert ("9.99", "Arrived damaged, Corner bent") == (given["amount"], given["reason"])
    assert ("-5.00", "-0.25") == (line["total"], line["total_tax"])
    assert ("-3.95", "-0.79") == (shipping["total"], shipping["total_tax"])


def test_refunds_of_a_line_add_up_to_it_to_the_cent(linnworks, woo, order):
    """
    However a line is refunded bit by bit, net and tax end at the line's own.
    """
    for amount in ("9.60", "9.59", "9.57"):
        assert refund(linnworks, order, {"MUG": amount}, Reason=amount)["Error"] is None
    lines = [given["line_items"][0] for given in woo.refunds(order["ReferenceNumber"])]
    mug = woo.order(order["ReferenceNumber"])["line_items"][0]

    assert Decimal(mug["total"]) == -sum(Decimal(line["total"]) for line in lines)
    assert Decimal(mug["total_tax"]) == -sum(Decimal(line["total_tax"]) for line in lines)
    assert "Only 0 of line" in refund(linnworks, order, {"MUG": "0.01"})["Error"]


def test_a_fee_is_refunded(connected, woo):
    """
    A service line takes a refund like any other.
    """
    linnworks = connected(woo)
    order = seen(linnworks, woo.place_order({"MUG": 1}, fees={"Gift wrap": "2.00"}))
    answer = refund(linnworks, order, {"FEE": "2.40"})

    assert answer["Error"] is None
    assert woo.refunds(order["ReferenceNumber"])[0]["fee_lines"][0]["total"] == "-2.00"


def test_whole_pieces_go_back_on_the_shelf_where_the_seller_wishes(connected, woo):
    """
    The price of two pieces restocks two; another amount, and without the wish, none.
    """
    linnworks = connected(woo, refund_restock="True")
    order = seen(linnworks, woo.place_order({"MUG": 3}))
    before = linnworks.products()["MUG"]["Quantity"]
    gross = Decimal(str(order["OrderItems"][0]["PricePerUnit"])) * 3
    refund(linnworks, order, {"MUG": "1.00"})
    between = linnworks.products()["MUG"]["Quantity"]
    whole = seen(linnworks, woo.place_order({"MUG": 3}))
    refund(linnworks, whole, {"MUG": str(round(gross, 2))})

    assert [before, before] == [between, linnworks.products()["MUG"]["Quantity"]]


def test_money_goes_back_through_the_gateway_where_the_seller_wishes(connected, woo):
    """
    Once; and where the gateway cannot, its words are the answer and nothing is recorded.
    """
    linnworks = connected(woo, refund_way="GATEWAY")
    good = seen(linnworks, woo.place_order({"MUG": 1}, gateway="fakepay"))
    manual = seen(linnworks, woo.place_order({"MUG": 1}, gateway="bacs"))
    answers = [refund(linnworks, good, {"MUG": "1.00"}) for _ in range(2)]
    refused = refund(linnworks, manual, {"MUG": "1.00"})

    assert [None, None] == [answer["Error"] for answer in answers]
    assert [(int(good["ReferenceNumber"]), Decimal("1.00"))] == woo.gateways["fakepay"].paid_back
    assert "does not support automatic refunds" in refused["Error"]
    assert [] == woo.refunds(manual["ReferenceNumber"])


@pytest.mark.parametrize("fault", AFTER)
@pytest.mark.parametrize("way", ["RECORD", "GATEWAY"])
def test_a_refund_whose_answer_is_lost_is_made_once(connected, woo, fault, way):
    """
    The money goes back once, and the repeat gets the reference of that refund.
    """
    linnworks = connected(woo, refund_way=way)
    order = seen(linnworks, woo.place_order({"MUG": 1}, gateway="fakepay"))
    woo.faults.add(fault, "/refunds", method="POST")
    answers = [refund(linnworks, order, {"MUG": "1.00"}) for _ in range(3)]
    given = woo.refunds(order["ReferenceNumber"])

    assert answers[0]["Error"]
    assert {"Error": None, "RefundReference": str(given[0]["id"])} == answers[-1]
    assert len(given) == 1
    assert (way == "GATEWAY") == bool(woo.gateways["fakepay"].paid_back)


@pytest.mark.parametrize("way", ["RECORD", "GATEWAY"])
def test_a_refund_that_lost_its_key_is_recognised(connected, woo, way):
    """
    WooCommerce may die after the money went back and before it has written our key: the order has told of it.
    """
    linnworks = connected(woo, refund_way=way)
    order = seen(linnworks, woo.place_order({"MUG": 1}, gateway="fakepay"))
    woo.faults.add(Fault.DROP_AFTER, "/refunds", method="POST")
    refund(linnworks, order, {"MUG": "1.00"})
    woo.row(order["ReferenceNumber"]).refunds[0].meta.clear()
    answer = refund(linnworks, order, {"MUG": "1.00"})

    assert {"Error": None, "RefundReference": str(woo.refunds(order["ReferenceNumber"])[0]["id"])} == answer
    assert len(woo.refunds(order["ReferenceNumber"])) == 1


def test_a_refund_at_which_the_gateway_still_works_is_waited_for(connected, woo):
    """
    Its record is there and says nothing of the money yet: nothing is sent again, now or later.
    """
    linnworks = connected(woo, refund_way="GATEWAY")
    order = seen(linnworks, woo.place_order({"MUG": 1}, gateway="fakepay"))
    woo.faults.add(Fault.DROP_AFTER, "/refunds", method="POST")
    refund(linnworks, order, {"MUG": "1.00"})
    begun = woo.row(order["ReferenceNumber"]).refunds[0]
    begun.meta.clear()
    begun.paid = False
    at_once = refund(linnworks, order, {"MUG": "1.00"})["Error"]
    begun.created = begun.created.replace(year=begun.created.year - 1)
    much_later = refund(linnworks, order, {"MUG": "1.00"})["Error"]

    assert "still at this refund" in at_once
    assert "see with the payment provider" in much_later
    assert len(woo.gateways["fakepay"].paid_back) == 1


def test_a_refund_by_the_owner_is_not_taken_for_ours(linnworks, woo, order):
    """
    An equal amount that was refunded before is another refund.
    """
    woo.refund(order["ReferenceNumber"], "1.00")
    answer = refund(linnworks, order, {"MUG": "1.00"})

    assert answer["Error"] is None
    assert len(woo.refunds(order["ReferenceNumber"])) == 2


def test_money_for_nothing_in_particular_goes_back(linnworks, woo, order):
    """
    A goodwill refund is of the order, not of a line.
    """
    answer = refund(linnworks, order, {"": "1.50"}, Reason="Sorry for the wait")
    given = woo.refunds(order["ReferenceNumber"])[0]

    assert answer["Error"] is None
    assert ("1.50", "Sorry for the wait", []) == (given["amount"], given["reason"], given["line_items"])
