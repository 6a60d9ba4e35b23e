from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.channels.contract.shop import line_number, seen
from tests.channels.hostile.server import Fault
from tests.channels.woocommerce.fake.catalogue import Meta

pytestmark = pytest.mark.service

AFTER = [Fault.DROP_AFTER, Fault.BROKEN_AFTER, Fault.BAD_GATEWAY_AFTER, Fault.WEB_PAGE, Fault.TRUNCATED]


def despatch_of(order: Any, quantities: dict[str, int], **fields: Any) -> dict[str, Any]:
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


def despatch(linnworks, *orders: Any) -> list[str | None]:
    return [row["Error"] for row in linnworks("DespatchEndpoint", Orders=list(orders))["Orders"]]


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
    """A paid order of three mugs and two books, as Linnworks gets it."""
    return seen(linnworks, woo.place_order({"MUG": 3, "BOOK": 2}))


def fields(woo, order: Any) -> dict[str, Any]:
    return {meta["key"]: meta["value"] for meta in woo.order(order["ReferenceNumber"])["meta_data"]}


def customer_notes(woo, order: Any) -> list[str]:
    return [note for note in woo.notes(order["ReferenceNumber"]) if "on its way" in note]


# -- despatch ----------------------------------------------------------------------------------------------


def test_an_order_is_completed_when_all_is_despatched(linnworks, woo, order):
    """
    A part does not change its status; the last part completes it.
    """
    number = order["ReferenceNumber"]
    first = despatch(linnworks, despatch_of(order, {"MUG": 3}))
    between = woo.order(number)["status"]
    second = despatch(linnworks, despatch_of(order, {"BOOK": 2}, TrackingNumber="T2"))

    assert [None] == first == second
    assert ["processing", "completed"] == [between, woo.order(number)["status"]]


def test_parcels_are_stored_for_tracking_plugins(linnworks, woo, order):
    """
    Carrier, number, link and date of each parcel are added to the parcels that are there.
    """
    despatch(linnworks, despatch_of(order, {"MUG": 1}, TrackingUrl="https://track.example/AB"))
    packages = [{"TrackingNumber": f"P{number}", "ShippingVendor": "DPD", "Items": []} for number in (1, 2)]
    despatch(linnworks, despatch_of(order, {"MUG": 2, "BOOK": 2}, Packages=packages, TrackingNumber=""))
    stored = fields(woo, order)["_wc_shipment_tracking_items"]

    assert [
        ("Royal Mail Tracked 48", "AB123456789GB", "https://track.example/AB"),
        ("DPD", "P1", "https://track.dpd.co.uk/search?reference=P1"),
        ("DPD", "P2", "https://track.dpd.co.uk/search?reference=P2"),
    ] == [(item["custom_tracking_provider"], item["tracking_number"], item["custom_tracking_link"]) for item in stored]
    assert len({item["tracking_id"] for item in stored}) == 3
    assert {item["date_shipped"] for item in stored} == {"1751687331"}


HERS, HIS = ({"tracking_number": number, "tracking_id": number} for number in ("HERS", "HIS"))


@pytest.mark.parametrize(
    ("stored", "kept"),
    [
        ([HERS], [HERS]),
        ({"0": HERS, "2": HIS}, [HERS, HIS]),
        ({"1": HERS, "2": None}, [HERS, None]),
        ([HERS, "", None], [HERS, "", None]),
        (HERS, [HERS]),
        ({"a": HERS, "b": HIS}, {"a": HERS, "b": HIS}),
        ([], []),
        ({}, []),
        ("", []),
    ],
)
def test_parcels_entered_by_hand_stay(linnworks, woo, order, stored, kept):
    """
    A despatch adds its parcel to those of the owner, in whatever shape plugins have stored them.
    """
    woo.row(order["ReferenceNumber"]).meta.append(Meta(woo.next_meta(), "_wc_shipment_tracking_items", stored))
    despatch(linnworks, despatch_of(order, {"MUG": 1}))
    found = fields(woo, order)["_wc_shipment_tracking_items"]
    parcels = list(found.values()) if isinstance(found, dict) else found

    assert "AB123456789GB" == parcels[-1]["tracking_number"]
    assert kept == ({key: found[key] for key in kept} if isinstance(kept, dict) else found[:-1])


