"""Which addresses calls may go to."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any

import pytest
from flask import Flask

from bridge.channels.http import shop_address
from bridge.channels.http.transport import is_public
from bridge.errors import ChannelRefused, ChannelUnavailable, OutcomeUnknown
from bridge.settings import Settings
from tests.channels.hostile.server import Fault, HostileServer
from tests.channels.http.shop import KEY

pytestmark = pytest.mark.service

# -- where calls go ------------------------------------------------------------------------------------


def test_a_read_follows_redirects_within_the_shop(shop):
    """A redirect to the same origin is followed."""
    assert shop.client().get("moved").json["count"] == 3


@pytest.mark.parametrize("status", [307, 308])
def test_a_read_by_post_stays_a_post(shop, status):
    """A redirect that keeps the method is followed with the same body."""
    answer = shop.client().post(f"moved-search/{status}", {"name": "mug"}, read=True)

    assert {"found": {"name": "mug"}} == answer.json


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_read_by_post_becomes_no_get(shop, status):
    """A redirect that asks for a GET is not followed, because a GET has no query."""
    with pytest.raises(ChannelUnavailable, match="another of its addresses") as caught:
        shop.client().post(f"moved-search/{status}", {"name": "mug"}, read=True)
    assert not isinstance(caught.value, OutcomeUnknown)
    assert len(shop.server.calls) == 1


def test_a_read_does_not_follow_a_circle(shop):
    """A shop that redirects to the same address again and again gets only a few calls."""
    with pytest.raises(ChannelUnavailable, match="circle"):
        shop.client().get("circle")


@pytest.mark.parametrize("method", ["get", "delete"])
def test_credentials_go_to_no_other_host(shop, method):
    """A redirect to another host is not followed, and the error names that host."""
    with HostileServer(Flask(__name__), address="127.0.0.2") as other:
        shop.faults.add(Fault.MOVED, location=f"{other.url}/actions?token=1")

        client = shop.client(headers={"Authorization": KEY})
        call = client.get if method == "get" else client.delete

        with pytest.raises(
            ChannelUnavailable, match=r"redirects to http://127\.0\.0\.2: is its address right\?$"
        ) as caught:
            call("actions")
    assert not isinstance(caught.value, OutcomeUnknown)
    assert [] == other.calls


def test_a_write_does_not_follow_redirects(shop):
    """A write is not sent a second time, not even to the same host."""
    shop.faults.add(Fault.MOVED, location="/actions")

    with pytest.raises(OutcomeUnknown, match="another of its addresses"):
        shop.client().post("actions", {})
    assert [] == shop.actions


@pytest.mark.parametrize("path", ["//127.0.0.2/thing", "http://127.0.0.2/thing", "\\\\127.0.0.2", "@127.0.0.2/thing"])
def test_no_path_leads_to_another_host(shop, path):
    """Whatever a path looks like, the shop is called."""
    with suppress(ChannelUnavailable):
        shop.client().get(path)

    assert {shop.server.url.removeprefix("http://")} == {headers["Host"] for headers in shop.server.headers}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "0"])
def test_shops_in_private_networks_are_refused(shop, host):
    """However it is written, a private address is not connected to unless the operator allows it."""
    port = shop.server.url.rpartition(":")[2]

    with pytest.raises(ChannelRefused, match="private network"):
        shop.client(address=f"http://{host}:{port}", settings=Settings()).get("thing")
    assert shop.server.connections == 0


@pytest.fixture
def resolver(monkeypatch):
    """A name server under an attacker's control; 127.0.0.2 counts as the only public address."""
    answers: list[list[str]] = []

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr("bridge.channels.http.transport.is_public", lambda address: address == "127.0.0.2")
    monkeypatch.setattr("socket.getaddrinfo", resolve)
    return answers


def test_the_address_that_was_checked_is_the_one_connected_to(shop, resolver):
    """A name that changes its address between two lookups gains nothing: each connection makes one lookup."""
    port = int(shop.server.url.rpartition(":")[2])
    with HostileServer(Flask(__name__), address="127.0.0.2", port=port) as public:
        resolver += [["127.0.0.2"], ["127.0.0.1"]]
        client = shop.client(address=f"http://rebinding.example:{port}", settings=Settings())
        public.faults.add(Fault.CUT_OFF)

        with pytest.raises(ChannelRefused, match="private network"):
            client.get("thing")
        with pytest.raises(ChannelRefused, match="private network"):
            client.get("thing")
    assert [("GET", "/thing")] == public.calls
    assert shop.server.connections == 0


