"""`linnworks-bridge demo`: act as the customers and the owner of an embedded shop."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

import click

from bridge.cli.common import json_option, own_settings, read_secret
from bridge.cli.output import say, show_table
from bridge.errors import BridgeError

if TYPE_CHECKING:
    from bridge.channels.demo.tables import Order, Shop

shop_option = click.option("--shop", "shop_name", metavar="NAME", help="The shop; not needed if there is only one.")

key_option = click.option(
    "--access-key",
    "key_source",
    metavar="FILE",
    help="File with its access key, - for standard input; by default one is created and printed.",
)


@click.group()
def demo() -> None:
    """Act in the embedded shop: place orders, list orders and products.

    A shop is opened by the wizard of an integration, or by `linnworks-bridge demo open`.
    """


@demo.command()
@json_option
def shops(as_json: bool) -> None:
    """List the shops."""
    from bridge.channels.demo.tables import Order, Product, Shop

    _open()
    rows = []
    for shop in Shop.select().order_by(Shop.id):
        products = Product.select().where((Product.shop == shop) & ~Product.variable).count()
        orders = Order.select().where(Order.shop == shop).count()
        rows.append((shop.name, products, orders, f"{shop.created_at:%Y-%m-%d %H:%M} UTC"))
    if_empty = "No shop yet: finish a wizard, or run `linnworks-bridge demo open NAME`."
    show_table(("Shop", "Products", "Orders", "Opened"), rows, if_empty, as_json=as_json)


@demo.command("open")
@click.argument("name")
@key_option
def open_(name: str, key_source: str | None) -> None:
    """Open a new shop with sample data."""
    from bridge.channels.demo import shop

    key = _key(key_source)
    _open()
    if shop.find_shop(name):
        raise BridgeError(f"The shop {name} exists already")
    shop.open_shop(name, key)
    say(f"Opened {name}; its access key is {key}")


@demo.command()
@key_option
@shop_option
def rekey(shop_name: str | None, key_source: str | None) -> None:
    """Change a shop's access key, so that it refuses integrations with the old one."""
    from bridge.channels.demo import shop

    key = _key(key_source)
    row = _the_shop(shop_name)
    shop.change_key(row, key)
    say(f"The access key of {row.name} is now {key}")


@demo.command()
@click.argument("wanted", nargs=-1, metavar="[SKU[=QUANTITY]]...")
@click.option("--unpaid", is_flag=True, help="Leave it unpaid; pay with `linnworks-bridge demo pay`.")
@click.option("--count", default=1, show_default=True, type=click.IntRange(1, 10_000), help="How many such orders.")
@shop_option
def order(shop_name: str | None, wanted: tuple[str, ...], unpaid: bool, count: int) -> None:
    """Place an order for the SKUs given, or for two random products."""
    from bridge.channels.demo.orders import place_order

    shop = _the_shop(shop_name)
    quantities: dict[str, int] = {}
    for text in wanted:
        sku, _, quantity = text.partition("=")
        if not re.fullmatch("[1-9][0-9]{0,3}", quantity or "1"):
            raise click.UsageError(f"{text}: expected SKU or SKU=QUANTITY")
        quantities[sku] = quantities.get(sku, 0) + int(quantity or "1")
    for _ in range(count):
        placed = place_order(shop, quantities, paid=not unpaid)
        say(f"Placed order {placed.number}: " + ", ".join(f"{line.quantity} x {line.sku}" for line in placed.lines))


@demo.command()
@click.argument("number")
@shop_option
def pay(shop_name: str | None, number: str) -> None:
    """Pay an unpaid order."""
    from bridge.channels.demo import orders

    orders.pay(orders.find_order(_the_shop(shop_name), number))
    say(f"Order {number} is paid")


@demo.command()
@click.argument("number")
@shop_option
def cancel(shop_name: str | None, number: str) -> None:
    """Cancel all open lines of an order, as its customer would."""
    from bridge.channels.demo import orders

    order = orders.find_order(_the_shop(shop_name), number)
    orders.cancel_by_hand(order, "Cancelled by the customer")
    say(f"Order {number} is cancelled")