@pytest.mark.parametrize("number", [None, "", "text", {}])
def test_parcels_in_a_field_without_an_id_stay(linnworks, woo, order, number):
    """
    WooCommerce takes no other id than a number, and finds the field by its name without one.
    """
    woo.row(order["ReferenceNumber"]).meta.append(Meta(woo.next_meta(), "_wc_shipment_tracking_items", [HERS]))
    woo.edit_row = lambda row: {**row, "meta_data": [{**meta, "id": number} for meta in row["meta_data"]]}

    assert [None] == despatch(linnworks, despatch_of(order, {"MUG": 1}))
    assert ["HERS", "AB123456789GB"] == [
        parcel["tracking_number"] for parcel in fields(woo, order)["_wc_shipment_tracking_items"]
    ]


@pytest.mark.parametrize("stored", ["HERS", '[{"tracking_number": "HERS"}]', {"number": "HERS"}, 17])
def test_what_is_no_list_of_parcels_is_not_overwritten(linnworks, woo, order, stored):
    """
    The despatch is done, the owner is told in a note, and customers get theirs.
    """
    woo.row(order["ReferenceNumber"]).meta.append(Meta(woo.next_meta(), "_wc_shipment_tracking_items", stored))
    answer = despatch(linnworks, despatch_of(order, {"MUG": 1}))

    assert [None] == answer
    assert stored == fields(woo, order)["_wc_shipment_tracking_items"]
    assert 1 == sum("is not shown by tracking plugins" in note for note in woo.notes(order["ReferenceNumber"]))
    assert 1 == len(customer_notes(woo, order))


def test_of_two_fields_the_one_that_plugins_read_is_extended(linnworks, woo, order):
    """
    WordPress allows several fields of one name, and plugins read the first.
    """
    meta = woo.row(order["ReferenceNumber"]).meta
    meta += [Meta(woo.next_meta(), "_wc_shipment_tracking_items", [parcel]) for parcel in (HERS, HIS)]
    despatch(linnworks, despatch_of(order, {"MUG": 1}))
    stored = [row.value for row in meta if row.key == "_wc_shipment_tracking_items"]

    assert [["HERS", "AB123456789GB"], ["HIS"]] == [[parcel["tracking_number"] for parcel in one] for one in stored]


def test_all_numbers_of_an_entry_are_shown(linnworks, woo, order):
    """
    Those of its packages, its own, and the secondary ones; a package's link stays where the entry repeats its number.
    """
    packages = [
        {"TrackingNumber": "P1", "ShippingVendor": "DPD", "TrackingUrl": "https://track.example/P1", "Items": []},
        {"TrackingNumber": "P2", "ShippingVendor": "DPD", "Items": []},
    ]
    wanted = despatch_of(order, {"MUG": 3}, Packages=packages, TrackingNumber="p1", TrackingUrl="")
    answer = despatch(linnworks, {**wanted, "SecondaryTrackingNumbers": ["P2", "P3"]})
    stored = fields(woo, order)["_wc_shipment_tracking_items"]

    assert [None] == answer
    assert [("P1", "DPD"), ("P2", "DPD"), ("P3", "Royal Mail Tracked 48")] == [
        (parcel["tracking_number"], parcel["custom_tracking_provider"]) for parcel in stored
    ]
    assert "https://track.example/P1" == stored[0]["custom_tracking_link"]


def test_the_customer_gets_one_note_for_each_despatch(linnworks, woo, order):
    """
    The note has the seller's text and the parcel's details; a second parcel under the same number has its own.
    """
    for count in (1, 2, 2):
        despatch(linnworks, despatch_of(order, {"MUG": count}))

    page = "https://www.royalmail.com/track-your-item#/tracking-results/AB123456789GB"

    assert [f"Your order is on its way. Royal Mail Tracked 48 AB123456789GB {page}"] * 2 == customer_notes(woo, order)


def test_the_sellers_plugin_makes_the_links_of_carriers_that_it_knows(connected, woo):
    """
    The plugin finds them by its own key; the customer's note has the usual page.
    """
    linnworks = connected(woo, carriers="Royal Mail = royal-mail")
    order = seen(linnworks, woo.place_order({"MUG": 1}))
    despatch(linnworks, despatch_of(order, {"MUG": 1}))
    (stored,) = fields(woo, order)["_wc_shipment_tracking_items"]

    assert ("royal-mail", "", "") == (
        stored["tracking_provider"],
        stored["custom_tracking_provider"],
        stored["custom_tracking_link"],
    )
    assert "royalmail.com/track-your-item#/tracking-results/AB123456789GB" in customer_notes(woo, order)[0]


