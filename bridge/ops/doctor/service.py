"""The running service, as its own machine and as the world sees it."""

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

from bridge.ops.doctor.findings import Finding, State, fault, judged, warning, well
from bridge.settings import Settings

PATIENCE_SECONDS = 5
SOON, VERY_SOON = timedelta(days=14), timedelta(days=3)


def worker(settings: Settings) -> Iterator[Finding]:
    """Whether the service runs here, with its worker at work."""
    host, _, port = settings.bind.rpartition(":")
    here = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)  # noqa: S104 it is compared, not listened on
    health = _health(f"http://{here}:{port}")
    logs = "see its log: journalctl -u linnworks-bridge"
    if health is None:
        yield fault("worker", f"no service answers at {here}:{port}", f"systemctl start linnworks-bridge; {logs}")
    elif health.get("worker") is not True or health.get("status") != "ok":
        failing = ", ".join(name for name, value in health.items() if value is False) or "it says nothing of a worker"
        yield fault("worker", f"the service at {here}:{port} is not able to work: {failing}", f"restart it; {logs}")
    else:
        yield well("worker", f"at work, behind {here}:{port}")


def public_address(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Whether the bridge answers where Linnworks looks for it, with a certificate that lasts."""
    name, url = "public address", urlsplit(settings.url)
    if not settings.base_url:
        yield warning(name, "BRIDGE_BASE_URL is not set", "set it to the address that Linnworks is to call")
        return
    if url.scheme == "https":
        certificate = _certificate(url.hostname or "", url.port or 443, now)
        yield certificate
        if certificate.state is State.FAULT:
            return
    else:
        yield warning(name, f"{settings.url} is not encrypted", "put a proxy with TLS before it, as the README says")
    health = _health(settings.url)
    if health is None or "status" not in health:
        advice = "see that the name points here, the proxy runs and passes everything on to BRIDGE_BIND"
        said = "nothing answers" if health is None else "something else answers"
        yield fault(name, f"{said} at {settings.url}, as seen from this machine", advice)
    else:
        yield well(name, f"{settings.url} is answered by a bridge")


def _health(base_url: str) -> dict[str, Any] | None:
    """What a service says of its health; nothing of it where something else answers, None where nothing does."""
    try:
        answer = requests.get(
            f"{base_url}/health", timeout=PATIENCE_SECONDS, verify=_authorities(), allow_redirects=False
        )
    except requests.RequestException:
        return None
    try:
        said = answer.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _certificate(host: str, port: int, now: datetime) -> Finding:
    """How long the certificate at an address is valid, if it is."""
    renew = "see the log of whatever renews certificates (journalctl -u caddy, or certbot renew)"
    context = ssl.create_default_context(cafile=_authorities())
    try:
        with (
            socket.create_connection((host, port), timeout=PATIENCE_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=host) as secured,
        ):
            certificate: Any = secured.getpeercert()
    except ssl.SSLCertVerificationError as error:
        return fault("certificate", f"{host}: {error.verify_message}", renew)
    except OSError as error:  # ssl's errors among them
        words = f"no TLS at {host}:{port}: {error.strerror or type(error).__name__}"
        return fault("certificate", words, "see that the name points here and the proxy runs: systemctl status caddy")
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), timezone.utc)
    state = State.FAULT if ends - now < VERY_SOON else State.WARNING if ends - now < SOON else State.OK
    return judged("certificate", f"valid until {ends:%Y-%m-%d}", state, renew)


def _authorities() -> str:
    """The authorities that Linnworks would believe, or those that the environment names instead."""
    named = ssl.get_default_verify_paths().cafile if "SSL_CERT_FILE" in os.environ else None
    return named or certifi.where()
