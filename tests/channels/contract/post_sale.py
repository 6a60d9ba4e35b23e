from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest

from tests.channels.contract.lost_answers import outcomes_of_lost_answers
from tests.channels.contract.shop import Suite, line_number, seen, stock
from tests.linnworks import Linnworks

CENT = Decimal("0.01")
CANCELLATION, ITEM_REFUND, SHIPPING_REFUND, SERVICE_REFUND, ADDITIONAL_REFUND = range(5)
NOT_SUPPORTED, INDEPENDENT = 0, 2


class PostSaleContract(Suite):
    """Cancels and refunds happen once, and only those that work are offered."""

    @pytest.fixture
    def options(self, linnworks):
        """What the shop says it can do."""
        return linnworks("PostSaleOptions")

    # -- what is offered -------------------------------------------------------------------------------

    def test_reasons_cover_exactly_what_is_supported(self, options):
        """There are no reasons at all, or some for each supported action and for no other."""
        supported = {
            CANCELLATION: options["CanCancel"],
            ITEM_REFUND: options["CanAttachRefundToItem"],
            SHIPPING_REFUND: options["RefundShippingTypes"] != NOT_SUPPORTED,
            SERVICE_REFUND: options["CanAttachRefundToService"],
            ADDITIONAL_REFUND: options["CanRefundAdditionally"],
        }
        covered = {kind for reason in options["PostSaleReasons"] for kind in reason["Types"]}

        assert options["Error"] is None
        assert covered in (set(), {kind for kind, can in supported.items() if can})

    def test_reasons_have_unique_tags(self, options):
        """Every reason has a unique tag and a display name, and its types are sent under both names."""
        tags = [reason["Tag"] for reason in options["PostSaleReasons"]]

        assert sorted(set(tags)) == sorted(tags)
        assert all(tags)
        assert all(reason["DisplayName"] for reason in options["PostSaleReasons"])
        assert all(reason["Types"] == reason["Type"] != [] for reason in options["PostSaleReasons"])

    def test_options_do_not_contradict_each_other(self, options):
        """Parts can be cancelled or refunded only if cancels or refunds are supported."""
        refunds = [options[name] for name in ("CanAttachRefundToItem", "CanAttachRefundToService")]
        refunds += [options["CanRefundAdditionally"], options["RefundShippingTypes"] != NOT_SUPPORTED]

        assert options["CanCancel"] or not options["CanCancelOrderLines"]
        assert options["CanCancelOrderLines"] or not options["CanCancelOrderLinesPartially"]
        assert options["CanRefund"] or not any(refunds)

    # -- cancel ----------------------------------------------------------------------------------------

    def test_a_whole_order_is_cancelled(self, linnworks, shop, order, options):
        """An order cancelled without lines comes as CANCELLED, and its stock is available again."""
        _only_where(options["CanCancel"])
        before = stock(linnworks, shop)
        answer = _cancel(linnworks, order)

        assert answer["Error"] is None
        assert seen(linnworks, order["ReferenceNumber"])["PaymentStatus"] == "CANCELLED"
        assert [before[0] + 3, before[1] + 1] == stock(linnworks, shop)

    def test_a_cancel_refunds_what_the_options_say(self, linnworks, shop, order, options):
        """The cancel of a paid order refunds all of it if AutomaticRefundOnCancel says so, and otherwise nothing."""
        _only_where(options["CanCancel"])
        answer = _cancel(linnworks, order)

        assert answer["Error"] is None
        assert (_total(order) if options["AutomaticRefundOnCancel"] else 0) == shop.refunded(order["ReferenceNumber"])

    def test_an_order_is_cancelled_by_naming_all_lines(self, linnworks, shop, order, options):
        """Cancelling every line in full cancels the order."""
        _only_where(options["CanCancel"])
        answer = _cancel(linnworks, order, {shop.skus[0]: 3, shop.skus[1]: 1})

        assert answer["Error"] is None
        assert seen(linnworks, order["ReferenceNumber"])["PaymentStatus"] == "CANCELLED"

    def test_an_unpaid_order_is_cancelled(self, linnworks, shop, options):
        """An order can be cancelled before it is paid."""
        _only_where(options["CanCancel"])
        order = seen(linnworks, shop.place_order({shop.skus[0]: 1}, paid=False))
        answer = _cancel(linnworks, order)

        assert answer["Error"] is None
        assert seen(linnworks, order["ReferenceNumber"])["PaymentStatus"] == "CANCELLED"

    def test_one_line_is_cancelled(self, linnworks, shop, order, options):
        """A cancelled line comes as CANCELLED, and the rest of the order stays PAID."""
        _only_where(options["CanCancelOrderLines"])
        before = stock(linnworks, shop)
        answer = _cancel(linnworks, order, {shop.skus[0]: 3})
        after = seen(linnworks, order["ReferenceNumber"])

        assert answer["Error"] is None
        assert after["PaymentStatus"] == "PAID"
        assert {shop.skus[0]: "CANCELLED", shop.skus[1]: "NONE"} == {
            item["SKU"]: item["CancelStatus"] for item in after["OrderItems"]
        }
        assert [before[0] + 3, before[1]] == stock(linnworks, shop)

    def test_part_of_a_line_is_cancelled(self, linnworks, shop, order, options):
        """After some pieces of a line are cancelled, only the others can be despatched."""
        _only_where(options["CanCancelOrderLinesPartially"])
        before = stock(linnworks, shop)
        answer = _cancel(linnworks, order, {shop.skus[0]: 1})
        too_many = _despatch(linnworks, order, shop.skus[0], 3)
        the_rest = _despatch(linnworks, order, shop.skus[0], 2)

        assert answer["Error"] is None
        assert [before[0] + 1, before[1]] == stock(linnworks, shop)
        assert too_many["Error"]
        assert the_rest["Error"] is None

    def test_an_order_with_remaining_pieces_is_not_cancelled(self, linnworks, shop, options):
        """Cancelling a part of every line does not cancel the order."""
        _only_where(options["CanCancelOrderLinesPartially"])
        order = seen(linnworks, shop.place_order({shop.skus[0]: 3, shop.skus[1]: 2}))
        answer = _cancel(linnworks, order, {shop.skus[0]: 1, shop.skus[1]: 1})
        after = seen(linnworks, order["ReferenceNumber"])

        assert answer["Error"] is None
        assert after["PaymentStatus"] == "PAID"
        assert ["NONE", "NONE"] == [item["CancelStatus"] for item in after["OrderItems"]]

    def test_a_repeated_cancel_succeeds_and_changes_nothing(self, linnworks, shop, order, options):
        """Linnworks may repeat a cancel whose answer was lost: the stock is added once."""
        _only_where(options["CanCancelOrderLinesPartially"])
        before = stock(linnworks, shop)
        answers = [_cancel(linnworks, order, {shop.skus[0]: 1}) for _ in range(3)]

        assert [{"Error": None}] * 3 == answers
        assert [before[0] + 1, before[1]] == stock(linnworks, shop)

    def test_a_repeated_cancel_of_a_whole_order_succeeds(self, linnworks, shop, order, options):
        """The same applies to whole orders."""
        _only_where(options["CanCancel"])
        before = stock(linnworks, shop)
        answers = [_cancel(linnworks, order) for _ in range(2)]

        assert [{"Error": None}] * 2 == answers
        assert [before[0] + 3, before[1] + 1] == stock(linnworks, shop)

    @pytest.mark.parametrize("part", [False, True], ids=["whole", "part"])
    def test_a_cancel_is_completed_whatever_answer_is_lost(self, linnworks, shop, options, exact_times, part):
        """If the answer of any call to the shop is lost, the repeated cancel does the rest and nothing twice."""
        _only_where(options["CanCancelOrderLinesPartially" if part else "CanCancel"])
        quantities = {shop.skus[0]: 1} if part else None
        undisturbed, disturbed = outcomes_of_lost_answers(
            linnworks, shop, lambda order: _cancel(linnworks, order, quantities)
        )

        assert undisturbed["error"] is None
        assert ([1, 0] if part else [3, 1]) == undisturbed["restocked"]
        assert disturbed
        assert dict.fromkeys(disturbed, undisturbed) == disturbed

    @pytest.mark.parametrize("problem", ["unknown order", "unknown line", "too many"])
    def test_an_impossible_cancel_is_refused(self, linnworks, shop, order, options, problem):
        """An unknown order or line, or too many pieces, cannot be cancelled, and nothing changes."""
        _only_where(options["CanCancel"])
        before = stock(linnworks, shop)
        items = [_line(order, shop.skus[0], CancellationQuantity=4 if problem == "too many" else 1)]
        if problem == "unknown line":
            items[0] |= {"OrderLineNumber": "no-such-line", "SKU": "no-such-sku"}
        reference = "no-such-order" if problem == "unknown order" else order["ReferenceNumber"]
        answer = linnworks("CancelEndpoint", Cancellation={"ReferenceNumber": reference, "Items": items})

        assert answer["Error"]
        assert before == stock(linnworks, shop)

    def test_despatched_pieces_cannot_be_cancelled(self, linnworks, shop, order, options):
        """A despatched line cannot be cancelled."""
        _only_where(options["CanCancelOrderLines"])
        _despatch(linnworks, order, shop.skus[0], 3)

        assert _cancel(linnworks, order, {shop.skus[0]: 1})["Error"]

    def test_a_cancelled_order_cannot_be_despatched(self, linnworks, shop, order, options):
        """The despatch of a cancelled order is refused without a retry."""
        _only_where(options["CanCancel"])
        _cancel(linnworks, order)
        answer = _despatch(linnworks, order, shop.skus[0], 1)

        assert answer["Error"]
        assert answer["Retry"] is False
        assert {shop.skus[0]: 0, shop.skus[1]: 0} == shop.sent(order["ReferenceNumber"])

    # -- refund ----------------------------------------------------------------------------------------

    def test_a_line_is_refunded(self, linnworks, shop, order, options):
        """A line is refunded to the cent, and the shop's reference of the refund is returned."""
        _only_where(options["CanAttachRefundToItem"])
        answer = _refund(linnworks, order, {shop.skus[0]: "0.99"})

        assert answer["Error"] is None
        assert answer["RefundReference"]
        assert Decimal("0.99") == shop.refunded(order["ReferenceNumber"])

    def test_shipping_alone_is_refunded(self, linnworks, shop, order, options):
        """A refund without items refunds shipping."""
        _only_where(options["RefundShippingTypes"] & INDEPENDENT)
        answer = _refund(linnworks, order, {}, shipping=order["PostalServiceCost"])

        assert answer["Error"] is None
        assert answer["RefundReference"]
        assert Decimal(str(order["PostalServiceCost"])) == shop.refunded(order["ReferenceNumber"])

    def test_a_repeated_refund_gives_the_same_reference(self, linnworks, shop, order, options):
        """Linnworks may repeat a refund whose answer was lost: the money is refunded once."""
        _only_where(options["CanAttachRefundToItem"])
        answers = [_refund(linnworks, order, {shop.skus[0]: "0.50"}) for _ in range(3)]

        assert [answers[0]] * 3 == answers
        assert answers[0]["RefundReference"]
        assert Decimal("0.50") == shop.refunded(order["ReferenceNumber"])

    def test_a_refund_is_completed_whatever_answer_is_lost(self, linnworks, shop, options, exact_times):
        """If the answer of any call to the shop is lost, the repeated refund does the rest and nothing twice."""
        _only_where(options["CanAttachRefundToItem"])
        undisturbed, disturbed = outcomes_of_lost_answers(
            linnworks, shop, lambda order: _refund(linnworks, order, {shop.skus[0]: "0.50"})
        )

        assert undisturbed["error"] is None
        assert disturbed
        assert dict.fromkeys(disturbed, undisturbed) == disturbed

    def test_another_refund_gets_another_reference(self, linnworks, shop, order, options):
        """Different refunds of one order add up and have different references."""
        _only_where(options["CanAttachRefundToItem"])
        first = _refund(linnworks, order, {shop.skus[0]: "0.50"})
        second = _refund(linnworks, order, {shop.skus[0]: "0.25"})

        assert first["RefundReference"] != second["RefundReference"]
        assert Decimal("0.75") == shop.refunded(order["ReferenceNumber"])

    def test_more_than_was_paid_is_refused(self, linnworks, shop, order, options):
        """No more is refunded than was paid, for lines and shipping, and after earlier refunds."""
        _only_where(options["CanAttachRefundToItem"])
        price = next(item["PricePerUnit"] for item in order["OrderItems"] if item["SKU"] == shop.skus[1])
        whole = _refund(linnworks, order, {shop.skus[1]: price})
        refusals = [
            _refund(linnworks, order, {shop.skus[0]: 1_000_000}),
            _refund(linnworks, order, {}, shipping=Decimal(str(order["PostalServiceCost"])) + Decimal("0.01")),
            _refund(linnworks, order, {shop.skus[1]: price, shop.skus[0]: "0.01"}, shipping="0.01"),
        ]

        assert whole["Error"] is None
        assert all(answer["Error"] and answer["RefundReference"] == "" for answer in refusals)
        assert Decimal(str(price)) == shop.refunded(order["ReferenceNumber"])

    def test_an_unpaid_order_is_not_refunded(self, linnworks, shop, options):
        """An order that was not paid cannot be refunded."""
        _only_where(options["CanRefund"])
        order = seen(linnworks, shop.place_order({shop.skus[0]: 1}, paid=False))
        answer = _refund(linnworks, order, {shop.skus[0]: "0.50"})

        assert answer["Error"]
        assert shop.refunded(order["ReferenceNumber"]) == 0

    @pytest.mark.parametrize("amount", [0, "-1.00"])
    def test_a_refund_of_nothing_is_refused(self, linnworks, shop, order, options, amount):
        """A refund must be above zero."""
        _only_where(options["CanRefund"])
        answer = _refund(linnworks, order, {shop.skus[0]: amount})

        assert answer["Error"]
        assert shop.refunded(order["ReferenceNumber"]) == 0

    def test_a_refund_of_an_unknown_order_or_line_is_refused(self, linnworks, shop, order, options):
        """Orders and lines that the shop does not have get an error."""
        _only_where(options["CanRefund"])
        item = {"SKU": "no-such-sku", "OrderLineNumber": "no-such-line", "RefundAmount": 0.5}
        unknown_order = {"ReferenceNumber": "no-such-order", "Items": [_line(order, shop.skus[0], RefundAmount=0.5)]}
        unknown_line = {"ReferenceNumber": order["ReferenceNumber"], "Items": [item]}

        assert linnworks("RefundEndpoint", Refund=unknown_order)["Error"]
        assert linnworks("RefundEndpoint", Refund=unknown_line)["Error"]
        assert shop.refunded(order["ReferenceNumber"]) == 0

    def test_an_additional_refund_works_if_it_is_offered(self, linnworks, shop, order, options):
        """An amount for no line and no shipping is refunded if and only if CanRefundAdditionally says so."""
        item = {"SKU": "", "OrderLineNumber": "", "RefundAmount": 0.5}
        answer = linnworks("RefundEndpoint", Refund={"ReferenceNumber": order["ReferenceNumber"], "Items": [item]})

        assert options["CanRefundAdditionally"] is (answer["Error"] is None)
        assert (Decimal("0.5") if answer["Error"] is None else 0) == shop.refunded(order["ReferenceNumber"])

    def test_every_reason_is_accepted(self, linnworks, shop, order, options):
        """A reason that is offered for a cancel or a refund is accepted."""
        for number, reason in enumerate(options["PostSaleReasons"], 1):
            if CANCELLATION in reason["Types"]:
                fresh = seen(linnworks, shop.place_order({shop.skus[0]: 1}))

                assert _cancel(linnworks, fresh, {shop.skus[0]: 1}, Reason=reason["Tag"])["Error"] is None
            if ITEM_REFUND in reason["Types"]:
                refund = _refund(linnworks, order, {shop.skus[0]: f"0.0{number}"}, Reason=reason["Tag"])

                assert refund["Error"] is None


