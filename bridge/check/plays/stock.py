"""Stock levels and prices on their way to the channel, and back in the catalogue."""

from __future__ import annotations

import json
from typing import Any

from bridge.check.judge import summary
from bridge.check.play import Play
from bridge.check.records import Product
from bridge.check.registry import Area, Failed, Severity, Skipped

area = Area("Stock and prices", "ep:inventory-update", needs=("PRD-01",), changes=True)
PRICES = "ep:price-update"


@area.check("STK-01", Severity.SHOULD)
def stock(play: Play) -> None:
    """InventoryUpdate takes the levels of known SKUs.

    Linnworks shows an error on each of them and sends the level again and again.
    """
    products = _some(play.products)
    play.displaced["InventoryUpdate"] = [p.row("Quantity", max(0, p.quantity)) for p in products]
    play.repair(lambda: _restore(play))
    _taken(play, "InventoryUpdate", [p.row("Quantity", max(0, p.quantity) + 7) for p in products])


@area.check("STK-02", Severity.SHOULD, needs=("STK-01",))
def stock_read_back(play: Play) -> None:
    """Products shows the new quantities.

    Linnworks compares the quantity with what it last sent and sends the stock again on every difference.
    """
    _shown(play, {product.sku: max(0, product.quantity) + 7 for product in _some(play.products)}, {})


@area.check("STK-03", Severity.SHOULD, needs=("STK-01",), after=("STK-02",))
def stock_put_back(play: Play) -> None:
    """The old quantities show again once they are sent.

    An older level that comes through late sells what is not there.
    """
    _taken(play, "InventoryUpdate", play.displaced.pop("InventoryUpdate"))
    _shown(play, {product.sku: max(0, product.quantity) for product in _some(play.products)}, {})


@area.check("STK-04", after=("STK-03",))
def a_full_batch(play: Play) -> None:
    """A batch of InventoryUpdateBatchSize rows is answered in time.

    After ten seconds Linnworks drops the connection and sends the whole batch again, in vain.
    """
    size = play.linnworks.manifest.batch("InventoryUpdate", 1000)
    known = [p.row("Quantity", p.quantity) for p in play.catalogue().values() if p.quantity >= 0][:size]
    strangers = [_stranger(play, "Quantity", 1) for _ in range(size - len(known))]
    play.update("InventoryUpdate", known + strangers)


@area.check("STK-05", Severity.SHOULD, PRICES)
def prices(play: Play) -> None:
    """PriceUpdate takes the prices of known SKUs.

    Linnworks shows an error on each of them and sends the price again and again.
    """
    priced = _priced(play)
    play.displaced["PriceUpdate"] = [p.row("Price", price) for p, price in priced.items()]
    play.repair(lambda: _restore(play))
    _taken(play, "PriceUpdate", [p.row("Price", _dearer(price)) for p, price in priced.items()])


@area.check("STK-06", Severity.SHOULD, PRICES, needs=("STK-05",))
def prices_read_back(play: Play) -> None:
    """Products shows the new prices.

    The customer changes a price in Linnworks, and the shop sells at the old one.
    """
    _shown(play, {}, {product.sku: _dearer(price) for product, price in _priced(play).items()})


@area.check("STK-07", Severity.SHOULD, PRICES, needs=("STK-05",), after=("STK-06",))
def prices_put_back(play: Play) -> None:
    """The old prices show again once they are sent.

    An older price that comes through late stays for good.
    """
    _taken(play, "PriceUpdate", play.displaced.pop("PriceUpdate"))
    _shown(play, {}, {product.sku: price for product, price in _priced(play).items()})


@area.check("STK-08", Severity.SHOULD)
def an_unknown_sku(play: Play) -> None:
    """A stock level for a SKU that the shop does not have bears its own Error, and the known one beside it none.

    Nobody learns that the product is gone from the shop.
    """
    product = _some(play.products)[0]
    _one_refused(play, "InventoryUpdate", product.row("Quantity", max(0, product.quantity)), "Quantity")


