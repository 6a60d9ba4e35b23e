"""Delivery: how a message reaches the owner's addresses, and how the dead man's switch is told that all is well.

Whatever an address does, it costs nothing else: each gets a thread and a time limit of its own.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import requests

from bridge.errors import in_words
from bridge.settings import Settings
from bridge.store.installation_facts import read_fact, save_fact

LONGEST_SECONDS = 30
FAILURES = "notification_failures"
"""The fact since when an address does not take messages, by its label."""
PING = "ping"
INSTALL = "pip install 'linnworks-bridge[notify]'"
NOT_INSTALLED = f"Apprise is not installed: {INSTALL}"

apprise_log = logging.getLogger("apprise")
apprise_log.propagate = False  # its lines may hold a part of an address, which is a secret
apprise_log.addHandler(logging.NullHandler())

_hanging: dict[str, threading.Thread] = {}


def labels(settings: Settings) -> dict[str, str]:
    """Return the addresses that get messages, by labels that tell no secret, such as "1 (ntfy)"."""
    return {f"{number} ({one.partition(':')[0]})": one for number, one in enumerate(settings.notify, 1)}


def send(settings: Settings, title: str, body: str) -> dict[str, str]:
    """Send a message to all addresses; return what went wrong with each by its label, "" where it was taken."""
    return {
        label: _limited(label, lambda address=address: notify(address, title, body))  # type: ignore[misc]
        for label, address in labels(settings).items()
    }


def ping(settings: Settings) -> str:
    """Tell the dead man's switch that the service works; return what went wrong, or ""."""
    return _limited(PING, lambda: _get(settings.ping_url))


def notify(address: str, title: str, body: str) -> str:
    """Send a message to one address; return what went wrong, or ""."""
    problem = address_problem(address)
    if problem:
        return problem
    import apprise

    sender = apprise.Apprise()
    sender.add(address)
    return "" if sender.notify(title=title, body=body) else "it did not take the message"


def address_problem(address: str) -> str:
    """Return why an address cannot be used, or ""."""
    try:
        import apprise  # an extra, and slow to import
    except ImportError:
        return NOT_INSTALLED
    return "" if apprise.Apprise.instantiate(address) else "it is not an address that Apprise knows"


def record_failures(problems: dict[str, str], now: datetime) -> None:
    """Record since when each address does not take messages, for the doctor; those in `problems` have been tried."""
    known = read_failures()
    kept = {label: one for label, one in known.items() if label not in problems}
    failing = {
        label: {"since": known.get(label, {}).get("since", now.isoformat()), "problem": problem}
        for label, problem in problems.items()
        if problem
    }
    if kept | failing != known:
        save_fact(FAILURES, json.dumps(kept | failing))


def read_failures() -> dict[str, dict[str, str]]:
    """Return since when each address fails that does, and its problem, by its label."""
    found: dict[str, dict[str, str]] = json.loads(read_fact(FAILURES) or "{}")
    return found


@contextmanager
def words_of_apprise() -> Iterator[list[str]]:
    """Collect what Apprise logs in the block; it may hold secrets, so it is for the operator's own eyes."""
    words: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            words.append(record.getMessage())

    collector = Collector(logging.WARNING)
    apprise_log.addHandler(collector)
    try:
        yield words
    finally:
        apprise_log.removeHandler(collector)


def _get(url: str) -> str:
    try:
        answer = requests.get(url, timeout=10, stream=True)  # its body, of whatever length, is not read
        answer.close()
    except requests.RequestException:
        return "it does not answer"
    return "" if answer.ok else f"it answered {answer.status_code}"


def _limited(label: str, action: Callable[[], str]) -> str:
    """Return the result of an action, or that it took too long: then it is left to itself until it ends."""
    if label in _hanging and _hanging[label].is_alive():
        return "it still hangs in an earlier message"
    result = ["it did not answer in time"]

    def run() -> None:
        try:
            result[0] = action()
        except Exception as error:  # whatever a service of Apprise raises
            result[0] = f"it failed: {in_words(error)}"

    thread = threading.Thread(target=run, name="notification", daemon=True)
    thread.start()
    thread.join(LONGEST_SECONDS)
    _hanging[label] = thread
    return result[0] if not thread.is_alive() else "it did not answer in time"
