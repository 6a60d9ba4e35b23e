"""WooCommerce's own fulfilments of an order: what went out, with carrier, number and link, as customers see it.

Newer versions have them where the owner has switched them on. They come beside our own record of a despatch, which
never depends on them: a shop that refuses one has its despatch all the same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from bridge.channels.http import ShopResponse
from bridge.channels.woocommerce.api import FAILED, WooClient, rows_of
from bridge.channels.woocommerce.carriers import OTHER, Shipment
from bridge.channels.woocommerce.order_state import DESPATCH, KEY, WooOrder, key_of, parse_pieces
from bridge.channels.woocommerce.refusals import Blocked, code_of, message_of
from bridge.channels.woocommerce.values import custom_fields, listed, row_id, unescape
from bridge.clock import monotonic
from bridge.errors import ChannelRefused

log = logging.getLogger(__name__)

ABSENT_CACHE, KEPT_CACHE = "woocommerce without fulfilments until", "woocommerce keeps fulfilments"
ABSENT_SECONDS = 600
"""How long a shop without fulfilments is not asked again."""
ITEMS, NUMBER, PROVIDER, NAME, LINK = (
    "_items",
    "_tracking_number",
    "_shipment_provider",
    "_provider_name",
    "_tracking_url",
)
BETWEEN = ", "
"""Stands between the numbers of a parcel that has several: WooCommerce has one for each fulfilment."""

NO_ROUTE = "rest_no_route"

Row = Mapping[str, Any]


class Fulfilments:
    """The fulfilments that belong to the despatches recorded in one order."""

    def __init__(self, shop: WooClient, order: WooOrder) -> None:
        self.shop = shop
        self.order = order
        self.path = f"orders/{order.id}/fulfillments"

    def write(self, key: str, shipments: Sequence[Shipment], begin: Callable[[], None]) -> None:
        """Add the fulfilment of the despatch with this key, or correct the numbers of earlier ones.

        Written before, it changes nothing. Calls `begin` before it adds one.
        """
        rows = self._rows()
        if rows is None:
            return
        for row in self._corrected(key, rows):
            self._correct(row, _texts(self._record(key), "replaces"), shipments)
        if items := self._missing(key, rows):
            begin()
            self._add({ITEMS: items, KEY: key, **_tracking(shipments)})

    def lacks(self, key: str) -> bool:
        """Return whether the shop has fulfilments, and they do not say what the despatch with this key did."""
        rows = self._rows()
        if rows is None:
            return False
        numbers = set(_texts(self._record(key), "numbers"))
        corrected = all(numbers <= set(_numbers(row)) for row in self._corrected(key, rows))
        return not corrected or bool(self._missing(key, rows))

    def has(self, key: str) -> bool:
        """Return whether there is a fulfilment of this key."""
        return any(key_of(row) == key for row in self._rows() or ())

    def _rows(self) -> list[dict[str, Any]] | None:
        """Return the fulfilments, None if the shop has none at all or does not let this key read them."""
        if monotonic() < float(self.shop.cache.get(ABSENT_CACHE, "0")):
            return None
        try:
            answer = self.shop.get(self.path, accept=(HTTPStatus.NOT_FOUND, FAILED))
        except (ChannelRefused, Blocked) as refusal:
            log.warning("WooCommerce does not show the fulfilments of order %s: %s", self.order.id, refusal)
        else:
            if answer.status < HTTPStatus.BAD_REQUEST:
                return [row for row in rows_of(answer) if row_id(row) and not row.get("date_deleted")]
            if answer.status == FAILED or code_of(answer) != NO_ROUTE:
                log.warning("WooCommerce fails to show the fulfilments of order %s", self.order.id)
                return None
        self.shop.cache[ABSENT_CACHE] = str(monotonic() + ABSENT_SECONDS)
        return None

    def _record(self, key: str) -> Mapping[str, Any]:
        record = self.order.fields.get(DESPATCH + key)
        return record if isinstance(record, dict) else {}

    def _corrected(self, key: str, rows: Sequence[Row]) -> list[Row]:
        """Return the fulfilments whose numbers a despatch without pieces adds to or corrects."""
        record = self._record(key)
        return [row for row in rows if not record.get("items") and key_of(row) in _texts(record, "earlier")]

    def _missing(self, key: str, rows: Sequence[Row]) -> list[dict[str, int]]:
        """Return the items of the fulfilment that a despatch lacks.

        Numbers for what went before there were fulfilments get one with these pieces, or with all if it went by hand.
        """
        if any(key_of(row) == key for row in rows):
            return []
        record = self._record(key)
        pieces = dict(parse_pieces(record.get("items", "")))
        if not pieces and not rows:
            earlier = [self._record(one).get("items", "") for one in _texts(record, "earlier")]
            for line, count in (found for items in earlier for found in parse_pieces(items)):
                pieces[line] = pieces.get(line, 0) + count
            pieces = pieces or {line: self.order.ordered(line) for line in self.order.lines}
        return list(self._unfulfilled(pieces, rows))

    def _unfulfilled(self, pieces: Mapping[int, int], rows: Sequence[Row]) -> Iterator[dict[str, int]]:
        """Yield the items of a fulfilment for these pieces, as far as no other one has them."""
        fulfilled: dict[int, int] = {}
        for row in rows:
            for item in listed(_values(row).get(ITEMS)):
                if isinstance(item, dict) and isinstance(item.get("item_id"), int):
                    count = item["qty"] if isinstance(item.get("qty"), int) else 0
                    fulfilled[item["item_id"]] = fulfilled.get(item["item_id"], 0) + count
        for line, count in pieces.items():
            left = min(count, self.order.ordered(line) - fulfilled.get(line, 0)) if line in self.order.lines else 0
            if left > 0:
                yield {"item_id": line, "qty": left}

    def _add(self, values: Mapping[str, Any]) -> None:
        def post(body: Any) -> ShopResponse:
            return self.shop.post(self.path, body, accept=(FAILED,))

        answer = self._send(post, values)
        number = answer.object().get("id") if answer else None
        if not isinstance(number, int) or self.shop.cache.get(KEPT_CACHE):
            return
        if self._keeps(number, values):
            self.shop.cache[KEPT_CACHE] = "yes"
        else:
            self._send(lambda body: self._put(number, body), values)
            if not self._keeps(number, values):
                log.warning(
                    "WooCommerce does not keep the tracking of fulfilment %d of order %s", number, self.order.id
                )

    def _keeps(self, number: int, values: Mapping[str, Any]) -> bool:
        """Return whether the shop has stored the values: some versions accept them and do not."""
        answer = self.shop.get(f"{self.path}/{number}", accept=(HTTPStatus.NOT_FOUND, FAILED))
        stored = _values(answer.object()) if answer.status < HTTPStatus.BAD_REQUEST else {}
        return all(unescape(stored.get(name)) == value for name, value in values.items() if name != ITEMS)

    def _correct(self, row: Row, replaced: Sequence[str], shipments: Sequence[Shipment]) -> None:
        before = _numbers(row)
        kept = [number for number in before if number not in replaced]
        numbers = [*kept, *(one.number for one in shipments if one.number and one.number not in kept)]
        if numbers != before:
            changes = {} if kept else _tracking(shipments)
            values = {**_values(row), **changes, NUMBER: BETWEEN.join(numbers)}
            self._send(lambda body: self._put(int(row["id"]), body), values)

    def _put(self, number: int, body: Any) -> ShopResponse:
        return self.shop.put(f"{self.path}/{number}", body, accept=(FAILED,))

    def _send(self, send: Callable[[Any], ShopResponse], values: Mapping[str, Any]) -> ShopResponse | None:
        """Send a fulfilment's values and return the answer, None if the shop refused them."""
        # without an id of their own the first versions leave them out
        fields = [{"id": 0, "key": name, "value": value} for name, value in values.items()]
        try:
            answer = send({"status": "fulfilled", "is_fulfilled": True, "meta_data": fields})
            refusal = message_of(answer) if answer.status == FAILED else ""
        except (ChannelRefused, Blocked) as error:
            refusal = str(error)
        if refusal:
            log.warning("Order %s was despatched, but WooCommerce takes no fulfilment: %s", self.order.id, refusal)
            return None
        return answer


def _tracking(shipments: Sequence[Shipment]) -> dict[str, str]:
    """Return the fields of a fulfilment that say how it can be followed; the link is that of the first number."""
    if not shipments:
        return {}
    first = shipments[0]
    found = {
        NUMBER: BETWEEN.join(shipment.number for shipment in shipments if shipment.number) or first.link,
        PROVIDER: first.provider if first.carrier else "",
        NAME: first.carrier if first.provider == OTHER else "",
        LINK: first.link,
        "_shipping_option": "manual-entry",  # how WooCommerce's own screen shows it
    }
    return {name: value for name, value in found.items() if value}


def _numbers(row: Row) -> list[str]:
    return [number for number in unescape(_values(row).get(NUMBER)).split(BETWEEN) if number]


def _texts(record: Mapping[str, Any], name: str) -> list[str]:
    return [text for text in listed(record.get(name)) if isinstance(text, str)]


def _values(row: Row) -> dict[str, Any]:
    return {meta["key"]: meta["value"] for meta in custom_fields(row)}