@area.check("STK-09", Severity.SHOULD, PRICES)
def an_unknown_sku_s_price(play: Play) -> None:
    """A price for a SKU that the shop does not have bears its own Error, and the known one beside it none.

    Nobody learns that the product is gone from the shop.
    """
    product, price = next(iter(_priced(play).items()))
    _one_refused(play, "PriceUpdate", product.row("Price", price), "Price")


@area.check("STK-10", Severity.SHOULD)
def nothing_to_update(play: Play) -> None:
    """An update of no products is no Error.

    There is nothing that could have failed.
    """
    for name in ("InventoryUpdate", "PriceUpdate"):
        if play.linnworks.offers(name):
            content = json.dumps({"AuthorizationToken": play.first.token, "Products": []}).encode()
            play.linnworks.send(name, content, odd=True).accepted()


@area.check("STK-11", Severity.ADVICE, "ep:inventory-update, endpoints-general")
def quantities_as_text(play: Play) -> None:
    """A level sent as text is understood.

    On several numbers the pages and their samples disagree whether they are texts.
    """
    product = _some(play.products)[0]
    _taken(play, "InventoryUpdate", [product.row("Quantity", str(max(0, product.quantity)))])


@area.check("STK-12", Severity.ADVICE, PRICES)
def two_prices_of_one_sku(play: Play) -> None:
    """A SKU that comes with two price tags is answered twice.

    Which of the two prices failed cannot be told.
    """
    product, price = next(iter(_priced(play).items()))
    rows = [product.row("Price", price), {**product.row("Price", price), "Tag": "RETAILPRICE"}]
    answer = play.call("PriceUpdate", Products=rows).accepted()
    answered = sum(row.get("SKU") == product.sku for row in answer.rows("Products"))
    if answered not in (0, len(rows)):
        raise Failed(f"{len(rows)} rows of {product.sku} were sent and {answered} answered", answer.exchange)


@area.check("STK-13", Severity.ADVICE)
def row_for_row(play: Play) -> None:
    """The rows of an update are answered one for one, in their order.

    Whoever reads the answer beside the request, in a log or a test, is led astray.
    """
    known = [product.row("Quantity", max(0, product.quantity)) for product in _some(play.products)]
    rows = [known[0], _stranger(play, "Quantity", 5), *known[1:]]
    answer = play.call("InventoryUpdate", Products=rows).accepted()
    answered = [row.get("SKU") for row in answer.rows("Products")]
    if answered != [row["SKU"] for row in rows]:
        raise Failed(
            f"{len(rows)} rows were sent, and the {len(answered)} answered do not follow them", answer.exchange
        )


def _some(products: list[Product]) -> list[Product]:
    """The first, a middle and the last product."""
    known = [product for product in products if product.sku]
    if not known:
        raise Skipped("the catalogue is empty")
    return list({p.sku: p for p in (known[0], known[len(known) // 2], known[-1])}.values())


def _priced(play: Play) -> dict[Product, float]:
    prices = {product: product.price for product in play.products if product.price is not None}
    if not prices:
        raise Skipped("no product shows a price")
    return {product: prices[product] for product in _some(list(prices))}


def _dearer(price: float) -> float:
    return round(price + 1.11, 2)


def _stranger(play: Play, name: str, value: Any) -> dict[str, Any]:
    word = f"no-such-sku-{play.word()}"
    return Product(sku=word, reference=word, title="", quantity=0, price=None).row(name, value)


def _taken(play: Play, name: str, rows: list[dict[str, Any]]) -> None:
    answered = play.update(name, rows)
    words = [f'{sku} was refused: "{row["Error"]}"' for sku, row in answered.items() if row.get("Error")]
    if words:
        raise Failed(summary(words))


def _one_refused(play: Play, name: str, known: dict[str, Any], value: str) -> None:
    stranger = _stranger(play, value, 5)
    answered = play.update(name, [stranger, known])
    if answered[known["SKU"]].get("Error"):
        raise Failed(f'{known["SKU"]} was refused: "{answered[known["SKU"]]["Error"]}"')
    if not answered[stranger["SKU"]].get("Error"):
        raise Failed(f"{stranger['SKU']}, which does not exist, was answered without an Error")


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
