"""The lights: whether Linnworks, the bridge and each shop work, with a sentence and the command to type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge.channels.base import LAST_STEP
from bridge.errors import ChannelUnavailable, CredentialsRefused, OutcomeUnknown
from bridge.masking import masked
from bridge.ops.doctor import integrations
from bridge.ops.doctor.findings import State
from bridge.ops.doctor.service import LOGS
from bridge.ops.wording import counted
from bridge.store.actions import UNKNOWN, count_not_done
from bridge.store.calls import ORDERS, last_call
from bridge.store.connections import Connection, list_connections
from bridge.store.findings import OK, RecordedFinding, recorded_findings
from bridge.store.orders import count_held
from bridge.store.outbox import waiting_since
from bridge.store.paging import POLL_SILENCE, last_complete_runs, last_polls
from bridge.sync import pauses

LONG_WAIT = timedelta(minutes=15)
MOST_SENTENCES = 6
SHOP_FAILURES = {error.__name__ for error in (ChannelUnavailable, OutcomeUnknown, CredentialsRefused)}
"""Outcomes of a call whose shop did not answer as it should."""
OF_A_SHOP = {"shop", "shop clock", "lists"}
SHOWN_OTHERWISE = {"polls", "outbox", "actions", "held orders", "shop"}
"""Causes of findings about a connection that the lights find out themselves, as things are now."""


@dataclass(frozen=True)
class Sentence:
    """What is right or wrong, since when, and what to type."""

    state: State
    text: str
    since: datetime | None = None
    command: str = ""
    advice: str = ""


@dataclass(frozen=True)
class Light:
    """Whether one thing works, and why; `connection` is the number of a shop's connection."""

    name: str
    kind: str
    sentences: Sequence[Sentence]
    connection: int | None = None

    @property
    def state(self) -> State:
        """The worst state of its sentences."""
        return max((one.state for one in self.sentences), key=lambda state: state.status, default=State.OK)

    @property
    def shown(self) -> Sequence[Sentence]:
        """The sentences to show, the worst first: those that are ok only if nothing is wrong."""
        ordered = sorted(self.sentences, key=lambda one: -one.state.status)
        wrong = [one for one in ordered if one.state is not State.OK]
        return (wrong or ordered)[:MOST_SENTENCES]


def all_lights(problems: Mapping[str, str], now: datetime) -> list[Light]:
    """Return the lights of Linnworks, the bridge and each shop, of which those that are ill come first."""
    facts, rows = _Facts(), list_connections()
    ready = [row for row in rows if row.complete]
    shops = [Light(row.account_name, "shop", list(_shop(row, facts, now)), row.id) for row in ready]
    return [
        Light("Linnworks", "linnworks", list(_linnworks(ready, now))),
        Light("Bridge", "bridge", list(_bridge(problems, facts.findings))),
        *sorted(shops, key=lambda light: -light.state.status),
    ]


def verdict(lights: Sequence[Light]) -> str:
    """Return in one sentence what is ill."""
    broken = [light for light in lights if light.state is State.ERROR]
    warned = [light for light in lights if light.state is State.WARNING]
    if broken:
        names = " and ".join(filter(None, [", ".join(_named(one) for one in broken[:-1]), _named(broken[-1])]))
        return f"{names[0].upper()}{names[1:]} {'needs' if len(broken) == 1 else 'need'} you"
    if warned:
        return f"Everything runs; {counted(len(warned), 'thing')} to look at"
    return "Everything works"


def _named(light: Light) -> str:
    return {"linnworks": "Linnworks", "bridge": "the bridge"}.get(light.kind, f"the shop of {light.name}")


def _linnworks(ready: Sequence[Connection], now: datetime) -> Iterator[Sentence]:
    """Say whether Linnworks asks for the orders of every connection."""
    if not ready:
        yield Sentence(State.OK, "No integration is set up yet", command="linnworks-bridge manifest")
        return
    polled = last_polls()
    if not any(now - moment > POLL_SILENCE for moment in polled.values()):
        whose = f"all {len(ready)} integrations" if len(ready) > 1 else ready[0].account_name
        yield Sentence(State.OK, f"It asks for the orders of {whose}, last at {max(polled.values()):%H:%M:%S} UTC")
        return
    for row in ready:
        if row.id not in polled:
            continue
        found = integrations.polls(row, polled[row.id], now)
        text = f"Orders of {row.account_name}: {found.message}"
        yield Sentence(found.state, text, None, found.command, found.advice)