def test_the_seller_chooses_status_and_note(connected, woo):
    """
    Another status, no note, or another text.
    """
    linnworks = connected(woo, despatch_status="on-hold", note_text="Unterwegs ist Ihr Paket {number} ({carrier})")
    order = seen(linnworks, woo.place_order({"MUG": 1}))
    despatch(linnworks, despatch_of(order, {"MUG": 1}))
    silent = connected(woo, despatch_status="-", tracking_note="False")
    other = seen(silent, woo.place_order({"MUG": 1}))
    despatch(silent, despatch_of(other, {"MUG": 1}))

    assert woo.order(order["ReferenceNumber"])["status"] == "on-hold"
    assert "Unterwegs ist Ihr Paket AB123456789GB (Royal Mail Tracked 48)" in woo.notes(order["ReferenceNumber"])
    assert woo.order(other["ReferenceNumber"])["status"] == "processing"
    assert [] == customer_notes(woo, other)


@pytest.mark.parametrize("fault", AFTER)
@pytest.mark.parametrize("path", ["/orders/", "/notes"])
def test_a_despatch_whose_answer_is_lost_is_done_once(linnworks, woo, order, fault, path):
    """
    Whichever answer is lost, of the order's change or of the note: there is one parcel and one note.
    """
    woo.faults.add(fault, path, method="PUT" if path == "/orders/" else "POST")
    answers = [despatch(linnworks, despatch_of(order, {"MUG": 3, "BOOK": 2})) for _ in range(3)]

    assert answers[0] != [None]
    assert answers[-1] == [None]
    assert len(customer_notes(woo, order)) == 1
    assert len(fields(woo, order)["_wc_shipment_tracking_items"]) == 1
    assert woo.order(order["ReferenceNumber"])["status"] == "completed"


def test_services_are_not_despatched(connected, woo):
    """
    Linnworks may name a service line; only products count.
    """
    linnworks = connected(woo)
    order = seen(linnworks, woo.place_order({"MUG": 1}, fees={"Gift wrap": "2.00"}))
    fee = next(item for item in order["OrderItems"] if item["IsService"])
    wrapped = {"SKU": "FEE", "OrderLineNumber": fee["OrderLineNumber"], "DespatchedQuantity": 1}
    wanted = despatch_of(order, {"MUG": 1})

    assert [None] == despatch(linnworks, {**wanted, "Items": [*wanted["Items"], wrapped]})
    assert woo.order(order["ReferenceNumber"])["status"] == "completed"


def test_refunded_pieces_do_not_stop_the_rest(linnworks, woo, order):
    """
    After a despatched piece was refunded by hand, the other pieces can be despatched.
    """
    despatch(linnworks, despatch_of(order, {"MUG": 2}))
    woo.refund(order["ReferenceNumber"], quantities={"MUG": 1})

    assert [None] == despatch(linnworks, despatch_of(order, {"MUG": 1, "BOOK": 2}, TrackingNumber="T2"))


# -- cancel ------------------------------------------------------------------------------------------------


def test_an_order_with_a_cancelled_part_is_completed_by_the_rest(linnworks, woo, order):
    """
    Cancelled pieces are not waited for, whether the cancel or the despatch comes first.
    """
    other = seen(linnworks, woo.place_order({"MUG": 3, "BOOK": 2}))
    cancel(linnworks, order, {"MUG": 3})
    despatch(linnworks, despatch_of(order, {"BOOK": 2}))
    despatch(linnworks, despatch_of(other, {"BOOK": 2}))
    cancel(linnworks, other, {"MUG": 3})

    assert ["completed", "completed"] == [woo.order(one["ReferenceNumber"])["status"] for one in (order, other)]


def test_lines_of_an_unpaid_order_are_not_cancelled(linnworks, woo):
    """
    The customer would still pay for them, so the error asks the seller to change the order in the shop.
    """
    order = seen(linnworks, woo.place_order({"MUG": 3}, paid=False))

    assert "not paid yet" in cancel(linnworks, order, {"MUG": 1})["Error"]


def test_cancelling_a_cancelled_order_succeeds(linnworks, woo, order):
    """
    If the customer has cancelled an order, its cancel by Linnworks succeeds.
    """
    woo.cancel(order["ReferenceNumber"])

    assert cancel(linnworks, order, {"MUG": 3, "BOOK": 2})["Error"] is None


