"""Virtual time, and jobs that can be interleaved and killed at every statement and shop call, always alike."""

from __future__ import annotations

import random
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

from bridge import clock
from bridge.clock import EPOCH
from bridge.store.database import database

SYNCHRONOUS = "PRAGMA synchronous"
START = EPOCH + timedelta(days=20_000)
SLEEP_TAKES = 0.5


def at(seconds: float) -> datetime:
    """The moment so many seconds after the simulation's beginning."""
    return START + timedelta(seconds=seconds)


class Killed(BaseException):
    """The process that a job ran in is gone."""


@dataclass
class Job:
    """Something that a process of the bridge does: `steps` counts its statements and shop calls.

    It dies at step `kill_at`, and at the steps `pauses` others may go first. `chance` decides how the shop answers.
    """

    process: int
    run: Callable[[], Any]
    done: Callable[[Any], None]
    chance: random.Random
    kill_at: int = 0
    pauses: list[int] = field(default_factory=list)
    steps: int = 0
    began: float = 0
    dead: bool = False
    result: Any = None


class World:
    """What all share: the time, each party's clock, and who acts just now."""

    def __init__(self) -> None:
        self.time = 0.0
        self.skew = {"linnworks": 0.0, "shop": 0.0, 0: 0.0, 1: 0.0}
        self.current: Job | None = None
        self.late: list[tuple[float, Callable[[], None]]] = []
        self.trace: list[str] = []
        self.kill: Callable[[int], None] = lambda process: None
        self.back_up: Callable[[], Any] | None = None
        self.on_disk: Any = None

    def clock(self, whose: Any) -> float:
        """What somebody's clock shows."""
        return self.time + self.skew[whose]

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and happen what happens meanwhile."""
        end = self.time + seconds
        for moment, act in sorted((one for one in self.late if one[0] <= end), key=lambda one: one[0]):
            self.time = max(self.time, moment)
            act()
        self.late = [one for one in self.late if one[0] > end]
        self.time = end

    def before_commit_that_may_be_undone(self) -> None:
        """Keep what a power cut leaves: the database before the first commit that did not wait for the disk."""
        if self.back_up and self.on_disk is None:
            self.on_disk = self.back_up()

    def say(self, words: str) -> None:
        self.trace.append(f"{self.time:9.1f} {words}")

    def step(self, *, others: bool = True) -> None:
        """A statement or a shop call is about to happen: die here, or let others go first."""
        job = self.current
        if job is None:
            return
        job.steps += 1
        if job.steps == job.kill_at:
            self.say(f"process {job.process} is killed at step {job.steps}")
            job.dead = True
            self.kill(job.process)
        if job.dead:
            raise Killed
        seat = threading.current_thread()
        ready = others and job.pauses and job.steps >= job.pauses[0] and isinstance(seat, Seat)
        if ready and not database.in_transaction():
            job.pauses.pop(0)
            seat.pause()
            if job.dead:
                raise Killed


class VirtualClock(clock.Clock):
    """The bridge's clock in a world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> datetime:
        job = self._world.current
        return at(self._world.clock(job.process if job else 0))

    def monotonic(self) -> float:
        return self._world.time

    def sleep(self, seconds: float) -> None:
        self._world.step()
        self._world.pass_time(max(seconds, SLEEP_TAKES))


class Seat(threading.Thread):
    """A thread in which a job can be stopped and go on; only one thread of a world runs at any time."""

    free: list[Seat] = []

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._go, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._work: Callable[[], None] | None = None
        self.start()

    def run(self) -> None:
        while True:
            self._go.acquire()
            assert self._work
            self._work()
            self._work = None
            self._back.release()

    def resume(self, work: Callable[[], None] | None = None) -> bool:
        """Begin work, or go on with it, until it pauses; whether it is done."""
        self._work = work or self._work
        self._go.release()
        self._back.acquire()
        return self._work is None

    def pause(self) -> None:
        """Within the work: let others go first."""
        self._back.release()
        self._go.acquire()


