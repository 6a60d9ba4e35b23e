"""What waits, failed or is held, over all integrations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from bridge.ops.doctor.findings import Finding, State, judged, warning, well
from bridge.store.actions import unresolved_actions
from bridge.store.feeds import items_since
from bridge.store.orders import held_orders
from bridge.store.outbox import count_waiting, waiting_since

LONG, VERY_LONG = timedelta(minutes=15), timedelta(hours=6)
GONE = timedelta(minutes=2)
RECENT = timedelta(days=7)


def outbox(now: datetime) -> Iterator[Finding]:
    """Stock and prices that the shops have not taken."""
    batches, items = count_waiting()
    since = waiting_since()
    if since is None:
        yield well("outbox", "no value waits")
    else:
        advice = "linnworks-bridge outbox list says why; the bridge goes on trying"
        words = f"{items} values and {batches} requests wait, the first since {since:%Y-%m-%d %H:%M} UTC"
        yield judged("outbox", words, _by_age(now - since), advice)


def actions(now: datetime) -> Iterator[Finding]:
    """Despatches, cancels and refunds of which nobody knows whether they were done."""
    unknown = unresolved_actions(now - GONE)
    if not unknown:
        yield well("actions", "of every one it is known what came of it")
    else:
        numbers = _some([str(action.id) for action in unknown])
        advice = "linnworks-bridge actions list; linnworks-bridge actions retry NUMBER asks the shop"
        yield warning("actions", f"of {len(unknown)} it is not known what came of them: {numbers}", advice)


def orders(now: datetime) -> Iterator[Finding]:
    """Orders that Linnworks would refuse."""
    held = held_orders()
    if not held:
        yield well("held orders", "none")
    else:
        numbers = _some([row.reference for row in held])
        yield warning(
            "held orders", f"{len(held)}: {numbers}", "linnworks-bridge orders held says what to mend in the shop"
        )


def feeds(now: datetime) -> Iterator[Finding]:
    """Listings that wait for long, or failed lately."""
    items = items_since(now - RECENT)
    waiting = [item for item in items if not item.done]
    failed = [item for item in items if item.done and any(word["Type"] == 1 for word in item.result["Messages"])]
    if failed:
        words = f"{len(failed)} listings failed within {RECENT.days} days: {_some([str(item.id) for item in failed])}"
        yield warning("feeds", words, "linnworks-bridge feeds list --all; Linnworks shows why at the listing")
    if waiting:
        since = min(item.feed.created_at for item in waiting)
        advice = "linnworks-bridge feeds list says why; the bridge goes on trying"
        words = f"{len(waiting)} listings wait, the first since {since:%Y-%m-%d %H:%M} UTC"
        yield judged("feeds", words, _by_age(now - since), advice)
    if not failed and not waiting:
        yield well("feeds", "no listing waits, and none failed lately")


QUESTIONS: dict[str, Callable[[datetime], Iterator[Finding]]] = {
    "outbox": outbox,
    "actions": actions,
    "held orders": orders,
    "feeds": feeds,
}


def _by_age(age: timedelta) -> State:
    return State.FAULT if age > VERY_LONG else State.WARNING if age > LONG else State.OK


def _some(names: list[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