@pytest.mark.parametrize("fault", AFTER)
@pytest.mark.parametrize("quantities", [{"MUG": 1}, {"MUG": 3, "BOOK": 2}], ids=["part", "whole"])
def test_a_cancel_whose_answer_is_lost_is_done_once(linnworks, woo, order, fault, quantities):
    """
    The stock is added once.
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
    In the proportion of the line, so that the shop's tax report stays right; shipping separately.
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
    After a line is refunded in parts, the sums of net and tax are those of the line.
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
    A service line can be refunded like any other.
    """
    linnworks = connected(woo)
    order = seen(linnworks, woo.place_order({"MUG": 1}, fees={"Gift wrap": "2.00"}))
    answer = refund(linnworks, order, {"FEE": "2.40"})

    assert answer["Error"] is None
    assert woo.refunds(order["ReferenceNumber"])[0]["fee_lines"][0]["total"] == "-2.00"


def test_whole_pieces_are_restocked_if_the_seller_chose_it(connected, woo):
    """
    The price of whole pieces restocks them; another amount restocks nothing.
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


def test_refunds_go_through_the_gateway_if_the_seller_chose_it(connected, woo):
    """
    The money is refunded once; if the gateway refuses, its message is the error and nothing is recorded.
    """
    linnworks = connected(woo, refund_way="GATEWAY")
    good = seen(linnworks, woo.place_order({"MUG": 1}, gateway="fakepay"))
    manual = seen(linnworks, woo.place_order({"MUG": 1}, gateway="bacs"))
    answers = [refund(linnworks, good, {"MUG": "1.00"}) for _ in range(2)]
    refused = refund(linnworks, manual, {"MUG": "1.00"})

    assert [None, None] == [answer["Error"] for answer in answers]
    assert [(int(good["ReferenceNumber"]), Decimal("1.00"))] == woo.gateways["fakepay"].refunded_payments
    assert "does not support automatic refunds" in refused["Error"]
    assert [] == woo.refunds(manual["ReferenceNumber"])


@pytest.mark.parametrize("fault", AFTER)
@pytest.mark.parametrize("way", ["RECORD", "GATEWAY"])
def test_a_refund_whose_answer_is_lost_is_made_once(connected, woo, fault, way):
    """
    The money is refunded once, and the repeat gets the reference of that refund.
    """
    linnworks = connected(woo, refund_way=way)
    order = seen(linnworks, woo.place_order({"MUG": 1}, gateway="fakepay"))
    woo.faults.add(fault, "/refunds", method="POST")
    answers = [refund(linnworks, order, {"MUG": "1.00"}) for _ in range(3)]
    given = woo.refunds(order["ReferenceNumber"])

    assert answers[0]["Error"]
    assert {"Error": None, "RefundReference": str(given[0]["id"])} == answers[-1]
    assert len(given) == 1
    assert (way == "GATEWAY") == bool(woo.gateways["fakepay"].refunded_payments)


@pytest.mark.parametrize("way", ["RECORD", "GATEWAY"])
def test_a_refund_without_its_key_is_found(connected, woo, way):
    """
    WooCommerce may crash after refunding the money and before writing the key: the order has the plan.
    """
    linnworks = connected(woo, refund_way=way)
    order = seen(linnworks, woo.place_order({"MUG": 1}, gateway="fakepay"))
    woo.faults.add(Fault.DROP_AFTER, "/refunds", method="POST")
    refund(linnworks, order, {"MUG": "1.00"})
    woo.row(order["ReferenceNumber"]).refunds[0].meta.clear()
    answer = refund(linnworks, order, {"MUG": "1.00"})

    assert {"Error": None, "RefundReference": str(woo.refunds(order["ReferenceNumber"])[0]["id"])} == answer
    assert len(woo.refunds(order["ReferenceNumber"])) == 1


def test_a_refund_that_the_gateway_is_working_on_is_not_repeated(connected, woo):
    """
    Its record exists and does not say yet whether the money was refunded: nothing is sent again.
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

    assert "still working on this refund" in at_once
    assert "check with the payment provider" in much_later
    assert len(woo.gateways["fakepay"].refunded_payments) == 1


def test_a_refund_by_the_owner_is_another_refund(linnworks, woo, order):
    """
    An equal amount that the owner refunded before is not taken for Linnworks' refund.
    """
    woo.refund(order["ReferenceNumber"], "1.00")
    answer = refund(linnworks, order, {"MUG": "1.00"})

    assert answer["Error"] is None
    assert len(woo.refunds(order["ReferenceNumber"])) == 2


def test_an_amount_for_no_line_is_refunded(linnworks, woo, order):
    """
    A goodwill refund belongs to the order, not to a line.
    """
    answer = refund(linnworks, order, {"": "1.50"}, Reason="Sorry for the wait")
    given = woo.refunds(order["ReferenceNumber"])[0]

    assert answer["Error"] is None
    assert ("1.50", "Sorry for the wait", []) == (given["amount"], given["reason"], given["line_items"])
