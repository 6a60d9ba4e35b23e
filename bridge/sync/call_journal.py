"""The journal: collects what is recorded of calls, and stores it in batches, so that no call waits for that."""

from __future__ import annotations

import atexit
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import peewee

from bridge.clock import now
from bridge.masking import masked
from bridge.settings import Settings
from bridge.store.calls import LONGEST_ENDPOINT, LONGEST_OUTCOME, PLACE, Detail, ShopCallRecord, add_calls, trim_calls
from bridge.store.database import close_store, discard_connection
from bridge.trace import Push, Trace

log = logging.getLogger(__name__)

FLUSH_SECONDS = 1.0
STOP_SECONDS = 5
FLUSH_ROWS = 20_000
"""How many rows are not kept waiting for that long: those of a second of full updates would be many megabytes."""
MOST_WAITING = 5_000
MOST_WAITING_ROWS = 200_000
MOST_ROWS = 10_000
"""How many rows of one call are recorded."""
MOST_DISTINCT_ERRORS = 2_000
LONGEST_NUMBER, LONGEST_ERROR = 200, 1_000
"""Characters that are recorded of an order number or SKU, and of an Error."""
MEGABYTE = 1_000_000
FEWEST_TO_TRIM = MEGABYTE
NOT_RECORDED = "not recorded"
SHORT, MARKS = 5, "\"'().,:;"
"""Below how many characters a number may also be a part of another, and what may stand around it."""

_encode = msgspec.json.Encoder(enc_hook=str).encode


@dataclass(slots=True)
class CallFacts:
    """What is recorded of one call, or one job of the worker.

    `numbers` are its orders or SKUs (`about`), with a value and an Error for each if they have any. `more_skus` are the
    SKUs in orders. `held`: the Errors say why orders were left out of an answer that is none the worse for it.
    """

    at: datetime
    request: str
    endpoint: str
    outcome: str
    ms: int
    connection: int | None = None
    generation: int = 0
    error: str = ""
    asked: dict[str, Any] = field(default_factory=dict)
    about: str = "skus"
    numbers: Sequence[str] = ()
    values: Sequence[Any] = ()
    errors: Sequence[str | None] = ()
    more_skus: Sequence[str] = ()
    held: bool = False
    trace: Trace | None = None


