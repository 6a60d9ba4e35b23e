"""Calls about one order of a Medusa shop, each of which gives the order as it is then."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from bridge import clock
from bridge.channels.http import ShopResponse
from bridge.channels.medusa.api import MedusaClient, rows_of
from bridge.channels.medusa.order_state import FIELDS, MedusaOrder
from bridge.channels.medusa.preferences import Preferences
from bridge.errors import ChannelRefused, ChannelUnavailable

ID = re.compile(r"[A-Za-z0-9_-]{1,255}", re.ASCII)
LAST_CALL = "medusa last call of "
IS_EDITED = "active order change"
"""Medusa's words for an order that is edited, or at which another call is at work; it then does nothing."""


@dataclass(frozen=True)
class OrderCalls:
    """The calls about one order; `just_read` has orders that were read and not changed since, by reference."""

    shop: MedusaClient
    preferences: Preferences
    reference: str
    just_read: dict[str, MedusaOrder] = field(default_factory=dict)

    def find(self) -> MedusaOrder | None:
        """Return the order, or None if the shop has none with this reference."""
        if not ID.fullmatch(self.reference):
            return None
        answer = self.shop.get(f"orders/{self.reference}", {"fields": FIELDS}, accept=(HTTPStatus.NOT_FOUND,))
        return None if answer.status == HTTPStatus.NOT_FOUND else self._order(answer)

    def known(self) -> MedusaOrder | None:
        """Return the order as it was just read, or else as it is now."""
        return self.just_read.get(self.reference) or self.find()

    def take(self) -> MedusaOrder:
        """Return the order before it is changed; raises ChannelRefused if the shop has none."""
        order = self.just_read.pop(self.reference, None)
        return order or self.now()

    def now(self) -> MedusaOrder:
        """Return the order as it is now; raises ChannelRefused if the shop has none."""
        order = self.find()
        if order is None:
            raise ChannelRefused(f"The shop has no order {self.reference}")
        return order

    def change(self, path: str, body: Any, *, repeatable: bool = False) -> MedusaOrder:
        """Change the order by a call below its path, and return it as it is then.

        Raises ChannelUnavailable while the order is edited, and ChannelRefused with Medusa's words.
        """
        try:
            answer = self.shop.post(f"orders/{self.reference}{path}?fields={FIELDS}", body, repeatable=repeatable)
        except ChannelRefused as refusal:
            if IS_EDITED in str(refusal):
                raise self.is_edited() from refusal
            raise
        return self._order(answer)

    def is_edited(self) -> ChannelUnavailable:
        """Return the error for an order that is being edited in Medusa, where nothing can be done to it."""
        return ChannelUnavailable(
            f"Order {self.reference} is being edited in Medusa: confirm or cancel that edit, return or exchange"
        )

    def require_no_edit(self) -> None:
        """Raise ChannelUnavailable while an edit is open: Medusa would refund the money, and then refuse to book it."""
        query = {"status": ["pending", "requested"], "fields": "id"}
        if rows_of(self.shop.get(f"orders/{self.reference}/changes", query), "order_changes"):
            raise self.is_edited()

    def _order(self, answer: ShopResponse) -> MedusaOrder:
        row = answer.find("order")
        if not isinstance(row, dict) or row.get("id") != self.reference:
            raise answer.unusable("The shop answered something else than the expected order")
        return MedusaOrder(row, answer.date or clock.now(), self.preferences.ships)

    # -- the last call of an action --------------------------------------------------------------------

    def begin(self, key: str, call: str) -> None:
        """Remember the call that follows, in case that its answer is lost."""
        self.shop.cache[LAST_CALL + key] = call

    def finished(self, key: str) -> None:
        """Forget the calls of an action that is complete."""
        self.shop.cache.pop(LAST_CALL + key, None)

    def last_call(self, key: str) -> str:
        """Return the last call that this process made for an action; "" if it made none."""
        return self.shop.cache.get(LAST_CALL + key, "")
