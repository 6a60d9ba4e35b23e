"""A schedule, played to its end: a seed makes events, and each event decides by its own salt alone what it does."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.simulation import oracle
from tests.simulation.bridge import PROCESSES, installation
from tests.simulation.linnworks import Answer, Linnworks, Walk, Wanted, back_dated
from tests.simulation.shop import Shop, SimulatedChannel, Trouble
from tests.simulation.world import Job, Jobs, Killed, World, drop_connection, played

FEATURES = (
    "hand", "alike", "holds", "bins", "sizes", "faults", "losses", "kills", "two", "under_way", "restore", "skews",
    "jumps", "actions", "values", "listings", "moves_to_end",
    "power",
)  # fmt: skip
EVENTS = {
    "time": ("", 12), "place": ("", 8), "edit": ("", 5), "walk": ("", 8), "begin": ("", 4), "ask": ("", 14),
    "by_hand": ("hand", 5), "again": ("alike", 5), "fit": ("holds", 6), "bin": ("bins", 3), "unbin": ("bins", 2),
    "size": ("sizes", 4), "go_on": ("under_way", 8), "kill": ("kills", 2), "back_up": ("restore", 2),
    "restore": ("restore", 1), "jump": ("jumps", 3), "despatch": ("actions", 4), "cancel": ("actions", 2),
    "refund": ("actions", 2), "resend": ("actions", 6), "group": ("actions", 3), "correct": ("actions", 2),
    "stock": ("values", 6), "price": ("values", 3),
    "work": ("", 5), "listing": ("listings", 4), "feed": ("listings", 2), "products": ("sizes", 1),
    "power_cut": ("power", 2),
}  # fmt: skip
LONG = (5, 20, 60, 300, 900, 3600, 20_000)


@dataclass(frozen=True)
class Schedule:
    """What a seed comes to."""

    seed: int
    features: frozenset[str]
    events: tuple[tuple[str, int], ...]


def schedule(seed: int, only: Sequence[int] | None = None, features: frozenset[str] | None = None) -> Schedule:
    """The schedule of a seed, or some of its events; with these features instead of any."""
    chance = random.Random(seed)
    drawn = frozenset(feature for feature in FEATURES if chance.random() < 0.45)
    features = drawn if features is None else features
    kinds = {kind: weight for kind, (feature, weight) in EVENTS.items() if not feature or feature in features}
    names = chance.choices(list(kinds), list(kinds.values()), k=chance.randint(15, 60))
    events = tuple((name, chance.getrandbits(32)) for name in names)
    return Schedule(seed, features, events if only is None else tuple(events[index] for index in only))


class Play:
    """One schedule under way."""

    def __init__(self, plan: Schedule) -> None:
        self.plan = plan
        self.has = plan.features.__contains__
        self.world = World()
        self.world.time = 30_000.0
        self.world.kill = self._kill
        self.jobs = Jobs(self.world)
        self.killed: set[int] = set()
        self.shop = SimulatedChannel.shop = Shop(self.world)
        self.linnworks = Linnworks(self.world, self._ask, self.has("moves_to_end"))
        self.linnworks.completed = self._completed
        self.installation = installation()
        self.backups: list[Any] = []
        self.numbers = iter(range(10_000))
        self.chance = random.Random(plan.seed)
        overlap = self._clocks()
        self.settings = self._with(overlap)

    def _with(self, overlap: int) -> Any:
        return replace(self.installation.settings, orders_overlap_seconds=overlap)

    def _clocks(self) -> int:
        """Set the clocks; the overlap that this takes.

        Linnworks' clock may be ahead of the shop's by the overlap, and by more where nobody asks by hand.
        """
        chance = self.chance
        if self.has("skews"):
            shop, bridge = chance.choice([0, -40, 40, -7200, 7200]), chance.choice([0, 5, -5, 3600, -3600])
            ahead = chance.choice([0, -20, 20, 50, 600, -600])
            self.world.skew = {"shop": shop, "linnworks": shop + ahead, 0: bridge, 1: bridge}
            return max(0, ahead) + 1 if self.has("hand") or self.has("alike") else chance.choice([0, 1, 300])
        return chance.choice([1, 60])

    def play(self) -> None:
        """Play it to its end; raises Disagreement."""
        self.installation.restore(self.installation.empty)
        for process in PROCESSES:
            self.installation.start(process, self.settings)
        if self.has("sizes"):
            self.size()
        if self.has("power"):
            self.world.back_up = self.installation.backup
        if self.has("faults"):
            self.shop.trouble = Trouble(*(self.chance.choice([0, 0.1, 0.3]) for _ in range(3)))
        for number, (name, salt) in enumerate(self.plan.events):
            self.world.say(f"{number}: {name}")
            self.chance = random.Random(salt)
            getattr(self, name)()
            self._restart()
        self.world.say("the end")
        self._heal()
        self._compare()

    def _completed(self, walk: Walk) -> None:
        """Two clocks that were set together are noticed one run later."""
        if not self.jumped_together:
            oracle.check_walk(self.linnworks, self.shop, walk)

    # -- the bridge ------------------------------------------------------------------------------------

    def _job(self, run: Callable[[int], Any], done: Callable[[Any], None], *, calm: bool = False) -> None:
        chance = random.Random(self.chance.getrandbits(32))
        process = chance.choice(PROCESSES) if self.has("two") else 0
        job = Job(process, lambda: run(process), done, chance)
        if not calm:
            if self.has("kills") and chance.random() < 0.1:
                job.kill_at = chance.randint(1, 40)
            if self.has("under_way") and chance.random() < 0.3:
                job.pauses = sorted(chance.randint(1, 30) for _ in range(chance.randint(1, 3)))
        self.jobs.begin(job)

    def _ask(self, name: str, fields: dict[str, Any], done: Callable[[Answer], None]) -> None:
        chance = random.Random(self.chance.getrandbits(32))
        began = self.world.time
        fate = chance.random() if self.has("losses") and not self.calm else 1.0
        if fate < 0.05:
            done(None)  # the request never arrived
            return
        self._job(
            lambda process: self.installation.call(process, name, fields),
            lambda answer: done(None if fate < 0.15 or self.world.time - began > 10 else answer),
            calm=self.calm,
        )

    calm = False
    worked = True
    jumped = jumped_together = False

    def _kill(self, process: int) -> None:
        self.killed.add(process)
        self.jobs.kill(process)

    def _restart(self) -> None:
        self.jobs.bury()
        for process in sorted(self.killed):
            self.installation.start(process, self.settings)
        self.killed.clear()

    def work(self) -> None:
        self._job(self.installation.work, lambda worked: setattr(self, "worked", worked), calm=self.calm)

    def go_on(self) -> None:
        if self.jobs.under_way:
            self.jobs.go_on(self.chance.randrange(len(self.jobs.under_way)))

    def kill(self) -> None:
        self._kill(self.chance.choice(PROCESSES) if self.has("two") else 0)

    def power_cut(self) -> None:
        """All processes die, and the last commits are undone as far as they did not wait for the disk."""
        for process in PROCESSES:
            self._kill(process)
        self._restart()
        if self.world.on_disk is not None:
            self.installation.put(self.world.on_disk)
            self.world.on_disk = None

    def back_up(self) -> None:
        self.backups.append(self.installation.backup())

    def restore(self) -> None:
        """An older database takes the place of the present one.

        What Linnworks was told of values since then the bridge no longer knows, nor how late it answered a repeat.
        """
        if not self.backups:
            return
        for process in PROCESSES:
            self._kill(process)
        self._restart()
        self.installation.restore(self.chance.choice(self.backups))
        self.world.on_disk = None
        self.linnworks.forget_what_was_sent()
        self.linnworks.feeds.clear()
        for wanted in self.linnworks.wanted:
            wanted.forgiven = wanted.kind != "despatch"

    # -- time ------------------------------------------------------------------------------------------

    def time(self) -> None:
        seconds = self.chance.choice([1, 3]) if self.chance.random() < 0.4 else self.chance.choice(LONG)
        if seconds > 3:
            self.jobs.finish()
        self.world.pass_time(seconds)

    def jump(self) -> None:
        """A clock is set, once in a schedule; or at once the two of one machine, which the third has to tell."""
        if self.jumped:
            return
        self.jumped = True
        whose = ["linnworks", "shop"] if not (self.has("hand") or self.has("alike")) else []
        whose += [] if self.has("actions") or self.has("values") else ["bridge"]
        if not whose:
            return
        names = self.chance.sample(whose, min(len(whose), self.chance.choice([1, 1, 2])))
        seconds = self.chance.choice([-3600, -90, 90, 3600])
        self.jobs.finish()
        for name in names:
            for one in PROCESSES if name == "bridge" else (name,):
                self.world.skew[one] += seconds
        self.jumped_together = len(names) > 1
        self.world.say(f"  the clock of {' and '.join(names)} jumps by {seconds}")

    # -- the shop --------------------------------------------------------------------------------------

    def _some(self, orders: Sequence[Any]) -> Any:
        return self.chance.choice(orders) if orders else None

    def place(self) -> None:
        for _ in range(self.chance.choice([1, 1, 2, 4, 7])):
            fit = not self.has("holds") or self.chance.random() < 0.6
            self.shop.place([self.chance.randint(1, 4) for _ in range(self.chance.randint(1, 2))], fit=fit)

    def edit(self) -> None:
        if order := self._some(self.shop.present()):
            if self.has("holds") and self.chance.random() < 0.3:
                order.fit = not order.fit
            self.shop.touch(order)

    def fit(self) -> None:
        """Products get their SKUs, which does not touch the orders."""
        unfit = [order for order in self.shop.present() if not order.fit]
        for order in unfit if self.chance.random() < 0.5 else unfit[:1]:
            order.fit = True

    def bin(self) -> None:
        if order := self._some(self.shop.present()):
            order.binned = True

    def unbin(self) -> None:
        if order := self._some([order for order in self.shop.orders.values() if order.binned]):
            order.binned = False
            self.shop.touch(order)

    def size(self) -> None:
        """From now on pages have as many orders, or each another number, as where a shop is slow."""
        self.shop.page_sizes = self.chance.choice([(1,), (2,), (3,), (12,), (1, 2, 3, 4), (2, 5)])

    # -- Linnworks -------------------------------------------------------------------------------------

    def begin(self) -> None:
        self.linnworks.start(Walk(self.linnworks.since, regular=True))

    def by_hand(self) -> None:
        self.linnworks.start(Walk(back_dated(self.chance, self.linnworks.since), regular=False))

    def again(self) -> None:
        """Another run asked since the same moment as the regular one, and both go on in any order."""
        walks = [Walk(self.linnworks.since, regular=True), Walk(self.linnworks.since, regular=False)]
        for walk in walks[self.chance.choice([0, 1]) :]:
            self.linnworks.start(walk)
        for _ in range(self.chance.choice([1, 3, 9])):
            self.ask()

    def ask(self) -> None:
        walks = [walk for walk in self.linnworks.walks if not walk.over]
        if walks:
            lost = self.has("losses") and self.chance.random() < 0.25
            gives_up = self.chance.random() < 0.3
            self.linnworks.ask_page(self.chance.choice(walks), lost=lost, gives_up=gives_up)

    def walk(self) -> None:
        """A whole run."""
        hand = self.has("hand") and self.chance.random() < 0.3
        since = back_dated(self.chance, self.linnworks.since) if hand else self.linnworks.since
        walk = self.linnworks.start(Walk(since, regular=not hand))
        for _ in range(100):
            before = walk.page
            lost = self.has("losses") and self.chance.random() < 0.1
            self.linnworks.ask_page(walk, lost=lost)
            if walk.over or (walk.page == before and self.chance.random() < 0.5):
                return

    def products(self) -> None:
        self._ask("ProductsEndpoint", {"PageNumber": 1}, lambda answer: None)

    def _values(self, kind: str) -> None:
        skus = self.chance.sample([*self.shop.skus, "unknown"], self.chance.randint(1, 4))
        lost = self.has("losses") and self.chance.random() < 0.1
        values = {sku: next(self.numbers) for sku in skus if sku != "unknown"}
        if values:
            self.linnworks.send_values(kind, values, lost=lost)

    def stock(self) -> None:
        self._values("stock")

    def price(self) -> None:
        self._values("price")

    def _want(self, kind: str) -> None:
        known = [self.shop.orders[number] for number in sorted(self.linnworks.known)]
        if order := self._some(known):
            line = self.chance.choice(list(order.lines))
            tag = f"{kind}-{next(self.numbers)}"
            amount = self.chance.randint(1, order.lines[line].quantity)
            if kind == "despatch":
                asked = [wanted.amount for wanted in self._parcels(order.number, line)]
                amount = min(amount, order.lines[line].quantity - sum(asked))
                if amount < 1:
                    return  # Linnworks does not despatch more than was ordered
            wanted = Wanted(kind, str(order.number), tag, line, amount, self._moment())
            self.linnworks.send(self.linnworks.want(wanted), lost=self._lost())

    def _parcels(self, number: int, line: str | None = None) -> list[Wanted]:
        """The parcels that Linnworks wants of an order, or of a line."""
        despatches = (wanted for wanted in self.linnworks.wanted if wanted.kind == "despatch")
        return [one for one in despatches if one.reference == str(number) and line in (None, one.line)]

    def _moment(self) -> int:
        """A ProcessedOn that no other parcel has."""
        return 100_000 + 60 * next(self.numbers)

    def _lost(self) -> bool:
        return self.has("losses") and self.chance.random() < 0.2

    def despatch(self) -> None:
        self._want("despatch")

    def cancel(self) -> None:
        self._want("cancel")

    def refund(self) -> None:
        self._want("refund")

    def resend(self) -> None:
        """An equal request, because no answer came or the answer said so, or for no reason."""
        if wanted := self._some(self.linnworks.wanted):
            if self.chance.random() < 0.5:
                wanted.processed_on = self._moment()  # a resend bears the current time
            self.linnworks.send(wanted, lost=self._lost())

    def group(self) -> None:
        """Parcels of one order in one request, some of which may have gone before."""
        if order := self._some([order for order in self.shop.orders.values() if len(self._parcels(order.number)) > 1]):
            parcels = self._parcels(order.number)
            group = self.chance.sample(parcels, self.chance.randint(2, min(3, len(parcels))))
            form = self.chance.choice(["entries", "flat", "packages", "both"])
            self.linnworks.send_together(group, form, lost=self._lost())

    def correct(self) -> None:
        """Another tracking number for a parcel that went; Linnworks is told only when no more of its line is to go."""
        sent = [wanted for wanted in self.linnworks.wanted if wanted.kind == "despatch" and wanted.succeeded]
        done = [wanted for wanted in sent if not self.shop.orders[int(wanted.reference)].lines[wanted.line].left]
        if wanted := self._some(done):
            wanted.tag, wanted.corrected = f"{wanted.tag}'", True
            self.linnworks.send(wanted, lost=self._lost())

    def listing(self) -> None:
        lost = self.has("losses") and self.chance.random() < 0.2
        self.linnworks.create_listing(f"N{next(self.numbers)}", lost=lost)

    def feed(self) -> None:
        if feed := self._some(sorted(self.linnworks.feeds)):
            self.linnworks.check_feed(feed)

    # -- the end ---------------------------------------------------------------------------------------

    def _heal(self) -> None:
        """The weather is fine from now on: Linnworks polls, sends again what is open, and the worker has its time."""
        self.jobs.finish()
        self._restart()
        self.calm = True
        self.shop.trouble = Trouble()
        self.shop.page_sizes = (3,)
        self.linnworks.walks.clear()
        for _ in range(5):
            self._heal_once()

    def _heal_once(self) -> None:
        self.world.pass_time(900)
        walk = self.linnworks.start(Walk(self.linnworks.since, regular=True))
        for _ in range(200):
            if walk.over:
                break
            self.linnworks.ask_page(walk)
        oracle.require(walk.over, "a regular run does not come to its end, though nothing is wrong")
        for wanted in self.linnworks.wanted:
            if wanted.kind == "despatch" and not (wanted.succeeded or wanted.refused):
                self.linnworks.send(wanted)
        if self.installation.waits():
            for _ in range(10):
                self.world.pass_time(45)
                while self.worked:
                    self.work()
                self.worked = True
                if not self.installation.waits():
                    break
        if self.linnworks.feeds.keys() - self.linnworks.feed_reports:
            for feed in self.linnworks.feeds:
                self.linnworks.check_feed(feed)

    def _compare(self) -> None:
        oracle.check_orders(self.linnworks, self.shop, lets_go=not self.jumped)
        oracle.check_values(self.linnworks, self.shop)
        oracle.check_actions(self.linnworks, self.shop)
        oracle.check_listings(self.linnworks, self.shop)


def play(plan: Schedule) -> tuple[str, list[str]]:
    """What is wrong after a schedule, or nothing; and what happened."""
    this = Play(plan)
    try:
        with played(this.world, plan.seed):
            try:
                this.play()
            finally:
                this.jobs.kill(0), this.jobs.kill(1)
                this.jobs.bury()
    except (oracle.Disagreement, AssertionError) as error:
        return str(error) or repr(error), this.world.trace
    except Killed:
        drop_connection()
        raise
    return "", this.world.trace


def shrink(plan: Schedule, fails: Callable[[Schedule], bool]) -> tuple[int, ...]:
    """Places of the events that suffice for a schedule to fail, found by leaving out ever smaller parts."""
    kept = tuple(range(len(plan.events)))
    size = max(1, len(kept) // 2)
    while size:
        start = 0
        while start < len(kept):
            fewer = kept[:start] + kept[start + size :]
            if fails(schedule(plan.seed, fewer, plan.features)):
                kept = fewer
            else:
                start += size
        size //= 2
    return kept
