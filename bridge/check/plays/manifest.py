"""The manifest, before anything is called: what Linnworks is told about the application."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from bridge.check.judge import summary
from bridge.check.manifest import AFTER_THE_SALE, BATCHES, CONFIGURATION, ENDPOINTS, LISTINGS, PARAMETERS, SALES
from bridge.check.play import Play, try_each
from bridge.check.registry import Area, Failed, Severity, Skipped
from bridge.check.shapes import SHAPES

area = Area("Manifest", "channel-integration")
LOGO = (57, 57)


@area.check("MAN-01")
def texts(play: Play) -> None:
    """Every value of the manifest is a string, numbers and flags too.

    The portal refuses the manifest, or saves something else.
    """
    given = play.linnworks.manifest.given
    _none(f"{name} is {value!r}" for name, value in given.items() if not isinstance(value, str))


@area.check("MAN-02")
def complete(play: Play) -> None:
    """The manifest names the channel, and the endpoints without which nothing can be integrated.

    Linnworks has nowhere to call.
    """
    says = play.linnworks.manifest.says
    wanted = ("ChannelName", "ChannelFriendlyName", *CONFIGURATION, "OrdersEndpoint")
    _none(f"{name} is missing" for name in wanted if not says(name))


@area.check("MAN-12", Severity.SHOULD, "endpoints-general")
def day_by_day(play: Play) -> None:
    """The manifest names an endpoint for all that Linnworks sends day by day, supported or not.

    The customer switches despatch, stock or prices on and nothing happens; an answer could say so.
    """
    _none(f"{name} is missing" for name in SALES if not play.linnworks.manifest.says(name))


@area.check("MAN-03")
def the_channel_s_name(play: Play) -> None:
    """ChannelName is upper case, without spaces.

    It becomes the Source of every order, by which customers' rules know the channel.
    """
    name = play.linnworks.manifest.says("ChannelName")
    if name and (name != name.upper() or any(letter.isspace() for letter in name)):
        raise Failed(f"ChannelName is {name!r}")


@area.check("MAN-04")
def batch_sizes(play: Play) -> None:
    """Every batch size is a whole number above 0.

    Linnworks cannot tell how much to send at once.
    """
    says = play.linnworks.manifest.says
    _none(f"{name} is {says(name)!r}" for name in BATCHES if says(name) and not _counts(says(name)))


def _counts(size: str) -> bool:
    return size.isdigit() and int(size) > 0


@area.check("MAN-05")
def listing_endpoints(play: Play) -> None:
    """IsListingSupported is True or False, and True names all seven listing endpoints.

    The customer begins to list and cannot finish.
    """
    manifest = play.linnworks.manifest
    says = manifest.says("IsListingSupported")
    if says and says.lower() not in ("true", "false"):
        raise Failed(f"IsListingSupported is {says!r}")
    _none(f"{name} is missing" for name in LISTINGS if manifest.lists and not manifest.says(name))


@area.check("MAN-06")
def addresses(play: Play) -> None:
    """Every endpoint is a URL of its own.

    Linnworks cannot call what is no address, nor tell two calls at one address apart.
    """
    says = play.linnworks.manifest.says
    urls = {name: says(name) for name in ENDPOINTS if says(name)}
    _none(f"{name} is {url!r}" for name, url in urls.items() if not url.startswith(("http://", "https://")))
    owners: dict[str, str] = {}
    shared = ((name, owners.setdefault(url, name)) for name, url in urls.items())
    _none(f"{name} has the URL of {owner}" for name, owner in shared if name != owner)


@area.check("MAN-07", needs=("MAN-06",))
def reachable(play: Play) -> None:
    """Every endpoint of the manifest answers with 200 and a JSON object.

    A URL that leads nowhere may get the customer's integration disabled automatically.
    """
    offered = [name for name in SHAPES if play.linnworks.offers(name)]
    try_each(offered, lambda name: play.linnworks.send(name, b"{}", odd=True))


@area.check("MAN-08", Severity.SHOULD)
def logo(play: Play) -> None:
    """ChannelLogoURL leads to an image of 57 x 57 pixels.

    Customers see a broken image, or a squeezed one, in the list of channels.
    """
    url = play.linnworks.manifest.says("ChannelLogoURL")
    if not url:
        raise Failed("ChannelLogoURL is missing")
    exchange = play.linnworks.look(url)
    size = _pixels(exchange.answered)
    if exchange.status != 200 or not exchange.headers.get("Content-Type", "").startswith("image/"):
        raise Failed(f"status {exchange.status}, type {exchange.headers.get('Content-Type')}")
    if size not in (None, LOGO):
        raise Failed(f"the logo has {size[0]} x {size[1]} pixels" if size else "")


def _pixels(image: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG or GIF; None of what is neither."""
    if image.startswith(b"\x89PNG") and len(image) >= 24:
        width, height = struct.unpack(">II", image[16:24])
        return width, height
    if image.startswith(b"GIF8") and len(image) >= 10:
        width, height = struct.unpack("<HH", image[6:10])
        return width, height
    return None


@area.check("MAN-09", Severity.ADVICE)
def after_the_sale(play: Play) -> None:
    """The manifest names endpoints for what happens after the sale: cancel, refund and their options.

    Cancellations and refunds have to be entered in the shop by hand.
    """
    says = play.linnworks.manifest.says
    *writes, options, other = AFTER_THE_SALE
    missing = [name for name in writes if not says(name)]
    _none(f"{name} is missing" for name in missing + ([] if says(options) or says(other) else [options]))


@area.check("MAN-10", Severity.ADVICE)
def secure(play: Play) -> None:
    """Every endpoint away from this machine is reached over https.

    Tokens, orders and buyers' addresses travel in clear text.
    """
    says = play.linnworks.manifest.says
    plain = [name for name in ENDPOINTS if says(name).startswith("http://")]
    local = ("http://127.", "http://localhost", "http://[::1]")
    if not plain and not any(says(name) for name in ENDPOINTS):
        raise Skipped("there is no endpoint")
    _none(f"{name} is {says(name)}" for name in plain if not says(name).startswith(local))


@area.check("MAN-11", Severity.ADVICE)
def names(play: Play) -> None:
    """The manifest has no parameter that Linnworks does not know.

    A misspelt name is as good as missing, and nobody is told.
    """
    _none(f"{name} is not a parameter of the protocol" for name in play.linnworks.manifest.given.keys() - {*PARAMETERS})


def _none(faults: Iterator[str]) -> None:
    words = list(faults)
    if words:
        raise Failed(summary(words))
