"""How a channel calls a shop over HTTP: in time, politely, and with every failure told in words for the seller."""

from bridge.channels.http.answer import Answer
from bridge.channels.http.client import Habits, ShopClient, StrangeAnswer, shop_address
from bridge.channels.http.line import Lines

__all__ = ["Answer", "Habits", "Lines", "ShopClient", "StrangeAnswer", "shop_address"]