@pytest.mark.parametrize("answer", [["127.0.0.1", "127.0.0.2"], ["127.0.0.2", "127.0.0.1"]])
def test_a_name_with_one_private_address_is_refused(shop, resolver, answer):
    """Its public address is not called either."""
    port = int(shop.server.url.rpartition(":")[2])
    resolver.append(answer)
    with (
        HostileServer(Flask(__name__), address="127.0.0.2", port=port) as public,
        pytest.raises(ChannelRefused, match="private network"),
    ):
        shop.client(address=f"http://both.example:{port}", settings=Settings()).get("thing")
    assert (0, 0) == (public.connections, shop.server.connections)


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.2:{port}/thing",
        "//127.0.0.2:{port}/thing",
        "http://127.0.0.1:{port}@127.0.0.2:{port}/thing",
        "https://127.0.0.1:{port}/thing",
        "http://127.0.0.1:1/thing",
        "http://localhost:{port}/thing",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]:{port}/thing",
        "file:///etc/passwd",
        "gopher://127.0.0.1:{port}/thing",
    ],
)
def test_no_redirect_leads_to_another_origin(shop, location):
    """Another scheme, host, port or address ends the call, and credentials are sent nowhere else."""
    port = int(shop.server.url.rpartition(":")[2])
    with HostileServer(Flask(__name__), address="127.0.0.2", port=port) as other:
        shop.faults.add(Fault.MOVED, location=location.format(port=port))

        with pytest.raises(ChannelUnavailable, match="is its address right"):
            shop.client(headers={"Authorization": KEY}).get("thing")
    assert 0 == other.connections
    assert [("GET", "/thing")] == shop.server.calls


def test_a_redirect_is_checked_like_the_first_address(shop, resolver):
    """If a redirect needs a new connection, its address is looked up and checked again."""
    port = int(shop.server.url.rpartition(":")[2])
    app = Flask(__name__)
    app.add_url_rule("/thing", view_func=lambda: ("", 307, {"Location": "/other", "Connection": "close"}))
    with HostileServer(app, address="127.0.0.2", port=port) as public:
        resolver += [["127.0.0.2"], ["127.0.0.1"]]

        with pytest.raises(ChannelRefused, match="private network"):
            shop.client(address=f"http://rebinding.example:{port}", settings=Settings()).get("thing")
    assert [("GET", "/thing")] == public.calls
    assert shop.server.connections == 0


PRIVATE = """
    127.0.0.1 127.8.8.8 10.1.1.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1 100.100.100.200
    0.0.0.0 224.0.0.1 255.255.255.255 240.0.0.1 198.18.0.1 192.0.0.192 168.63.129.16 ::1 :: fe80::1 fc00::1
    fd00:ec2::254 fec0::1 ff02::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::127.0.0.1 64:ff9b::7f00:1
    2002:7f00:1:: 2001:0:7f00:1::1 2001:db8::1
"""
PUBLIC = "8.8.8.8 93.184.216.34 2606:4700:4700::1111 ::ffff:8.8.8.8 64:ff9b::808:808"


def test_private_addresses_are_recognised():
    """Private, loopback, link-local and metadata addresses are not public, also if embedded in IPv6."""
    assert [] == [address for address in PRIVATE.split() if is_public(address)]
    assert [] == [address for address in PUBLIC.split() if not is_public(address)]


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        (" shop.example.com/ ", "https://shop.example.com"),
        ("http://shop.example.com:8080/store/", "http://shop.example.com:8080/store"),
        ("https://[2606:4700::1]", "https://[2606:4700::1]"),
        ("https://käse.example", "https://xn--kse-qla.example"),
        ("www.KÄSE.example:8443/Straße/", "https://www.xn--kse-qla.example:8443/Straße"),
        ("https://straße.example", "https://xn--strae-oqa.example"),
        ("https://xn--kse-qla.example", "https://xn--kse-qla.example"),
    ],
)
def test_an_address_may_be_typed_as_people_do(typed, address):
    """The scheme may be missing, and a slash at the end is ignored."""
    assert address == shop_address(typed)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ftp://shop.example.com",
        "file:///etc/passwd",
        "https://",
        "https://user:password@shop.example.com",
        "https://shop.example.com?key=1",
        "https://shop.example.com#a",
        "https://shop.example.com:port",
        "https://shop .example.com",
        "https://shop.example.com\nHost: other",
        "http://[::1",
        "https://käse..example",
        "https://\u200bä.example",
    ],
)
def test_an_invalid_address_is_refused(typed):
    """The error says what an address looks like, and does not repeat what was typed."""
    with pytest.raises(ChannelRefused, match=r"should look like https://shop\.example\.com"):
        shop_address(typed)
