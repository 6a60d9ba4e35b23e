"""Orders, and what is done with them as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.channels.medusa.fake.fulfilments import Fulfilments
from tests.channels.medusa.fake.metadata import merged
from tests.channels.medusa.fake.money import ZERO
from tests.channels.medusa.fake.order_views import collection_of
from tests.channels.medusa.fake.payments import Payments
from tests.channels.medusa.fake.rows import Row, not_allowed


class OrderBook(Fulfilments, Payments):
    """The shop's orders by id, and the pieces that are reserved for them."""

    def cancel(self, key: str) -> Row:
        """Cancel an order: captured money is refunded, and nothing is reserved any more."""
        order = self.open(key)
        if any(not row["canceled_at"] for row in order["fulfillments"]):
            raise not_allowed("All fulfillments must be canceled before canceling an order")
        for collection in order["payment_collections"]:
            refunded = ZERO
            for payment in collection["payments"]:
                if payment["captures"]:
                    refunded += self._refund(order, payment, None, reference=payment["id"])
                else:
                    payment["canceled_at"] = payment["updated_at"] = self.shop.now()
            self._credit(order, collection, refunded)
            collection.update(collection_of(collection), status="canceled")
        for line in order["items"]:
            for row in self.reserved(line["id"]):
                self.release(row, row["quantity"])
        order.update(status="canceled", canceled_at=self.shop.now(), updated_at=self.shop.now())
        return order

    def update(self, key: str, sent: Mapping[str, Any]) -> Row:
        """Change an order's metadata, email or addresses."""
        order = self.find(key)
        order["metadata"] = merged(order["metadata"], sent.get("metadata"))
        for name in ("email", "locale"):
            order[name] = sent.get(name, order[name])
        for name in ("shipping_address", "billing_address"):
            order[name] = {**(order[name] or {}), **sent[name]} if sent.get(name) else order[name]
        self.changed(order, version=False)
        return order
