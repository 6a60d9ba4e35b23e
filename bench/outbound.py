"""Calls to shops: how much a batch gains by concurrent calls, and what a call costs on a kept connection."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bench.figures import Figure, of_target
from bridge.channels.http import ShopClient
from bridge.channels.http.transport import tls_context
from bridge.clock import Deadline
from bridge.settings import Settings

SKUS, A_CALL, SECONDS = 1000, 100, 0.3
WARM_CALLS = 200


def measure(rounds: int) -> list[Figure]:
    """Compare a batch over HTTP with a single call, and measure warm calls over HTTPS."""
    gains = []
    with _shop(SECONDS) as url:
        _client(url).get("warm")
        for _ in range(rounds):
            alone = _seconds(lambda: _client(url).post("stock", {}))
            batch = _seconds(
                lambda: _client(url).run_parallel([lambda: _client(url).post("stock", {})] * (SKUS // A_CALL))
            )
            gains.append(batch / alone)
    opened, costs = [], []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        certificate = _certificate(Path(folder) / "shop.pem")
        tls_context().load_verify_locations(cadata=certificate)
        with _shop(0, Path(folder) / "shop.pem") as url:
            _job(url)
            for _ in range(rounds):
                before = _connections(url)
                started = time.thread_time()
                _job(url)
                costs.append(1000 * (time.thread_time() - started) / WARM_CALLS)
                opened.append(float(_connections(url) - before))
    return [of_target("9", gains), of_target("10a", opened), of_target("10b", costs)]


def _job(url: str) -> None:
    """Do what a request of Linnworks might do: open the shop and call it several times."""
    client = _client(url)
    for _ in range(WARM_CALLS):
        client.get("orders")


def _client(url: str) -> ShopClient:
    settings = replace(Settings(), allow_private_shops=True, shop_calls_at_once=4)
    return ShopClient(url, Deadline(30), settings, account="bench", auth=("key", "secret"))


def _connections(url: str) -> int:
    """Return how many connections were opened so far."""
    settings = replace(Settings(), allow_private_shops=True)
    return int(ShopClient(url, Deadline(30), settings, account=str(time.time())).get("connections").json)


def _seconds(job: object) -> float:
    started = time.perf_counter()
    job()  # type: ignore[operator]
    return time.perf_counter() - started


@contextmanager
def _shop(seconds: float, certificate: Path | None = None) -> Iterator[str]:
    """Run a shop in a process of its own; return its address."""
    command = [sys.executable, "-m", "bench.shop_server", str(seconds), *([str(certificate)] if certificate else [])]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parent.parent)
    assert process.stdout
    port = int(process.stdout.readline())
    try:
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _certificate(path: Path) -> str:
    """Write a self-signed certificate with its key to a file; return the certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Shop of the bench")])
    today = datetime.now(timezone.utc)
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(today - timedelta(days=1)).not_valid_after(today + timedelta(days=1))
    builder = builder.add_extension(address, critical=False)
    signed = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(
        key, hashes.SHA256()
    )
    pem = signed.public_bytes(serialization.Encoding.PEM).decode()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_text(pem + private.decode(), encoding="ascii")
    return pem