def _only_where(supported: Any) -> None:
    if not supported:
        pytest.skip("the shop says that it cannot do this")


def _line(order: Any, sku: str, **fields: Any) -> dict[str, Any]:
    """Return a line as cancels and refunds name it: with Linnworks' own SKU and the line's number."""
    return {"SKU": f"LINNWORKS-{sku}", "OrderLineNumber": line_number(order, sku), "Reason": "", **fields}


def _total(order: Any) -> Decimal:
    """Return what was paid for an order, as Linnworks computes it."""
    total = Decimal(str(order["PostalServiceCost"])) - Decimal(str(order["Discount"]))
    for item in order["OrderItems"]:
        amount = (
            Decimal(str(item["PricePerUnit"])) * item["Qty"] * (1 - Decimal(str(item["LinePercentDiscount"])) / 100)
        )
        amount *= 1 if item["TaxCostInclusive"] else 1 + Decimal(str(item["TaxRate"])) / 100
        total += amount.quantize(CENT, ROUND_HALF_UP)
    return total.quantize(CENT, ROUND_HALF_UP)


def _cancel(linnworks: Linnworks, order: Any, quantities: dict[str, int] | None = None, **fields: Any) -> Any:
    items = [_line(order, sku, CancellationQuantity=count, **fields) for sku, count in (quantities or {}).items()]
    return linnworks("CancelEndpoint", Cancellation={"ReferenceNumber": order["ReferenceNumber"], "Items": items})


def _refund(linnworks: Linnworks, order: Any, amounts: dict[str, Any], *, shipping: Any = 0, **fields: Any) -> Any:
    items = [_line(order, sku, RefundAmount=amount, **fields) for sku, amount in amounts.items()]
    refund = {"ReferenceNumber": order["ReferenceNumber"], "RefundShippingAmount": str(shipping), "Items": items}
    return linnworks("RefundEndpoint", Refund=refund)


def _despatch(linnworks: Linnworks, order: Any, sku: str, quantity: int) -> Any:
    item = {"SKU": sku, "OrderLineNumber": line_number(order, sku), "DespatchedQuantity": quantity}
    parcel = {"ReferenceNumber": order["ReferenceNumber"], "Items": [item]}
    return linnworks("DespatchEndpoint", Orders=[parcel])["Orders"][0]
