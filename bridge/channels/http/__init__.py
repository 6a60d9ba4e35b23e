"""How a channel calls a shop over HTTP: time limits, retries, and failures explained to the seller."""

from bridge.channels.http.address import shop_address
from bridge.channels.http.body import Body
from bridge.channels.http.client import ShopClient
from bridge.channels.http.connection_pool import ConnectionPools
from bridge.channels.http.failures import AnswerTooLong, RateLimited, TokenExpired, UnexpectedAnswer
from bridge.channels.http.messages import json_error_message
from bridge.channels.http.response import ShopResponse
from bridge.channels.http.retry_policy import RetryPolicy

__all__ = [
    "AnswerTooLong",
    "Body",
    "ConnectionPools",
    "RateLimited",
    "RetryPolicy",
    "ShopClient",
    "ShopResponse",
    "TokenExpired",
    "UnexpectedAnswer",
    "json_error_message",
    "shop_address",
]
