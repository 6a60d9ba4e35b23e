"""Checks of the running service, from this machine and at its public address."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlsplit

import certifi
import requests

from bridge.ops.doctor.findings import Finding, State, error, finding, ok, warning
from bridge.settings import Settings

TIMEOUT_SECONDS = 5
EXPIRY_WARNING, EXPIRY_ERROR = timedelta(days=14), timedelta(days=3)


def worker(settings: Settings) -> Iterator[Finding]:
    """Check that the service runs on this machine, and its background worker too."""
    host, _, port = settings.bind.rpartition(":")
    here = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)  # noqa: S104 (compared only)
    health = _health(f"http://{here}:{port}")
    logs = "see its log: journalctl -u linnworks-bridge"
    if health is None:
        yield error("worker", f"no service answers at {here}:{port}", f"systemctl start linnworks-bridge; {logs}")
    elif health.get("worker") is not True or health.get("status") != "ok":
        names = ", ".join(name for name, value in health.items() if value is False)
        failing = "; ".join(health.get("reasons") or []) or names or "its answer does not mention a worker"
        yield error("worker", f"the service at {here}:{port} cannot work: {failing}", f"restart it; {logs}")
    else:
        yield ok("worker", f"running at {here}:{port}")


def public_address(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Check that the bridge answers at its public address, with a certificate that does not expire soon."""
    name, url = "public address", urlsplit(settings.url)
    if not settings.base_url:
        yield warning(name, "BRIDGE_BASE_URL is not set", "set it to the address that Linnworks will call")
        return
    if url.scheme == "https":
        certificate = _certificate(url.hostname or "", url.port or 443, now)
        yield certificate
        if certificate.state is State.ERROR:
            return
    else:
        yield warning(name, f"{settings.url} is not encrypted", "put a proxy with TLS in front: see docs/install.md")
    health = _health(settings.url)
    if health is None or "status" not in health:
        advice = "check that the name points here, and that the proxy runs and passes every call to BRIDGE_BIND"
        problem = "nothing answers" if health is None else "another program answers"
        yield error(name, f"{problem} at {settings.url}, as seen from this machine", advice)
    else:
        yield ok(name, f"a bridge answers at {settings.url}")


def _health(base_url: str) -> dict[str, Any] | None:
    """Return the health that a service reports; empty if another program answers, None if none does."""
    try:
        answer = requests.get(
            f"{base_url}/health", timeout=TIMEOUT_SECONDS, verify=_authorities(), allow_redirects=False
        )
    except requests.RequestException:
        return None
    try:
        health = answer.json()
    except ValueError:
        return {}
    return health if isinstance(health, dict) else {}


def _certificate(host: str, port: int, now: datetime) -> Finding:
    """Check that the certificate at an address is valid, and until when."""
    renew = "see the log of the program that renews certificates (journalctl -u caddy, or certbot renew)"
    context = ssl.create_default_context(cafile=_authorities())
    try:
        with (
            socket.create_connection((host, port), timeout=TIMEOUT_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=host) as secured,
        ):
            certificate: Any = secured.getpeercert()
    except ssl.SSLCertVerificationError as problem:
        return error("certificate", f"{host}: {problem.verify_message}", renew)
    except OSError as problem:  # also every other error of ssl
        message = f"no TLS at {host}:{port}: {problem.strerror or type(problem).__name__}"
        return error(
            "certificate", message, "check that the name points here and the proxy runs: systemctl status caddy"
        )
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), timezone.utc)
    state = State.ERROR if ends - now < EXPIRY_ERROR else State.WARNING if ends - now < EXPIRY_WARNING else State.OK
    return finding("certificate", f"valid until {ends:%Y-%m-%d}", state, renew)


def _authorities() -> str:
    """Return the file of public certificate authorities, or the one that the environment names."""
    named = ssl.get_default_verify_paths().cafile if "SSL_CERT_FILE" in os.environ else None
    return named or certifi.where()