class Jobs:
    """The jobs under way in a world."""

    MOST = 3

    def __init__(self, world: World) -> None:
        self.world = world
        self.under_way: list[tuple[Job, Seat]] = []

    def begin(self, job: Job) -> None:
        """Run a job to its end or its first pause."""
        job.began = self.world.time
        if not job.pauses:
            self._run(job)
            self._finish(job)
            return
        while len(self.under_way) >= self.MOST:
            self.go_on(0, to_the_end=True)
        seat = Seat.free.pop() if Seat.free else Seat()
        self.under_way.append((job, seat))
        self._resume(job, seat, lambda: self._run(job))

    def go_on(self, index: int, *, to_the_end: bool = False) -> None:
        """Let a job that paused go on to its next pause, or to its end."""
        job, seat = self.under_way[index % len(self.under_way)]
        if to_the_end:
            job.pauses.clear()
        self._resume(job, seat, None)

    def finish(self) -> None:
        """Run everything to its end."""
        while self.under_way:
            self.go_on(0, to_the_end=True)

    def kill(self, process: int) -> None:
        """Have the paused jobs of a process die when they are resumed, which is at once."""
        for job, _ in self.under_way:
            job.dead = job.dead or job.process == process

    def bury(self) -> None:
        """Let those go that were killed."""
        while dead := [pair for pair in self.under_way if pair[0].dead]:
            self._resume(*dead[0], None)

    def _resume(self, job: Job, seat: Seat, work: Callable[[], None] | None) -> None:
        outer, self.world.current = self.world.current, job
        done = seat.resume(work)
        self.world.current = outer
        if done:
            self.under_way.remove((job, seat))
            Seat.free.append(seat)
            self._finish(job)

    def _run(self, job: Job) -> None:
        outer, self.world.current = self.world.current, job
        try:
            job.result = job.run()
        except Killed:
            drop_connection()
        except BaseException as error:
            job.result = error
        finally:
            self.world.current = outer

    def _finish(self, job: Job) -> None:
        if isinstance(job.result, BaseException):
            raise job.result
        job.done(job.result)


def drop_connection() -> None:
    """What becomes of a database connection whose process dies: the transaction it was in never happened."""
    if not database.is_closed():
        raw = database.connection()
        raw.rollback()
        raw.close()
    database.obj._state.reset()


@contextmanager
def played(world: World, seed: int) -> Iterator[None]:
    """Within this everything that the bridge draws or reads off a clock comes from the seed and the world."""
    chance = random.Random(seed)
    previous = clock.use(VirtualClock(world))
    with (
        patch.object(secrets, "token_hex", lambda length=32: f"{chance.getrandbits(8 * length):0{2 * length}x}"),
        patch.object(random.SystemRandom, "random", lambda self: chance.random()),
        _statements_are_steps(world),
    ):
        try:
            yield
        finally:
            clock.use(previous)


@contextmanager
def _statements_are_steps(world: World) -> Iterator[None]:
    db = database.obj
    execute, begin, commit = db.execute_sql, db.begin, db.commit
    here = threading.local()

    def execute_sql(sql: str, params: Any = None) -> Any:
        if sql.startswith(SYNCHRONOUS) and sql != f"{SYNCHRONOUS} = normal":
            here.durable = True  # also if the process is killed now: the next one has a connection of its own
        world.step()
        if sql == f"{SYNCHRONOUS} = normal":
            here.durable = False
        return execute(sql, params)

    def begin_it(*how: Any) -> Any:
        world.step()
        if not getattr(here, "durable", True):
            world.before_commit_that_may_be_undone()
        return begin(*how)

    def commit_it() -> Any:
        world.step(others=False)
        done = commit()
        if getattr(here, "durable", True):
            world.on_disk = None
        return done

    db.execute_sql, db.begin, db.commit = execute_sql, begin_it, commit_it
    try:
        yield
    finally:
        del db.execute_sql, db.begin, db.commit
