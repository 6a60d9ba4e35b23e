"""How a channel calls a shop over HTTP: in time, politely, and with every failure told in words for the seller."""

from bridge.channels.http.client import RetryPolicy, ShopClient, StrangeAnswer, shop_address
from bridge.channels.http.connection_pool import ConnectionPools
from bridge.channels.http.response import ShopResponse

__all__ = ["ConnectionPools", "RetryPolicy", "ShopClient", "ShopResponse", "StrangeAnswer", "shop_address"]