@demo.command()
@click.option("--status", metavar="STATUS", help="Only these: unpaid, paid, part-shipped, shipped or cancelled.")
@click.option("--last", default=20, show_default=True, type=click.IntRange(1, 10_000), help="How many.")
@json_option
@shop_option
def orders(shop_name: str | None, status: str | None, last: int, as_json: bool) -> None:
    """List orders, the newest last."""
    from bridge.channels.demo.orders import total_paid
    from bridge.channels.demo.tables import Order

    shop = _the_shop(shop_name)
    query = Order.select().where(Order.shop == shop)
    if status:
        query = query.where(Order.status == status)
    cells = []
    for row in reversed(list(query.order_by(Order.id.desc()).limit(last))):
        lines = list(row.lines)
        total = f"{total_paid(row, lines):.2f} {row.currency}"
        cells.append((row.number, f"{row.created_at:%Y-%m-%d %H:%M}", row.buyer, row.status, len(lines), total))
    show_table(("Order", "Placed", "Buyer", "Status", "Lines", "Total"), cells, as_json=as_json)


@demo.command()
@click.argument("number")
@shop_option
def show(shop_name: str | None, number: str) -> None:
    """Show an order: its lines, and what happened to it."""
    from bridge.channels.demo.orders import find_order
    from bridge.channels.demo.tables import Event

    row: Order = find_order(_the_shop(shop_name), number)
    say(f"Order {row.number} of {row.buyer}, {row.status}, {row.payment}, {row.shipping}")
    columns = ("Line", "SKU", "Title", "Price", "Ordered", "Sent", "Cancelled", "Refunded")
    cells = []
    for line in row.lines:
        counts = (line.quantity, line.despatched, line.cancelled)
        cells.append((line.number, line.sku, line.title, f"{line.price:.2f}", *counts, f"{line.refunded:.2f}"))
    show_table(columns, cells)
    for event in Event.select().where(Event.order == row.id).order_by(Event.id):
        say(f"{event.happened_at:%Y-%m-%d %H:%M} {event.note}")


@demo.command()
@click.option("--search", metavar="TEXT", help="Only those with this in their SKU or title.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="How many.")
@json_option
@shop_option
def products(shop_name: str | None, search: str | None, limit: int, as_json: bool) -> None:
    """List products with their stock and prices."""
    from bridge.channels.demo.tables import Product

    shop = _the_shop(shop_name)
    query = Product.select().where((Product.shop == shop) & ~Product.variable)
    if search:
        query = query.where(Product.sku.contains(search) | Product.title.contains(search))
    cells = []
    for row in query.order_by(Product.id).limit(limit):
        cells.append(
            (row.sku, row.title, row.stock, f"{row.price:.2f}", f"{row.list_price:.2f}" if row.list_price else "")
        )
    show_table(("SKU", "Title", "Stock", "Price", "List price"), cells, as_json=as_json)


def _key(source: str | None) -> str:
    """Return the access key in a file, or a new one."""
    key = read_secret(source, "the access key") if source else secrets.token_urlsafe(12)
    if not key:
        raise BridgeError(f"{source} has no access key")
    return key


def _open() -> None:
    from bridge.channels.demo.tables import open_shops

    open_shops(own_settings().data_dir)


def _the_shop(name: str | None) -> Shop:
    from bridge.channels.demo.tables import Shop

    _open()
    found = list(Shop.select().where(Shop.name == name) if name else Shop.select().order_by(Shop.id))
    if len(found) == 1:
        return found[0]
    if name:
        raise BridgeError(f"There is no shop {name}")
    names = ", ".join(shop.name for shop in found)
    raise BridgeError(
        f"Name the shop with --shop: {names}"
        if found
        else "No shop yet: finish a wizard, or run `linnworks-bridge demo open NAME`"
    )
