"""Connections to a shop: only to public addresses, and never for longer than the time given.

Every failure before a connection is made is raised as ConnectFailed. After any other failure the shop may have
done what was asked.
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
from urllib3.response import HTTPResponse

from bridge import __version__
from bridge.channels.http.failures import TooLong
from bridge.errors import ChannelRefused

SHORTEST_TIMEOUT = 0.001  # a timeout of zero would make the socket non-blocking
LONGEST_HOST = 253  # characters of a host name in an error message
MOST_BYTES = 17_000_000
"""What is received of one answer at most, the framing of chunks included."""
MOST_HEADER_BYTES = 100_000
UNREACHABLE = "The shop cannot be reached, or did not answer in time"
"""Said of every failure before an answer, so that nobody learns from it which ports are open."""
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
CLOUD_SERVICES = [ipaddress.IPv4Network(network) for network in ("192.0.0.0/24", "168.63.129.16")]

# urllib3's log lines contain the whole URL, and some shops take credentials in it
logging.getLogger("urllib3").setLevel(logging.CRITICAL)


class ConnectFailed(Exception):
    """No connection was made, so the shop did nothing; `retryable` says whether a retry may succeed."""

    def __init__(self, message: str, retryable: bool = True) -> None:
        super().__init__(message)
        self.retryable = retryable


def new_session(public_only: bool, connections: int) -> requests.Session:
    """Return a session with this many connections, without cookies, that ignores environment variables."""
    session = _Session()
    session.trust_env = False
    session.headers.update({"User-Agent": f"linnworks-bridge/{__version__}", "Accept-Encoding": "gzip, deflate"})
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter(public_only, connections))
    return session


def is_public(address: str) -> bool:
    """Return whether an IP address, and every other address embedded in it, belongs to the public internet."""
    ip = ipaddress.ip_address(address)
    embedded: list[ipaddress.IPv4Address | None] = []
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped or ip in NAT64:
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
        embedded = [ip.sixtofour, *(ip.teredo or ())]
    return (
        ip.is_global
        and not (ip.is_multicast or ip.is_reserved or any(ip in network for network in CLOUD_SERVICES))
        and not (isinstance(ip, ipaddress.IPv6Address) and ip.is_site_local)
        and all(is_public(str(inner)) for inner in embedded if inner)
    )


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return None: requests reads the whole body of a redirect that it knows of, even if it does not follow it."""


class _DeadlineSocket(socket.socket):
    """A socket whose timeout covers everything until it is set again, however slowly bytes arrive.

    It also receives no more than `bytes_left`: the parsers of headers and chunks have no limits of their own.
    """

    _end: float | None = None
    bytes_left = MOST_BYTES

    def settimeout(self, value: float | None) -> None:
        self._end = None if value is None else time.monotonic() + value
        super().settimeout(value)

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self._use_time_left()
        received = super().recv_into(*args, **kwargs)
        self.bytes_left -= received
        if self.bytes_left < 0:
            raise TooLong
        return received

    def send(self, *args: Any, **kwargs: Any) -> int:
        self._use_time_left()
        return super().send(*args, **kwargs)

    def _use_time_left(self) -> None:
        if self._end is not None:
            left = self._end - time.monotonic()
            if left <= 0:
                raise TimeoutError
            super().settimeout(left)


class _DeadlineTLSSocket(_DeadlineSocket, ssl.SSLSocket):
    """The same over TLS."""


@cache
def tls_context() -> ssl.SSLContext:
    """Return the trusted certificate authorities, read once: urllib3 would read them for each connection."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()
    context.sslsocket_class = _DeadlineTLSSocket
    return context


class _Connection(HTTPConnection):
    """A connection to exactly the address that was checked."""

    def __init__(self, *args: Any, public_only: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._public_only = public_only

    def connect(self) -> None:
        end = time.monotonic() + (self.timeout or 0)
        try:
            super().connect()
        except ssl.SSLCertVerificationError:
            raise ConnectFailed("The certificate of the shop's address is not valid", retryable=False) from None
        except OSError:
            raise ConnectFailed(UNREACHABLE) from None
        assert self.sock
        self.sock.settimeout(max(end - time.monotonic(), SHORTEST_TIMEOUT))

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        """Return the answer after its headers, which are limited on their own."""
        sock: Any = self.sock
        sock.bytes_left = MOST_HEADER_BYTES
        response = super().getresponse()
        sock.bytes_left = MOST_BYTES
        return response

    def _new_conn(self) -> socket.socket:
        end = time.monotonic() + (self.timeout or 0)
        found = _resolve(self._dns_host, self.port, self.timeout or 0)
        if self._public_only and not all(
            is_public(address[0]) and not _is_this_machine(family, address) for family, address in found
        ):
            raise ChannelRefused(
                "The shop's address is in a private network or on the bridge's own machine, which it may not call"
            )
        for number, (family, address) in enumerate(found):
            share = (end - time.monotonic()) / (len(found) - number)
            sock = _DeadlineSocket(family, socket.SOCK_STREAM)
            try:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.settimeout(max(share, SHORTEST_TIMEOUT))
                sock.connect(address)
            except OSError:
                sock.close()
            else:
                sock.settimeout(max(end - time.monotonic(), SHORTEST_TIMEOUT))
                return sock
        raise ConnectFailed(UNREACHABLE)


class _TLSConnection(_Connection, HTTPSConnection):
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


class _Adapter(HTTPAdapter):
    def __init__(self, public_only: bool, connections: int) -> None:
        super().__init__(pool_connections=1, pool_maxsize=connections)
        self.poolmanager.connection_pool_kw["ssl_context"] = tls_context()
        self.poolmanager.pool_classes_by_scheme = {
            "http": partial(_Pool, public_only=public_only),
            "https": partial(_TLSPool, public_only=public_only),
        }

    def cert_verify(self, *args: Any) -> None:
        """Keep the trusted authorities of the context."""


def _is_this_machine(family: int, address: Any) -> bool:
    """Return whether a connection to the address would come from the same address; sends nothing."""
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(address)
        except OSError:
            return False
        return bool(probe.getsockname()[0] == probe.getpeername()[0])


def _resolve(host: str, port: int, seconds: float) -> list[tuple[int, Any]]:
    """Return a host's addresses with their families, looked up in a thread because the system sets no time limit."""
    answers: queue.SimpleQueue[list[Any]] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError):
            answers.put([])

    threading.Thread(target=look_up, daemon=True).start()
    try:
        found = answers.get(timeout=max(seconds, SHORTEST_TIMEOUT))
    except queue.Empty:
        raise ConnectFailed("The shop's address was not found in time") from None
    if not found:
        raise ConnectFailed(f"The shop's address {host[:LONGEST_HOST]} was not found")

    return [(family, address) for family, _, _, _, address in found]
