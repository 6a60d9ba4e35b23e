"""Orders as customers place them, and as the owner edits them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.channels.medusa.fake.catalogue_views import plain_product
from tests.channels.medusa.fake.order_base import QUANTITIES
from tests.channels.medusa.fake.order_views import totals_of
from tests.channels.medusa.fake.rows import Row, new_id

if TYPE_CHECKING:
    from tests.channels.medusa.fake.shop import MedusaShop

ADDRESS = {
    "customer_id": None,
    "company": None,
    "first_name": "Ann",
    "last_name": "Sample",
    "address_1": "1 Test Street",
    "address_2": None,
    "city": "London",
    "country_code": "gb",
    "province": None,
    "postal_code": "SW1A 1AA",
    "phone": "+442079460000",
    "metadata": None,
}
PROVIDER = "pp_system_default"


class Checkout:
    """Makes orders of what the shop sells; `taxes` has each region's rate, and whether its prices include it."""

    def __init__(self, shop: MedusaShop) -> None:
        self.shop = shop
        self.taxes: dict[str, tuple[Decimal, bool]] = {}
        self.numbers = itertools.count(1)

    def place_order(
        self,
        lines: Mapping[str, int],
        *,
        region: str = "",
        channel: str = "",
        shipping: str = "4.50",
        discount: str = "0",
        providers: Mapping[str, str | None] | None = None,
        email: str = "ann@example.test",
        address: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> str:
        """Place an order by SKU, with a discount of a percentage, and authorise its payments; return its id.

        `providers` are the amounts by payment provider; None stands for the rest.
        """
        where = region or next(iter(self.shop.regions.values()))
        currency = self.shop.tables["regions"][where]["currency_code"]
        key, moment = new_id("order"), self.shop.now()
        order: Row = {
            "id": key,
            "display_id": next(self.numbers),
            "custom_display_id": None,
            "status": "pending",
            "version": 1,
            "email": email,
            "currency_code": currency,
            "region_id": where,
            "sales_channel_id": channel or self.shop.channel,
            "customer_id": new_id("cus"),
            "metadata": dict(metadata) if metadata else None,
            "locale": None,
            "is_draft_order": False,
            "no_notification": False,
            "created_at": moment,
            "updated_at": moment,
            "canceled_at": None,
            "change": None,
            "shipping_address": self.shop.catalogue.stamped("ordaddr", **{**ADDRESS, **(address or {})}),
            "billing_address": self.shop.catalogue.stamped("ordaddr", **{**ADDRESS, **(address or {})}),
            **{name: [] for name in ("credit_lines", "transactions", "fulfillments", "returns", "promotions")},
        }
        empty = dict.fromkeys(("company_name", "first_name", "last_name", "phone", "metadata", "created_by"))
        customer = self.shop.catalogue.stamped("cus", **empty, email=email, has_account=False)
        order["customer"] = {**customer, "id": order["customer_id"]}
        order["items"] = [self._line(order, sku, count, Decimal(discount)) for sku, count in lines.items()]
        order["shipping_methods"] = [self._method(order, Decimal(shipping))]
        total = totals_of(order)["total"]
        order["in_version"] = {"total": total, "credit": Decimal(0)}
        order["payment_collections"] = [self._collection(order, total, providers or {PROVIDER: None})]
        for line in order["items"]:
            self.shop.orders.reserve(line, line["quantity"])
        self.shop.orders.orders[key] = order
        return key

    def _line(self, order: Row, sku: str, count: int, discount: Decimal) -> Row:
        variant = self.shop.variant(sku)
        product = plain_product(self.shop.catalogue.products[variant["product_id"]])
        price, inclusive = self._price(order, variant)
        key = new_id("ordli")
        rate, _ = self.taxes[order["region_id"]]
        net = price * count / (1 + rate / 100) if inclusive else price * count
        row = self.shop.catalogue.stamped("ordli") | {"id": key}
        names = ("product_description", "product_subtitle", "product_type", "product_type_id", "product_collection")
        return {
            **row,
            "title": product["title"],
            "subtitle": variant["title"],
            "thumbnail": product["thumbnail"],
            "variant_id": variant["id"],
            "product_id": product["id"],
            "product_title": product["title"],
            **dict.fromkeys(names),
            "product_handle": product["handle"],
            "variant_sku": sku,
            "variant_barcode": variant["barcode"],
            "variant_title": variant["title"],
            "variant_option_values": None,
            "requires_shipping": True,
            "is_giftcard": False,
            "is_discountable": True,
            "is_tax_inclusive": inclusive,
            "is_custom_price": False,
            "metadata": {},
            "line_item_metadata": {},
            "compare_at_unit_price": None,
            "unit_price": price,
            "quantity": Decimal(count),
            "tax_lines": self._tax_lines(order, "ordlitxl", item_id=key),
            "adjustments": self._adjustments(net * discount / 100, key),
            "detail": {
                **self.shop.catalogue.stamped("orditem"),
                "item_id": key,
                "metadata": {},
                "unit_price": None,
                "compare_at_unit_price": None,
                **{f"{name}_quantity": Decimal(0) for name in QUANTITIES},
            },
        }

    def _price(self, order: Row, variant: Row) -> tuple[Decimal, bool]:
        """Return the price in the order's region, or else in its currency; only the first may include tax."""
        prices = [price for price in variant["prices"] if price["currency_code"] == order["currency_code"]]
        own = [price for price in prices if price["rules"].get("region_id") == order["region_id"]]
        if own:
            return own[0]["amount"], self.taxes[order["region_id"]][1]
        return next(price["amount"] for price in prices if not price["rules"]), False

    def _tax_lines(self, order: Row, prefix: str, **owner: str) -> list[Row]:
        rate, _ = self.taxes[order["region_id"]]
        fields = {"description": "VAT", "tax_rate_id": "txr_1", "code": "VAT", "provider_id": "system"}
        return [self.shop.catalogue.stamped(prefix, **fields, metadata=None, data=None, **owner, rate=rate)]

    def _adjustments(self, amount: Decimal, item: str) -> list[Row]:
        fields = {"description": None, "promotion_id": "promo_1", "code": "TEN", "provider_id": None}
        row = self.shop.catalogue.stamped("ordliadj", version=1, **fields, is_tax_inclusive=False, item_id=item)
        return [{**row, "amount": amount}] if amount else []

    def _method(self, order: Row, amount: Decimal) -> Row:
        option = self.shop.tables["shipping_options"][self.shop.shipping]
        key = new_id("ordsm")
        row = self.shop.catalogue.stamped("ordsm", name=option["name"], description=None, data={}, metadata=None)
        detail = self.shop.catalogue.stamped("ordspmv", version=1, order_id=order["id"], shipping_method_id=key)
        return {
            **row,
            "id": key,
            "order_id": order["id"],
            "is_tax_inclusive": self.taxes[order["region_id"]][1],
            "is_custom_amount": False,
            "shipping_option_id": option["id"],
            "amount": amount,
            "tax_lines": self._tax_lines(order, "ordsmtxl", shipping_method_id=key),
            "adjustments": [],
            "detail": {**detail, **dict.fromkeys(("return_id", "exchange_id", "claim_id"))},
        }

    def _collection(self, order: Row, total: Decimal, providers: Mapping[str, str | None]) -> Row:
        row = self.shop.catalogue.stamped("pay_col", currency_code=order["currency_code"], metadata=None)
        given = sum((Decimal(amount) for amount in providers.values() if amount), Decimal(0))
        payments = []
        for provider, amount in providers.items():
            payment = self.shop.catalogue.stamped(
                "pay", currency_code=order["currency_code"], provider_id=provider, data={}, metadata=None
            )
            payments.append(
                {
                    **payment,
                    "captured_at": None,
                    "canceled_at": None,
                    "payment_collection_id": row["id"],
                    "payment_session": {"id": "payses_1"},
                    "payment_session_id": "payses_1",
                    "refunds": [],
                    "captures": [],
                    "amount": Decimal(amount) if amount else total - given,
                }
            )
        return {**row, "completed_at": None, "status": "authorized", "payments": payments, "amount": total}

    # -- the owner -------------------------------------------------------------------------------------

    def edit(self, order: Row, quantities: Mapping[str, int]) -> None:
        """Change quantities by SKU: what is new is reserved, what is gone is not any more."""
        for line in list(order["items"]):
            count = Decimal(quantities.get(line["variant_sku"], line["quantity"]))
            more = count - line["quantity"]
            if more > 0:
                self.shop.orders.reserve(line, more)
            for row in self.shop.orders.reserved(line["id"]) if more < 0 else ():
                self.shop.orders.release(row, min(-more, row["quantity"]))
            line["quantity"] = count
            if not count:
                order["items"].remove(line)
        present = {line["variant_sku"] for line in order["items"]}
        for sku in [sku for sku, count in quantities.items() if count and sku not in present]:
            line = self._line(order, sku, quantities[sku], Decimal(0))
            self.shop.orders.reserve(line, line["quantity"])
            order["items"].append(line)
        self.shop.orders.changed(order)

    def give_back(self, order: Row, quantities: Mapping[str, int]) -> None:
        """Receive pieces by SKU, which are in stock again."""
        items: Sequence[Row] = [line for line in order["items"] if line["variant_sku"] in quantities]
        row = self.shop.catalogue.stamped("return", order_id=order["id"], status="received", refund_amount=None)
        row["items"] = []
        for line in items:
            count = Decimal(quantities[line["variant_sku"]])
            for name in ("return_requested", "return_received"):
                line["detail"][f"{name}_quantity"] += count
            counts = {"quantity": count, "received_quantity": count}
            row["items"].append(self.shop.catalogue.stamped("retitem", item_id=line["id"], **counts))
            self.shop.set_stock(line["variant_sku"], self.shop.stock(line["variant_sku"])[0] + int(count))
        order["returns"].append(row)
        self.shop.orders.changed(order)
