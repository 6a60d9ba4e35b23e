"""Reaching a shop: only at public addresses, and never for longer than there is time.

Whatever fails until a connection stands is raised as NotReached, so everything else that fails may have
been done by the shop.
"""

from __future__ import annotations

import ipaddress
import logging
import queue
import socket
import ssl
import threading
import time
from functools import cache, partial
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import certifi
import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from bridge import __version__
from bridge.errors import ChannelRefused, ChannelUnavailable

LEAST_SECONDS = 0.001  # a time-out of zero would mean that nothing is waited for at all
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
INWARDS = [ipaddress.IPv4Network(network) for network in ("192.0.0.0/24", "168.63.129.16")]  # clouds' own services

# what urllib3 says of a call names its whole URL, and some shops take credentials there
logging.getLogger("urllib3").setLevel(logging.CRITICAL)


class NotReached(ChannelUnavailable):
    """No connection came about, so the shop was asked nothing; `again` is whether another try makes sense."""

    def __init__(self, words: str, again: bool = True) -> None:
        super().__init__(words)
        self.again = again


def new_session(public_only: bool, connections: int) -> requests.Session:
    """A session that keeps this many connections, takes no cookies, and heeds nothing of the environment."""
    session = requests.Session()
    session.trust_env = False
    session.headers.update({"User-Agent": f"linnworks-bridge/{__version__}", "Accept-Encoding": "gzip, deflate"})
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter(public_only, connections))
    return session


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet, and so is any other that is hidden in it."""
    ip = ipaddress.ip_address(address)
    hidden: list[ipaddress.IPv4Address | None] = []
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped or ip in NAT64:
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
        hidden = [ip.sixtofour, *(ip.teredo or ())]
    return (
        ip.is_global
        and not (ip.is_multicast or ip.is_reserved or any(ip in network for network in INWARDS))
        and not (isinstance(ip, ipaddress.IPv6Address) and ip.is_site_local)
        and all(is_public(str(inner)) for inner in hidden if inner)
    )


class _Patient(socket.socket):
    """A socket whose time-out is for all that happens until it is set again, however slowly bytes trickle."""

    _end: float | None = None

    def settimeout(self, value: float | None) -> None:
        self._end = None if value is None else time.monotonic() + value
        super().settimeout(value)

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self._go_on()
        return super().recv_into(*args, **kwargs)

    def send(self, *args: Any, **kwargs: Any) -> int:
        self._go_on()
        return super().send(*args, **kwargs)

    def _go_on(self) -> None:
        if self._end is not None:
            left = self._end - time.monotonic()
            if left <= 0:
                raise TimeoutError
            super().settimeout(left)


class _PatientTLS(_Patient, ssl.SSLSocket):
    """The same over TLS."""


@cache
def trusted() -> ssl.SSLContext:
    """The authorities that are trusted, read once, because urllib3 would read them for each connection."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()
    context.sslsocket_class = _PatientTLS
    return context


class _Connection(HTTPConnection):
    """A connection to the very address that was checked."""

    def __init__(self, *args: Any, public_only: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._public_only = public_only

    def connect(self) -> None:
        end = time.monotonic() + (self.timeout or 0)
        try:
            super().connect()
        except ssl.SSLCertVerificationError:
            raise NotReached("The certificate of the shop's address is not valid", again=False) from None
        except TimeoutError:
            raise NotReached("The shop did not answer in time") from None
        except OSError:
            raise NotReached("A secure connection to the shop could not be made") from None
        assert self.sock
        self.sock.settimeout(max(end - time.monotonic(), LEAST_SECONDS))

    def _new_conn(self) -> socket.socket:
        end = time.monotonic() + (self.timeout or 0)
        found = _resolve(self._dns_host, self.port, self.timeout or 0)
        if self._public_only and not all(is_public(address[0]) for _, address in found):
            raise ChannelRefused("The shop's address is in a private network, where this bridge may not look")
        words = "The shop cannot be reached"
        for number, (family, address) in enumerate(found):
            share = (end - time.monotonic()) / (len(found) - number)
            sock = _Patient(family, socket.SOCK_STREAM)
            try:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.settimeout(max(share, LEAST_SECONDS))
                sock.connect(address)
            except OSError as error:
                sock.close()
                words = "The shop did not answer in time" if isinstance(error, TimeoutError) else words
            else:
                sock.settimeout(max(end - time.monotonic(), LEAST_SECONDS))
                return sock
        raise NotReached(words)


class _TLSConnection(_Connection, HTTPSConnection):
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


class _Adapter(HTTPAdapter):
    def __init__(self, public_only: bool, connections: int) -> None:
        super().__init__(pool_connections=1, pool_maxsize=connections)
        self.poolmanager.connection_pool_kw["ssl_context"] = trusted()
        self.poolmanager.pool_classes_by_scheme = {
            "http": partial(_Pool, public_only=public_only),
            "https": partial(_TLSPool, public_only=public_only),
        }

    def cert_verify(self, *args: Any) -> None:
        """Leave the trusted authorities as they are in the context."""


def _resolve(host: str, port: int, seconds: float) -> list[tuple[int, Any]]:
    """The addresses of a host with their families, asked for in a thread because the system sets no time limit."""
    answers: queue.SimpleQueue[list[Any]] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError):
            answers.put([])

    threading.Thread(target=ask, daemon=True).start()
    try:
        found = answers.get(timeout=max(seconds, LEAST_SECONDS))
    except queue.Empty:
        raise NotReached("The shop's address was not found in time") from None
    if not found:
        raise NotReached(f"The shop's address {host[:253]} was not found")
    return [(family, address) for family, _, _, _, address in found]
