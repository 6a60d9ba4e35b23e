"""Stock levels and prices by SKU."""

from bridge.channels.medusa.prices import set_prices
from bridge.channels.medusa.stock import set_stock

__all__ = ["set_prices", "set_stock"]
