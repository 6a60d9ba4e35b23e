"""The check of notifications: whether the owner would hear of trouble."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bridge.ops.doctor.findings import Finding, error, ok, warning
from bridge.ops.notifications.delivery import INSTALL, NOT_INSTALLED, address_problem, labels, read_failures
from bridge.ops.wording import counted
from bridge.settings import Settings

TEST = "linnworks-bridge notify test"


def notifications(settings: Settings, readable: bool) -> Iterator[Finding]:
    """Check that each address can be used, and took the last message that the service had for it."""
    name = "notifications"
    addresses = labels(settings)
    failing = read_failures() if readable else {}
    well = True
    for label, address in addresses.items():
        if problem := address_problem(address):
            well = False
            advice = INSTALL if problem == NOT_INSTALLED else f"correct BRIDGE_NOTIFY, then {TEST}"
            yield error(name, f"address {label}: {problem}", advice, command=TEST)
    for label, one in failing.items():
        if label in addresses or (label == "ping" and settings.ping_url):
            well = False
            message = f"address {label} did not take the last message: {one['problem']}"
            yield warning(name, message, f"{TEST} tries it", since=datetime.fromisoformat(one["since"]), command=TEST)
    if well and not (addresses or settings.ping_url):
        yield ok(name, "none are set up; BRIDGE_NOTIFY and BRIDGE_PING_URL would tell you of trouble")
    elif well:
        ping = " and a dead man's switch" if settings.ping_url else ""
        yield ok(name, f"{counted(len(addresses), 'address', 'addresses')}{ping}")
