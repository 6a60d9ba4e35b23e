"""What a long history costs: a poll and an idle second of the worker, compared with an empty installation's."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from datetime import timedelta
from itertools import count
from pathlib import Path
from unittest.mock import patch

from peewee import SqliteDatabase

from bench.figures import Figure, of_target, ratios
from bench.installation import ORDERS, Installation, environ_of, fresh_database
from bench.shops import QUIET
from bridge.clock import now
from bridge.store.connections import Connection
from bridge.store.database import PRAGMAS, close_store, database, writing
from bridge.store.fields import MomentField
from bridge.sync import feeds, outbox

CONNECTIONS, SEEN_ORDERS = 1_000, 200_000
RUNS, LISTINGS = 20, 10
"""Complete runs and listings of each connection."""
CALLS = 40
"""Calls of a round."""


class Measured:
    """An installation with one connection; those of this process take turns with the database."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self._here = Installation(environ_of(folder, database_url, QUIET))
        self._token = self._here.connect()
        self._database = database.obj
        self._began, self._seconds = now(), count()
        database.initialize(None)  # or the next installation closes it

    def use(self) -> None:
        """Make this installation's database the current one."""
        database.initialize(self._database)

    def poll(self) -> None:
        """Ask for the first page of a run, each since a second later."""
        since = self._began + timedelta(seconds=next(self._seconds))
        self._here.ask(ORDERS, AuthorizationToken=self._token, UTCTimeFrom=f"{since:%Y-%m-%d %H:%M:%SZ}", PageNumber=1)

    def idle(self) -> None:
        """Do what the worker does each second."""
        channels = self._here.app.extensions["bridge"].channels
        worked = feeds.work_one(channels), outbox.work_one(channels)
        assert not any(worked)

    def close(self) -> None:
        """Close the installation."""
        self.use()
        self._here.close()
        close_store()


def measure(database_url: str, rounds: int) -> list[Figure]:
    """Measure both on SQLite, without its waits for the disk, or on the server with this URL."""
    with ExitStack() as stack:
        stack.enter_context(patch.dict(PRAGMAS, synchronous="off"))
        pair = []
        for _ in range(2):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
            url = stack.enter_context(fresh_database(database_url))
            pair.append(stack.enter_context(closing(Measured(folder, url))))
        pair[1].use()
        fill()
        empty_poll, poll = _in_turn([(one, one.poll) for one in pair], rounds)
        empty_idle, idle = _in_turn([(one, one.idle) for one in pair], rounds)
    where = "PostgreSQL" if database_url else "SQLite"
    return [
        of_target("16a", ratios(poll, empty_poll)),
        of_target("16b", ratios(idle, empty_idle)),
        Figure(f"poll with a long history, nothing new ({where})", tuple(poll), "us"),
        Figure(f"idle second of the worker with a long history ({where})", tuple(idle), "us"),
    ]


def _in_turn(jobs: list[tuple[Measured, Callable[[], None]]], rounds: int) -> list[list[float]]:
    """Return the time of each job in microseconds by round, after one round to warm up.

    A quarter of a round's calls is faster than that: the others are slowed down by what else the machine does. It is
    processor time on SQLite, and the time that passes where a server does the work.
    """
    clock = time.thread_time if isinstance(database.obj, SqliteDatabase) else time.perf_counter
    samples: list[list[float]] = [[] for _ in jobs]
    for _ in range(rounds + 1):
        taken: list[list[float]] = [[] for _ in jobs]
        for _ in range(CALLS):
            for (measured, job), of_job in zip(jobs, taken, strict=True):
                measured.use()
                started = clock()
                job()
                of_job.append(1e6 * (clock() - started))
        for of_job, of_round in zip(taken, samples, strict=True):
            of_round.append(statistics.quantiles(of_job, n=4)[0])
    return [of_round[1:] for of_round in samples]


def fill() -> None:
    """Give the current database its history: half of the orders are of the connection that is polled.

    Each connection also has a listing and a value that the shop could not take, and that wait for the next attempt.
    """
    moment = MomentField().db_value(now() - timedelta(days=1))
    soon = MomentField().db_value(now() + timedelta(minutes=10))
    with writing():
        if not isinstance(database.obj, SqliteDatabase):
            database.execute_sql("SET LOCAL statement_timeout = 0")
        for sql in _HISTORY:
            database.execute_sql(sql.format(polled=Connection.get().id, moment=moment, soon=soon))
    if not isinstance(database.obj, SqliteDatabase):
        database.execute_sql("ANALYZE")  # as a server does by itself, a minute later


def _numbers(last: int) -> str:
    return f"WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {last})"


_HISTORY = (
    f"""INSERT INTO connection
    (uid, generation, token_digest, account, account_name, email, step, config, sealed, created_at, completed_at)
    {_numbers(CONNECTIONS - 1)}
    SELECT 'uid ' || n, 1, 'digest ' || n, 'account', n, 'a@example.com', 'UserConfig', '{{{{}}}}', '', {{moment}},
    {{moment}} FROM number""",
    """INSERT INTO outbox_lease
    (connection_id, generation, claim, claimed_until, next_at, attempts, unsure_until, deaths, pushed_alone)
    SELECT id, 1, '', {moment}, {moment}, 0, {moment}, 0, '' FROM connection""",
    f"""INSERT INTO seen_order
    (connection_id, reference, number, first_seen_at, offered_at, offers, hold_reason, checked_at, releases)
    {_numbers(SEEN_ORDERS)}
    SELECT CASE WHEN n <= {SEEN_ORDERS // 2} THEN {{polled}} ELSE
    {{polled}} + 1 + n - n / {CONNECTIONS - 1} * {CONNECTIONS - 1} END,
    'old ' || n, '', {{moment}} + n, {{moment}} + n, 1, '', {{moment}} + n, 0 FROM number""",
    f"""INSERT INTO paging_run (connection_id, kind, asked_since, since, started_at, finished_at, asked_at, shared)
    {_numbers(RUNS)}
    SELECT id, 'orders', {{moment}} + n, {{moment}} + n, {{moment}} + n, {{moment}} + n, {{moment}} + n, FALSE
    FROM connection, number""",
    """INSERT INTO page_cursor (run_id, number, reads)
    SELECT id, 1, 1 FROM paging_run WHERE id NOT IN (SELECT run_id FROM page_cursor)""",
    "INSERT INTO feed (id, connection_id, created_at) SELECT 'feed ' || id, id, {moment} FROM connection",
    f"""INSERT INTO feed_item
    (feed_id, connection_id, action, request, done, attempts, error, next_at, claim, claimed_until, expired_claims,
    set_aside)
    {_numbers(LISTINGS)}
    SELECT 'feed ' || id, id, 'DELETE', '{{{{}}}}', n > 1, 0, '', {{soon}}, '', {{moment}}, 0, FALSE
    FROM connection, number""",
    """INSERT INTO pending_update
    (connection_id, kind, key, sku, tag, row, attempts, error, since, next_at, unsure_until)
    SELECT id, 'stock', 'A', 'A', '', '{{}}', 1, '', {moment}, {soon}, {moment} FROM connection""",
)