def _bridge(problems: Mapping[str, str], findings: Sequence[RecordedFinding]) -> Iterator[Sentence]:
    """Say whether the process that answers works, and what the rounds have found about the installation."""
    for name, problem in problems.items():
        if problem:
            yield Sentence(State.ERROR, problem, command="df -h" if name in ("database", "storage") else LOGS)
    for row in findings:
        if row.connection_id is None and row.state != OK:
            yield _sentence(row)
    yield Sentence(State.OK, "It stores, its worker runs, and its key opens what is sealed")


class _Facts:
    """What is known of all connections, read once."""

    def __init__(self) -> None:
        self.findings = recorded_findings()
        self.held, self.not_done, self.waiting = count_held(), count_not_done(), waiting_since()
        self.runs = last_complete_runs()


def light_of_shop(row: Connection, now: datetime) -> Light:
    """Return the light of one connection's shop."""
    return Light(row.account_name, "shop", list(_shop(row, _Facts(), now)), row.id)


def _shop(row: Connection, facts: _Facts, now: datetime) -> Iterator[Sentence]:
    findings = [one for one in facts.findings if one.connection_id == row.id]
    yield _answers(row, next((one for one in findings if one.cause == "shop"), None), facts.runs.get(row.id))
    if held := facts.held.get(row.id):
        text = f"{counted(held, 'order is', 'orders are')} held, because Linnworks would refuse {_them(held)}"
        yield Sentence(State.WARNING, text, command=f"linnworks-bridge orders held --connection {row.id}")
    if unknown := facts.not_done.get((row.id, UNKNOWN)):
        text = f"The outcome of {counted(unknown, 'order action')} is unknown"
        yield Sentence(State.WARNING, text, command=f"linnworks-bridge actions list --connection {row.id}")
    paused = pauses.paused_pushes(row)
    waiting = [since for (number, kind), since in facts.waiting.items() if number == row.id and kind not in paused]
    if waiting and now - min(waiting) > LONG_WAIT:
        text = "It has not taken stock levels or prices yet"
        command = f"linnworks-bridge outbox list --connection {row.id}"
        yield Sentence(State.WARNING, text, min(waiting), command)
    for kind, since in pauses.paused_since(row).items():
        yield Sentence(
            State.WARNING, f"{pauses.NAMES[kind]} are paused", since, f"linnworks-bridge resume {row.id} {kind}"
        )
    for one in findings:
        if one.state != OK and one.cause not in SHOWN_OTHERWISE and not one.cause.startswith("pause of "):
            yield _sentence(one)


def _answers(row: Connection, examined: RecordedFinding | None, run: datetime | None) -> Sentence:
    """Say whether the shop answers: by the last call of Linnworks that needed it, or by the last round."""
    reconnect = f"linnworks-bridge connections reconnect {row.id}"
    if row.step != LAST_STEP:
        text = "The seller must enter the shop's credentials again, in Linnworks"
        advice = "The command shows the seller the wizard's page again; then open the integration in Linnworks"
        return Sentence(State.ERROR, text, examined.since if examined else None, reconnect, advice)
    call = last_call(row.id, ORDERS)
    if examined is not None and (call is None or call.at < examined.found_at):
        if examined.state == OK:
            return Sentence(State.OK, f"It answers; last asked at {examined.found_at:%H:%M:%S} UTC")
        return _sentence(examined)
    if call is not None and call.outcome in SHOP_FAILURES:
        since = examined.since if examined is not None and examined.state != OK else call.at
        refused = call.outcome == CredentialsRefused.__name__
        return Sentence(State.ERROR, call.error, since, reconnect if refused else integrations.DOCTOR)
    if call is not None and not call.error:
        return Sentence(State.OK, f"It answered Linnworks at {call.at:%H:%M:%S} UTC")
    return Sentence(State.OK, f"It answered at {run:%H:%M} UTC" if run else "It has not been asked yet")


def _sentence(row: RecordedFinding) -> Sentence:
    advice = row.advice if row.advice != row.command else ""
    return Sentence(State(row.state), f"{_about(row)}{masked(row.message)}", row.since, row.command, masked(advice))


def _about(row: RecordedFinding) -> str:
    where = f" on {row.host}" if row.host else ""
    return "" if row.cause in OF_A_SHOP else f"{row.name[:1].upper()}{row.name[1:]}{where}: "


def _them(number: int) -> str:
    return "it" if number == 1 else "them"


def worst(lights: Sequence[Light]) -> State:
    """Return the worst state of all."""
    return max((light.state for light in lights), key=lambda state: state.status)
