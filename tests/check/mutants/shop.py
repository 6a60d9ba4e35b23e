"""The shop of the application: small, in memory, and shared by all integrations."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

NOW = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)


def moment(when: datetime) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%SZ}"


def address() -> dict[str, Any]:
    return {"FullName": "Ada Byron", "Address1": "12 High Street", "Town": "Ely", "CountryCode": "GB"}


class Shop:
    """Twelve products and eighteen orders: one is unpaid, one is cancelled, and one has a service line."""

    def __init__(self) -> None:
        self.products = {
            f"SKU-{number}": {
                "SKU": f"SKU-{number}",
                "Title": f"Thing {number}",
                "Quantity": 10 + number,
                "Price": 5.5 + number,
                "Reference": str(100 + number),
            }
            for number in range(12)
        }
        self.orders = {str(number): self._order(number) for number in range(1, 19)}
        self.orders["17"].update(PaymentStatus="UNPAID", PaidOn=None)
        self.orders["18"]["PaymentStatus"] = "CANCELLED"
        self.orders["16"]["OrderItems"].append(self._line(3, "", 1, IsService=True, ItemTitle="Gift wrapping"))
        self.changed = {reference: NOW - timedelta(days=int(reference)) for reference in self.orders}
        self.sent: dict[tuple[str, str], int] = {}
        self.refunds: dict[str, str] = {}
        self.feeds: dict[str, dict[str, Any]] = {}
        self.listings: dict[str, dict[str, Any]] = {}

    def _order(self, number: int) -> dict[str, Any]:
        placed = moment(NOW - timedelta(days=number))
        return {
            "ReferenceNumber": str(number),
            "ExternalReference": f"TX-{number}",
            "BillingAddress": address(),
            "DeliveryAddress": address(),
            "OrderItems": [self._line(1, f"SKU-{number % 12}", 2), self._line(2, "SKU-0", 1)],
            "ExtendedProperties": [{"Name": "Gift", "Value": "no", "Type": "Info"}],
            "Notes": [],
            "Site": "",
            "MatchPostalServiceTag": "post",
            "MatchPaymentMethodTag": "card",
            "PaymentStatus": "PAID",
            "Currency": "GBP",
            "ReceivedDate": placed,
            "PaidOn": placed,
            "PostalServiceCost": 2.5,
            "PostalServiceTaxRate": 20,
        }

    def _line(self, number: int, sku: str, quantity: int, **more: Any) -> dict[str, Any]:
        return {
            "OrderLineNumber": str(number),
            "SKU": sku,
            "Qty": quantity,
            "PricePerUnit": 10.0,
            "TaxRate": 20,
            "IsService": False,
            "ItemTitle": f"Thing {number}",
            "Options": [{"Name": "Engraving", "Value": "A"}],
            "CancelStatus": "NONE",
            **more,
        }

    def changed_since(self, since: datetime) -> list[dict[str, Any]]:
        return [order for reference, order in self.orders.items() if self.changed[reference] >= since]

    def despatch(self, parcel: dict[str, Any]) -> None:
        """Count the pieces that were sent, at most those that were ordered."""
        reference = str(parcel.get("ReferenceNumber"))
        lines = {line["OrderLineNumber"]: line["Qty"] for line in self._find(reference)["OrderItems"]}
        for item in parcel.get("Items") or []:
            key = (reference, str(item["OrderLineNumber"]))
            self.sent[key] = min(lines[key[1]], self.sent.get(key, 0) + int(item["DespatchedQuantity"]))

    def cancel(self, reference: str, items: list[dict[str, Any]]) -> None:
        order = self._find(reference)
        pieces = {str(item["OrderLineNumber"]): item.get("CancellationQuantity", 99) for item in items}
        for line in order["OrderItems"]:
            number = line["OrderLineNumber"]
            if pieces.get(number, 0) >= line["Qty"]:
                line["CancelStatus"] = "CANCELLED"
            else:
                line["Qty"] -= pieces.get(number, 0)
        if all(line["CancelStatus"] == "CANCELLED" for line in order["OrderItems"]):
            order["PaymentStatus"] = "CANCELLED"
        self.changed[reference] = datetime.now(timezone.utc)

    def refund(self, refund: dict[str, Any]) -> str:
        """Return the reference of the refund, the same one for an equal refund."""
        order = self._find(str(refund["ReferenceNumber"]))
        total = sum(line["Qty"] * line["PricePerUnit"] for line in order["OrderItems"])
        asked = sum(float(item["RefundAmount"]) for item in refund["Items"])
        if asked > total or float(refund["RefundShippingAmount"]) > order["PostalServiceCost"]:
            raise ValueError("more than was paid")
        return self.refunds.setdefault(repr(refund), f"R-{len(self.refunds) + 1}")

    def _find(self, reference: str) -> dict[str, Any]:
        if reference not in self.orders:
            raise ValueError(f"no order {reference}")
        return self.orders[reference]

    def list(self, token: str, listings: list[dict[str, Any]]) -> str:
        """Create all listings and return the id of their feed."""
        rows = []
        for listing in listings:
            wrong = [] if listing["Categories"] == ["501"] else [{"Type": 1, "Message": "no such category"}]
            variants = [] if wrong else listing["Variations"] or [listing]
            sold = [variant["SKU"] for variant in variants]
            for variant in variants:
                self.products[variant["SKU"]] = {
                    "SKU": variant["SKU"],
                    "Title": listing["Title"],
                    "Quantity": variant["Quantity"],
                    "Price": variant["Price"],
                    "Reference": f"L-{variant['SKU']}",
                }
            self.listings[f"X-{listing['SKU']}"] = {"sold": sold}
            rows.append(
                {
                    "SKU": listing["SKU"],
                    "TemplateId": listing["TemplateId"],
                    "ExternalListingId": f"X-{listing['SKU']}",
                    "URL": "",
                    "Messages": wrong,
                    "ChannelReferences": [{"SKU": sku, "Reference": f"L-{sku}"} for sku in sold],
                }
            )
        return self._feed(token, rows)

    def unlist(self, token: str, names: list[dict[str, Any]]) -> str:
        rows = []
        for name in names:
            for sku in self.listings.get(name["ExternalListingId"], {"sold": []})["sold"]:
                self.products.pop(sku, None)
            rows.append(
                {
                    "SKU": name["ChannelSKU"],
                    "TemplateId": int(name["TemplateId"]),
                    "ExternalListingId": name["ExternalListingId"],
                    "URL": "",
                    "Messages": [],
                    "ChannelReferences": [],
                }
            )
        return self._feed(token, rows)

    def _feed(self, token: str, rows: list[dict[str, Any]]) -> str:
        feed = f"feed-{len(self.feeds) + 1}"
        self.feeds[feed] = {"token": token, "rows": rows}
        return feed
