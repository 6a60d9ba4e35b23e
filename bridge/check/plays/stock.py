"""Stock levels and prices on their way to the channel, and back in the catalogue."""

from __future__ import annotations

from typing import Any

from bridge.check.judge import summary
from bridge.check.linnworks import Answer
from bridge.check.play import Play
from bridge.check.records import Product
from bridge.check.registry import Area, Failed, Skipped

area = Area("Stock and prices", needs=("PRD-01",))


@area.check("STK-01")
def stock(play: Play) -> None:
    """InventoryUpdate answers for every SKU it was sent, in order, and the unknown one bears an Error."""
    products = _some(play.products)
    play.displaced["InventoryUpdate"] = [_row(p, "Quantity", str(max(0, p.quantity))) for p in products]
    play.repair(lambda: _restore(play))
    _update(play, "InventoryUpdate", "Quantity", {p: max(0, p.quantity) + 7 for p in products})


@area.check("STK-02", needs=("STK-01",))
def stock_read_back(play: Play) -> None:
    """Products shows the new quantities."""
    _shown(play, {product.sku: max(0, product.quantity) + 7 for product in _some(play.products)}, {})


@area.check("STK-03", needs=("STK-01",))
def stock_put_back(play: Play) -> None:
    """The old quantities, sent as text, show again."""
    _send(play, "InventoryUpdate", play.displaced.pop("InventoryUpdate"))
    _shown(play, {product.sku: max(0, product.quantity) for product in _some(play.products)}, {})


@area.check("STK-04")
def a_full_batch(play: Play) -> None:
    """A batch of InventoryUpdateBatchSize rows is answered row for row."""
    size = int(play.linnworks.endpoints.get("InventoryUpdateBatchSize", "1000"))
    known = [_row(p, "Quantity", p.quantity) for p in play.catalogue().values() if p.quantity >= 0][:size]
    strangers = [_stranger(play, "Quantity", 1) for _ in range(size - len(known))]
    answer = _send(play, "InventoryUpdate", known + strangers)
    _outcomes(answer, refused={row["SKU"] for row in strangers})


@area.check("STK-05")
def prices(play: Play) -> None:
    """PriceUpdate answers for every row it was sent, in order, and the unknown SKU bears an Error."""
    priced = _priced(play)
    play.displaced["PriceUpdate"] = [_row(p, "Price", f"{price:.2f}") for p, price in priced.items()]
    play.repair(lambda: _restore(play))
    _update(play, "PriceUpdate", "Price", {p: _dearer(price) for p, price in priced.items()})


@area.check("STK-06", needs=("STK-05",))
def prices_read_back(play: Play) -> None:
    """Products shows the new prices."""
    _shown(play, {}, {product.sku: _dearer(price) for product, price in _priced(play).items()})


@area.check("STK-07", needs=("STK-05",))
def prices_put_back(play: Play) -> None:
    """The old prices, sent as text, show again."""
    _send(play, "PriceUpdate", play.displaced.pop("PriceUpdate"))
    _shown(play, {}, {product.sku: price for product, price in _priced(play).items()})


def _some(products: list[Product]) -> list[Product]:
    """The first, a middle and the last product."""
    if not products:
        raise Skipped("the catalogue is empty")
    return list({p.sku: p for p in (products[0], products[len(products) // 2], products[-1])}.values())


def _priced(play: Play) -> dict[Product, float]:
    prices = {product: product.price for product in play.products if product.price is not None}
    return {product: prices[product] for product in _some(list(prices))}


def _dearer(price: float) -> float:
    return round(price + 1.11, 2)


def _row(product: Product, name: str, value: Any) -> dict[str, Any]:
    row = {"SKU": product.sku, "Reference": product.reference, name: value}
    return {**row, "Tag": ""} if name == "Price" else row


def _stranger(play: Play, name: str, value: Any) -> dict[str, Any]:
    word = f"no-such-sku-{play.word()}"
    return _row(Product(sku=word, reference=word, title="", quantity=0, price=None), name, value)


def _update(play: Play, call: str, name: str, values: dict[Product, Any]) -> None:
    rows = [_row(product, name, value) for product, value in values.items()]
    stranger = _stranger(play, name, 5)
    batch = [rows[0], stranger, *rows[1:]]
    if name == "Price":  # one SKU may come with several tags
        batch.append({**stranger, "Tag": "RETAILPRICE"})
    _outcomes(_send(play, call, batch), refused={stranger["SKU"]})


def _send(play: Play, call: str, rows: list[dict[str, Any]]) -> Answer:
    answer = play.call(call, Products=rows).accepted()
    sent, answered = [row["SKU"] for row in rows], [row.get("SKU") for row in answer.rows("Products")]
    left_out = [sku for sku in sent if sku not in set(answered)]
    if left_out:
        raise Failed(summary(f"{sku} was left out: Linnworks may drop it from later updates" for sku in left_out))
    if answered != sent:
        raise Failed(f"{len(sent)} rows were sent, and the {len(answered)} answered do not follow their order")
    return answer


def _outcomes(answer: Answer, refused: set[str]) -> None:
    words = []
    for row in answer.rows("Products"):
        if row.get("Error") and row.get("SKU") not in refused:
            words.append(f'{row.get("SKU")} was refused: "{row["Error"]}"')
        if not row.get("Error") and row.get("SKU") in refused:
            words.append(f"{row.get('SKU')}, which does not exist, was answered without an Error")
    if words:
        raise Failed(summary(words))


def _shown(play: Play, quantities: dict[str, int], prices: dict[str, float]) -> None:
    def wrong() -> str:
        now = play.catalogue()
        gone = [f"{sku} is no longer there" for sku in (*quantities, *prices) if sku not in now]
        if gone:
            return summary(gone)
        stock = [
            f"{sku} shows the quantity {now[sku].quantity}, not {quantity}"
            for sku, quantity in quantities.items()
            if now[sku].quantity != quantity
        ]
        cost = [
            f"{sku} shows the price {now[sku].price}, not {price}"
            for sku, price in prices.items()
            if abs((now[sku].price or 0.0) - price) > 0.005
        ]
        return summary(stock + cost)

    play.eventually(wrong)


def _restore(play: Play) -> None:
    while play.displaced:
        call, rows = play.displaced.popitem()
        play.call(call, Products=rows)