class CallJournal:
    """Stores what is added to it about every second, in a thread of the process; a crash may lose the last second.

    Nothing that happens here fails or delays a call. If the database cannot be written, the newest are kept in memory
    up to a limit, and a gap is recorded later.
    """

    def __init__(self, settings: Settings) -> None:
        self._most_bytes = settings.keep_calls_mb * MEGABYTE
        self._trim_after = max(FEWEST_TO_TRIM, self._most_bytes // 50)
        self._written = self._trim_after  # so that a limit that was lowered is kept from the start
        self._waiting: list[CallFacts] = []
        self._rows = 0
        self._gap: CallFacts | None = None
        self._lost = 0
        self._failing = False
        self._lock, self._flushing = threading.Lock(), threading.Lock()
        self._wake = threading.Event()
        self._stopped = False
        self._thread: threading.Thread | None = None

    def add(self, facts: CallFacts) -> None:
        """Have a call recorded, or the gap if too many wait already."""
        facts.error = facts.error[:LONGEST_ERROR]
        facts.numbers, facts.more_skus = _cut(facts.numbers, LONGEST_NUMBER), _cut(facts.more_skus, LONGEST_NUMBER)
        facts.values, facts.errors = _cut(facts.values, LONGEST_NUMBER), _cut(facts.errors, LONGEST_ERROR)
        with self._lock:
            if len(self._waiting) >= MOST_WAITING or self._rows > MOST_WAITING_ROWS:
                self._lost += 1
                self._gap = self._gap or facts
                return
            self._waiting.append(facts)
            before, self._rows = self._rows, self._rows + len(facts.numbers) + len(facts.more_skus)
            if before <= FLUSH_ROWS < self._rows:  # once, or a database that fails would be tried with each call
                self._wake.set()

    def start(self) -> None:
        """Start the thread unless it is running; each process needs its own after a fork."""
        if not self._alive and not self._stopped:
            with self._lock:
                if not self._alive:
                    self._thread = threading.Thread(target=self._run, name="call-journal", daemon=True)
                    self._thread.start()
                    atexit.register(self.stop)

    def stop(self) -> None:
        """Store what waits, and stop the thread."""
        thread = self._thread if self._alive else None
        self._stopped = True
        self._wake.set()
        atexit.unregister(self.stop)
        if thread:
            thread.join(STOP_SECONDS)
            self._flush_and_log()

    @property
    def _alive(self) -> bool:
        """Whether the thread is running; after a fork it is not."""
        return self._thread is not None and self._thread.is_alive()

    def flush(self) -> None:
        """Store everything that waits; raises what the database raises, and then keeps it."""
        with self._flushing:
            with self._lock:
                facts, gap, lost = self._waiting, self._gap, self._lost
                self._waiting, self._gap, self._lost, self._rows = [], None, 0, 0
            records = [made for one in facts if (made := _record(one)) is not None]
            if gap:
                records.append(_gap_record(gap, lost))
            try:
                _store(records)
            except peewee.OperationalError:
                with self._lock:
                    self._waiting = facts + self._waiting
                    self._rows = sum(len(one.numbers) + len(one.more_skus) for one in self._waiting)
                    self._gap, self._lost = gap or self._gap, lost + self._lost
                raise
            self._written += sum(record["size"] for record in records)
            if self._written >= self._trim_after:
                self._written = 0
                trim_calls(self._most_bytes)

    def _run(self) -> None:
        while not self._stopped:
            self._wake.wait(FLUSH_SECONDS)
            self._wake.clear()
            self._flush_and_log()
        close_store()

    def _flush_and_log(self) -> None:
        """Store what waits; a failure is logged once, until storing works again."""
        try:
            self.flush()
            self._failing = False
        except Exception:
            discard_connection()
            if not self._failing:
                log.exception("The record of calls cannot be stored; calls are answered all the same")
            self._failing = True


def _cut(texts: Sequence[Any], limit: int) -> Sequence[Any]:
    """Return values in which no text is longer than the limit."""
    try:
        if max(map(len, texts), default=0) <= limit:  # the usual case
            return texts
    except TypeError:  # not all are texts
        if str not in set(map(type, texts)):
            return texts
    return [text[:limit] if isinstance(text, str) else text for text in texts]


def push_facts(push: Push, trace: Trace, *, connection: int, generation: int, seconds: float, own: bool) -> CallFacts:
    """Return what is recorded of values that were pushed because they waited; `own` if nothing else was done.

    Those that wait on are only counted: the record has them as they were asked for, and the outbox as they are.
    """
    failed = sum(error is not None for error in push.errors)
    waiting = f"The shop has not taken {push.postponed} of them yet: {push.reason}" if push.postponed else ""
    return CallFacts(
        at=now(),
        request=trace.request,
        endpoint=f"Push of waiting {push.kind}",
        outcome="ok" if not (failed or waiting) else "partial" if len(push.skus) > failed else "failed",
        ms=round(1000 * seconds),
        connection=connection,
        generation=generation,
        error=waiting,
        numbers=push.skus,
        values=push.values,
        errors=push.errors,
        trace=trace if own else None,
    )


def _store(records: Sequence[dict[str, Any]]) -> None:
    """Store records; one that the database refuses costs the others nothing. Raises OperationalError."""
    if not records:
        return
    try:
        add_calls(records)
    except peewee.OperationalError:
        raise
    except Exception:
        if len(records) == 1:
            log.exception("Request %s cannot be recorded", records[0]["request"])
            return
        for record in records:
            _store([record])


def _record(facts: CallFacts) -> dict[str, Any] | None:
    """Return the columns of a record; None, and a line in the log, if it cannot be made."""
    try:
        return _columns(facts)
    except Exception:
        log.exception("Request %s cannot be recorded", facts.request)
        return None


def _columns(facts: CallFacts) -> dict[str, Any]:
    numbers = _json_list(facts.numbers[:MOST_ROWS])
    row_errors = _row_errors(facts)
    trace = facts.trace
    detail = Detail(
        asked=facts.asked,
        values=list(facts.values[:MOST_ROWS]),
        row_errors=row_errors,
        rows=len(facts.numbers),
        shop_calls=[
            ShopCallRecord(call.method, masked(call.path), call.status, call.ms, masked(call.failure))
            for call in (trace.shop_calls if trace else ())
        ],
        shop_calls_counted=trace.calls_counted if trace else 0,
    )
    orders, skus = (numbers, _json_list(facts.more_skus[:MOST_ROWS])) if facts.about == "orders" else ("", numbers)
    try:
        detail_json = _encode(detail).decode()
    except UnicodeEncodeError:  # half a surrogate pair
        detail_json = _encode(msgspec.structs.replace(detail, asked={}, values=[])).decode()
    error = _storable(masked(facts.error))
    return {
        "connection": facts.connection,
        "generation": facts.generation,
        "at": facts.at,
        "request": facts.request,
        "endpoint": facts.endpoint[:LONGEST_ENDPOINT],
        "outcome": facts.outcome[:LONGEST_OUTCOME],
        "failed": bool(facts.error or (row_errors and not facts.held)),
        "ms": facts.ms,
        "error": error,
        "orders": orders,
        "skus": skus,
        "detail_json": detail_json,
        "size": 200 + len(error) + len(orders) + len(skus) + len(detail_json),
    }


def _json_list(numbers: Sequence[str]) -> str:
    """Return numbers as JSON, "" for none; what no database stores is replaced."""
    if not numbers:
        return ""
    try:
        return _encode(numbers).decode()
    except UnicodeEncodeError:  # half a surrogate pair
        return _encode([number.encode(errors="replace").decode() for number in numbers]).decode()


def _row_errors(facts: CallFacts) -> dict[str, list[int]]:
    """Return the positions of the rows with each Error, in which the row's own number is left out.

    So a thousand unknown SKUs have one error, and no SKU is masked for looking like something else.
    """
    found: dict[str, list[int]] = {}
    masks: dict[str, str] = {}
    for position, (number, error) in enumerate(zip(facts.numbers[:MOST_ROWS], facts.errors, strict=False)):
        if error is None:
            continue
        text = _without(number, error)
        if text not in masks:
            masks[text] = masked(text).encode(errors="replace").decode()
        if masks[text] in found or len(found) < MOST_DISTINCT_ERRORS:
            found.setdefault(masks[text], []).append(position)
        else:
            found.setdefault("There were more errors than are recorded", []).append(position)
    return found


def _without(number: str, error: str) -> str:
    """Return an error with PLACE for its row's number; a short one only as a word, or it would break what is masked."""
    if len(number) >= SHORT:
        return error.replace(number, PLACE)
    words = error.split(" ")
    return " ".join(word.replace(number, PLACE) if number and word.strip(MARKS) == number else word for word in words)


def _gap_record(first: CallFacts, lost: int) -> dict[str, Any]:
    """Return a record that says how many calls have none."""
    until = f"{now():%Y-%m-%d %H:%M:%S}"
    error = f"{lost} calls since {first.at:%Y-%m-%d %H:%M:%S} until {until} UTC were not recorded"
    return _columns(CallFacts(first.at, first.request, NOT_RECORDED, NOT_RECORDED, 0, error=error))


def _storable(text: str) -> str:
    """Return text without what a database does not store."""
    return text.encode(errors="replace").decode().replace("\x00", " ")
