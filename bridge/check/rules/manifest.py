"""Rules about the manifest: what Linnworks is told about the application."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from bridge.check.context import CheckContext, try_each
from bridge.check.manifest import (
    BATCH_SIZES,
    CONFIGURATION_ENDPOINTS,
    DAILY_ENDPOINTS,
    ENDPOINTS,
    LISTING_ENDPOINTS,
    PARAMETERS,
    POST_SALE_ENDPOINTS,
)
from bridge.check.response_schemas import RESPONSE_SCHEMAS
from bridge.check.rule import RuleArea, RuleFailed, RuleSeverity, RuleSkipped
from bridge.check.wording import summarize

area = RuleArea("Manifest", "channel-integration")
LOGO_SIZE = (57, 57)
LOCAL_URLS = ("http://127.", "http://localhost", "http://[::1]")


@area.rule("MAN-01")
def values_are_strings(context: CheckContext) -> None:
    """Every value in the manifest is a string, including numbers and booleans.

    The portal rejects the manifest, or saves another value.
    """
    parameters = context.client.manifest.parameters
    _require_none(f"{name} is {value!r}" for name, value in parameters.items() if not isinstance(value, str))


@area.rule("MAN-02")
def required_parameters(context: CheckContext) -> None:
    """The manifest names the channel and the endpoints that every integration needs.

    Linnworks has no URL to call.
    """
    text = context.client.manifest.text
    required = ("ChannelName", "ChannelFriendlyName", *CONFIGURATION_ENDPOINTS, "OrdersEndpoint")
    _require_none(f"{name} is missing" for name in required if not text(name))


@area.rule("MAN-12", RuleSeverity.SHOULD, "endpoints-general")
def daily_endpoints(context: CheckContext) -> None:
    """The manifest names an endpoint for everything Linnworks sends daily, supported or not.

    The customer enables despatch, stock or prices and nothing happens; with an endpoint, the response could say why.
    """
    _require_none(f"{name} is missing" for name in DAILY_ENDPOINTS if not context.client.manifest.text(name))


@area.rule("MAN-03")
def channel_name(context: CheckContext) -> None:
    """ChannelName is in upper case, without spaces.

    It becomes the Source of every order, and customers' rules depend on it.
    """
    name = context.client.manifest.text("ChannelName")
    if name and (name != name.upper() or any(letter.isspace() for letter in name)):
        raise RuleFailed(f"ChannelName is {name!r}")


@area.rule("MAN-04")
def batch_sizes(context: CheckContext) -> None:
    """Every batch size is a whole number above 0.

    Linnworks does not know how much to send at once.
    """
    text = context.client.manifest.text
    sizes = {name: text(name) for name in BATCH_SIZES if text(name)}
    _require_none(f"{name} is {size!r}" for name, size in sizes.items() if not size.isdigit() or int(size) == 0)


@area.rule("MAN-05")
def listing_endpoints(context: CheckContext) -> None:
    """IsListingSupported is True or False, and True names all seven listing endpoints.

    The customer starts a listing and cannot finish it.
    """
    manifest = context.client.manifest
    supported = manifest.text("IsListingSupported")
    if supported and supported.lower() not in ("true", "false"):
        raise RuleFailed(f"IsListingSupported is {supported!r}")
    if manifest.supports_listings:
        _require_none(f"{name} is missing" for name in LISTING_ENDPOINTS if not manifest.text(name))


@area.rule("MAN-06")
def distinct_urls(context: CheckContext) -> None:
    """Every endpoint has its own URL.

    Linnworks cannot call an invalid URL, and two calls to the same URL cannot be told apart.
    """
    text = context.client.manifest.text
    urls = {name: text(name) for name in ENDPOINTS if text(name)}
    _require_none(f"{name} is {url!r}" for name, url in urls.items() if not url.startswith(("http://", "https://")))
    first_with_url: dict[str, str] = {}
    for name, url in urls.items():
        first_with_url.setdefault(url, name)
    shared = {name: first_with_url[url] for name, url in urls.items() if first_with_url[url] != name}
    _require_none(f"{name} has the URL of {first}" for name, first in shared.items())


@area.rule("MAN-07", needs=("MAN-06",))
def endpoints_respond(context: CheckContext) -> None:
    """Every endpoint in the manifest responds with status 200 and a JSON object.

    Linnworks may disable the customer's integration automatically because of a wrong URL.
    """
    endpoints = [name for name in RESPONSE_SCHEMAS if context.client.has_endpoint(name)]
    try_each(endpoints, lambda name: context.client.send(name, b"{}", unusual=True))


@area.rule("MAN-08", RuleSeverity.SHOULD)
def logo(context: CheckContext) -> None:
    """ChannelLogoURL is an image of 57 x 57 pixels.

    Customers see a broken or distorted image in the list of channels.
    """
    url = context.client.manifest.text("ChannelLogoURL")
    if not url:
        raise RuleFailed("ChannelLogoURL is missing")
    exchange = context.client.fetch(url)
    size = _image_size(exchange.response_body)
    content_type = exchange.response_headers.get("Content-Type", "")
    if exchange.status != 200 or not content_type.startswith("image/"):
        raise RuleFailed(f"status {exchange.status}, Content-Type {content_type or 'missing'}")
    if size and size != LOGO_SIZE:
        raise RuleFailed(f"the logo has {size[0]} x {size[1]} pixels")


def _image_size(image: bytes) -> tuple[int, int] | None:
    """Return width and height of a PNG or GIF in pixels, None for other formats."""
    if image.startswith(b"\x89PNG") and len(image) >= 24:
        width, height = struct.unpack(">II", image[16:24])
        return width, height
    if image.startswith(b"GIF8") and len(image) >= 10:
        width, height = struct.unpack("<HH", image[6:10])
        return width, height
    return None


@area.rule("MAN-09", RuleSeverity.ADVICE)
def post_sale_endpoints(context: CheckContext) -> None:
    """The manifest names the post-sale endpoints: cancel, refund and their options.

    Cancellations and refunds have to be entered in the shop by hand.
    """
    text = context.client.manifest.text
    *actions, options, options_endpoint = POST_SALE_ENDPOINTS
    missing = [name for name in actions if not text(name)]
    if not text(options) and not text(options_endpoint):
        missing.append(options)
    _require_none(f"{name} is missing" for name in missing)


@area.rule("MAN-10", RuleSeverity.ADVICE)
def https(context: CheckContext) -> None:
    """Every endpoint that is not on this machine uses https.

    Tokens, orders and buyers' addresses are sent unencrypted.
    """
    text = context.client.manifest.text
    urls = {name: text(name) for name in ENDPOINTS if text(name)}
    if not urls:
        raise RuleSkipped("there is no endpoint")
    unencrypted = {name: url for name, url in urls.items() if url.startswith("http://")}
    _require_none(f"{name} is {url}" for name, url in unencrypted.items() if not url.startswith(LOCAL_URLS))


@area.rule("MAN-11", RuleSeverity.ADVICE)
def known_parameters(context: CheckContext) -> None:
    """The manifest has no parameter that Linnworks does not know.

    A misspelt parameter has no effect, without any error.
    """
    unknown = context.client.manifest.parameters.keys() - {*PARAMETERS}
    _require_none(f"{name} is not a parameter of the protocol" for name in unknown)


def _require_none(problems: Iterator[str]) -> None:
    messages = list(problems)
    if messages:
        raise RuleFailed(summarize(messages))
