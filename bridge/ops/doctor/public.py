"""Checks of what the public address exposes: whose X-Forwarded-For is believed, and whether OAuth is on."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from bridge.ops.doctor.findings import Finding, ok, warning
from bridge.protocol import oauth
from bridge.protocol.rate_limit import is_loopback
from bridge.settings import Network, Settings

INTERNAL = [
    ip_network(text)
    for text in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16", "100.64.0.0/10"),
        *("::1/128", "fc00::/7", "fe80::/10"),
    )
]
WIDEST = {4: 12, 6: 28}
"""The shortest prefix, by IP version, of a range of public addresses that a provider of proxies may have."""


def trusted_proxies(settings: Settings) -> Iterator[Finding]:
    """Check that BRIDGE_TRUSTED_PROXIES names the proxy, if there has to be one, and not half of the internet."""
    name, networks = "trusted proxies", settings.trusted_proxies
    wide = [str(network) for network in networks if _is_too_wide(network)]
    host = settings.bind.rpartition(":")[0].strip("[]")
    if wide:
        message = f"{', '.join(wide)} lets callers choose the address they are counted by"
        yield warning(name, message, "set BRIDGE_TRUSTED_PROXIES to your own proxies only, such as 127.0.0.1, ::1")
    elif not _is_public(settings):
        yield ok(name, ", ".join(map(str, networks)) or "none, and no proxy is needed")
    elif not networks:
        message = "none, so all callers count as one: those who flood the bridge slow down Linnworks too"
        yield warning(name, message, "set BRIDGE_TRUSTED_PROXIES to the address of your proxy, such as 127.0.0.1, ::1")
    elif is_loopback(host) and not any(ip_address(host) in network for network in networks):
        message = (
            f"BRIDGE_BIND is {settings.bind}, where only a proxy on this machine can call, and it is not among them"
        )
        yield warning(name, message, "set BRIDGE_TRUSTED_PROXIES to 127.0.0.1, ::1")
    else:
        yield ok(name, ", ".join(map(str, networks)))


def oauth_is_on(settings: Settings) -> Iterator[Finding]:
    """Check that only Linnworks can call a public address."""
    if oauth.is_required():
        yield ok("oauth", "on: only clients with a secret can call")
    elif _is_public(settings):
        advice = "linnworks-bridge oauth create, then enter the new manifest and the secret; see docs/install.md"
        yield warning("oauth", f"off: anyone who knows {settings.url} can add integrations", advice)
    else:
        yield ok("oauth", "off, and the address is not public")


def _is_public(settings: Settings) -> bool:
    """Return whether others than this machine call the bridge, which then needs a proxy with TLS."""
    url = urlsplit(settings.url)
    return url.scheme == "https" or not (url.hostname == "localhost" or is_loopback(url.hostname or ""))


def _is_too_wide(network: Network) -> bool:
    internal = any(other.version == network.version and _within(network, other) for other in INTERNAL)
    return not internal and network.prefixlen < WIDEST[network.version]


def _within(network: Network, other: Network) -> bool:
    return network.prefixlen >= other.prefixlen and network.network_address in other
