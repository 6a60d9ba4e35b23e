"""Checks of the running service, from this machine and at its public address."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any
from urllib.parse import urlsplit

import certifi
import requests

from bridge.ops.doctor.findings import Finding, State, error, finding, ok, warning
from bridge.settings import Settings, sqlite_file

TIMEOUT_SECONDS = 5
EXPIRY_WARNING, EXPIRY_ERROR = 1 / 5, 1 / 20
"""The shares of its lifetime that a certificate should have left: it is renewed when a third is."""
LOGS = "journalctl -u linnworks-bridge"


def worker(settings: Settings) -> Iterator[Finding]:
    """Check that the service runs on this machine, and its background worker too."""
    host, _, port = settings.bind.rpartition(":")
    here = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)  # noqa: S104 (compared only)
    health = _health(f"http://{here}:{port}")
    logs = f"see its log: {LOGS}"
    if health is None:
        start = "systemctl start linnworks-bridge"
        yield error("worker", f"no service answers at {here}:{port}", f"{start}; {logs}", command=start)
    elif health.get("worker") is not True or health.get("status") != "ok":
        names = ", ".join(name for name, value in health.items() if value is False)
        failing = "; ".join(health.get("reasons") or []) or names or "its answer does not mention a worker"
        yield error(
            "worker", f"the service at {here}:{port} cannot work: {failing}", f"restart it; {logs}", command=LOGS
        )
    else:
        yield ok("worker", f"running at {here}:{port}")


def health_findings(problems: Mapping[str, str], settings: Settings) -> Iterator[Finding]:
    """Return the findings about what the service knows of its own health."""
    cannot_store = problems["database"] or problems["storage"]
    advice, command = _storage_advice(cannot_store, settings)
    storage = error("storage", cannot_store, advice, command=command)
    hangs = error("worker", problems["worker"], f"restart the service; see its log: {LOGS}", command=LOGS)
    yield replace(storage if cannot_store else ok("storage", "it works"), cause="storage")
    yield replace(hangs if problems["worker"] else ok("worker", "running"), cause="worker")


def _storage_advice(problem: str, settings: Settings) -> tuple[str, str]:
    """Return what to do about a database that cannot store anything, and what to type first."""
    path = sqlite_file(settings.database)
    if path is None and "full" not in problem:
        return "start the database server, or see its log", "systemctl status postgresql"
    if path and "locked" in problem:
        return "end the program that keeps it locked", f"fuser -v {path}"
    return "free some space on the disk of the database, or see why it is read-only", "df -h"


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
        advice = "put a proxy with TLS in front: see docs/install.md"
        yield replace(warning(name, f"{settings.url} is not encrypted", advice), cause="encryption")
    health = _health(settings.url)
    if health is None or "status" not in health:
        advice = "check that the name points here, and that the proxy runs and passes every call to BRIDGE_BIND"
        problem = "nothing answers" if health is None else "another program answers"
        message = f"{problem} at {settings.url}, as seen from this machine"
        yield error(name, message, advice, command=f"curl -i {settings.url}/health")
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
    """Check that the certificate at an address is valid, and that much of its lifetime is left."""
    renew = "see the log of the program that renews certificates (journalctl -u caddy, or certbot renew)"
    try:
        begins, ends = certificate_lifetime(host, port)
    except ssl.SSLCertVerificationError as problem:
        message = f"{host}: {problem.verify_message}"
        return replace(error("certificate", message, renew, command="journalctl -u caddy"), cause="certificate")
    except OSError as problem:  # also every other error of ssl
        message = f"no TLS at {host}:{port}: {_reason(problem)}"
        command = "systemctl status caddy"
        advice = f"check that the name points here and the proxy runs: {command}"
        return replace(error("certificate", message, advice, command=command), cause="certificate")
    left = (ends - now) / (ends - begins)
    state = State.ERROR if left < EXPIRY_ERROR else State.WARNING if left < EXPIRY_WARNING else State.OK
    found = finding(
        "certificate", f"valid until {ends:%Y-%m-%d %H:%M} UTC", state, renew, command="journalctl -u caddy"
    )
    return replace(found, cause="certificate")


def _reason(problem: OSError) -> str:
    """Return why there is no TLS, in words."""
    if isinstance(problem, socket.gaierror):
        return "the name is not known"
    if isinstance(problem, TimeoutError):
        return "nothing answers in time"
    if isinstance(problem, ssl.SSLError):
        return "what answers there does not speak TLS, or an old version of it"
    return problem.strerror or "the connection broke off"


def certificate_lifetime(host: str, port: int) -> tuple[datetime, datetime]:
    """Return from when until when the certificate at an address is valid; raises OSError if it cannot be trusted."""
    context = ssl.create_default_context(cafile=_authorities())
    with (
        socket.create_connection((host, port), timeout=TIMEOUT_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=host) as secured,
    ):
        certificate: Any = secured.getpeercert()
    begins, ends = (
        datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate[name]), timezone.utc)
        for name in ("notBefore", "notAfter")
    )
    return begins, ends


def _authorities() -> str:
    """Return the file of public certificate authorities, or the one that the environment names."""
    named = ssl.get_default_verify_paths().cafile if "SSL_CERT_FILE" in os.environ else None
    return named or certifi.where()
