"""Sizes, secrets and TLS."""

from __future__ import annotations

import logging
import ssl
import time
import tracemalloc
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bridge.channels.http.transport import tls_context
from bridge.clock import Deadline
from bridge.errors import ChannelRefused, ChannelUnavailable, OutcomeUnknown
from tests.channels.hostile.server import Fault
from tests.channels.http.shop import KEY, Shop, compressed

pytestmark = pytest.mark.service

# -- safety --------------------------------------------------------------------------------------------


def test_a_very_long_answer_is_not_read_to_its_end(shop):
    """The size limit applies to the decompressed answer."""
    shop.faults.add(Fault.ENDLESS)

    with pytest.raises(ChannelUnavailable, match="too long"):
        shop.client().get("thing")
    assert len(shop.server.calls) == 1


@pytest.mark.parametrize("coding", ["gzip", "deflate", "gzip, gzip", "gzip, gzip, gzip"])
def test_a_compression_bomb_is_not_decompressed(shop, coding):
    """However often an answer is compressed, it takes no more memory than the limit allows."""
    compressed(coding)
    tracemalloc.start()
    with pytest.raises(ChannelUnavailable, match="too long"):
        shop.client().get(f"packed/{coding}")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most < 64_000_000


@pytest.mark.parametrize("key", ["two\nlines", "ключ"])
def test_credentials_that_no_header_can_hold_are_refused(shop, key):
    """Such credentials are never sent, and the error does not show them."""
    with pytest.raises(ChannelRefused, match="characters that are not valid") as caught:
        shop.client(headers={"Authorization": key}).post("actions", {})
    assert key not in str(caught.value)
    assert [] == shop.server.calls


def test_secrets_are_neither_logged_nor_shown(shop, caplog):
    """No log line and no error contains credentials, from headers or from the query."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="bridge")
    errors = []
    client = shop.client(headers={"Authorization": KEY}, auth=("user", KEY), account=KEY)
    for fault in [fault for fault in Fault if "TIME_OUT" not in fault.name]:
        shop.faults.add(fault, location=f"https://shop.invalid/?key={KEY}", seconds=0)
        try:
            client.get("thing", {"key": KEY})
        except (ChannelRefused, ChannelUnavailable) as error:
            errors.append(repr(error) + repr(error.__cause__))
        shop.now += timedelta(hours=2)
        shop.faults.clear()

    assert len(errors) > 5
    assert "GET /thing: 200 after" in caplog.text
    assert KEY not in caplog.text + repr(errors) + repr(client) + repr(client.get("thing"))


# -- TLS -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Any:
    """A self-signed certificate for 127.0.0.1, and the file with it and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Shop")])
    today = datetime.now(timezone.utc)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM).decode()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path_factory.mktemp("tls") / "shop.pem"
    path.write_text(pem + private.decode())
    return pem, path


@pytest.fixture
def tls_shop(certificate) -> Iterator[Shop]:
    """A shop with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate[1])
    shop = Shop(context)
    yield shop
    shop.server.close()


def test_an_untrusted_certificate_is_refused(tls_shop):
    """The shop gets no request, and there is no retry."""
    with pytest.raises(ChannelUnavailable, match="certificate") as caught:
        tls_shop.client().post("actions", {})
    assert not isinstance(caught.value, OutcomeUnknown)
    assert [] == tls_shop.server.calls


def test_tls_keeps_the_same_promises(tls_shop, certificate):
    """With a trusted certificate, connections are reused and slow answers are cut off at the deadline."""
    tls_context().load_verify_locations(cadata=certificate[0])
    for _ in range(3):
        tls_shop.client().get("thing")
    tls_shop.faults.add(Fault.TRICKLE)
    started = time.monotonic()

    with pytest.raises(ChannelUnavailable, match="in time"):
        tls_shop.client(Deadline(0.2)).get("thing")
    assert time.monotonic() - started < 0.5
    assert tls_shop.server.connections == 1
