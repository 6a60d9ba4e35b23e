"""The address of a shop, and whether a URL stays within it."""

from __future__ import annotations

from urllib.parse import urlsplit

import idna

from bridge.errors import ChannelRefused

DEFAULT_PORTS = {"http": 80, "https": 443}
LONGEST_HOST = 100  # characters of a host name in an error message


def shop_address(text: str) -> str:
    """Return the complete URL for a shop's address as a seller types it; raises ChannelRefused if it is invalid.

    A host name with other letters than ASCII's is returned as DNS and HTTP write it: käse.example as
    xn--kse-qla.example.
    """
    text = text.strip()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        valid = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc and parts.port != 0
        if not parts.netloc.isascii():
            host = idna.encode(parts.hostname or "", uts46=True).decode()
            parts = parts._replace(netloc=f"{host}:{parts.port}" if parts.port else host)
    except ValueError:
        valid = None
    if not valid or parts.query or parts.fragment or not text.isprintable() or " " in text:
        raise ChannelRefused("The shop's address is not valid: it should look like https://shop.example.com")
    return parts.geturl().rstrip("/")


def copied_address(text: str) -> str:
    """Return `shop_address` of what a seller copied from the browser, which may have a query and a fragment."""
    return shop_address(text.partition("?")[0].partition("#")[0])


def same_address(url: str) -> str:
    """Return host, port and folder of a URL: the same for http and https, and with or without "www."."""
    scheme, host, port = origin(url)
    host, path = (host or "").removeprefix("www."), urlsplit(url).path
    return f"{host}{path}" if port == DEFAULT_PORTS[scheme] else f"{host}:{port}{path}"


def require_https(url: str, *, allow_http: bool) -> None:
    """Raise ChannelRefused for http:// unless the operator allows shops in the bridge's own network."""
    if url.startswith("http:") and not allow_http:
        raise ChannelRefused(
            "The shop's address must begin with https://; http:// is for a shop in the bridge's own network, "
            "if the operator allows that"
        )


def origin(url: str | None) -> tuple[str, str | None, int | None]:
    """Return scheme, host and port: credentials for one origin are sent to no other."""
    parts = urlsplit(url or "")
    return parts.scheme, parts.hostname, parts.port or DEFAULT_PORTS.get(parts.scheme)


def other_origin(url: str | None) -> ChannelRefused:
    """Return the error for a shop that leads to another origin."""
    scheme, host, _ = origin(url)
    return ChannelRefused(f"The shop redirects to {scheme}://{(host or '')[:LONGEST_HOST]}: is its address right?")
