"""Stock and prices end at the newest value, whatever the shop, the network and other processes do."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from decimal import Decimal
from random import Random

import pytest

from bridge.channels.demo import DemoChannel
from bridge.clock import Deadline, now
from bridge.errors import ChannelRefused, ChannelUnavailable, CredentialsRefused, OutcomeUnknown
from bridge.protocol.schemas.products import Price, StockLevel
from bridge.store.connections import Connection
from bridge.store.database import close_store, database
from bridge.store.outbox import OutboxBatch, OutboxLease, PendingUpdate, enqueue, lease_due_outbox
from bridge.sync import outbox
from tests.linnworks import Linnworks

MOMENTS = {
    "outbox_lease": ("claimed_until", "next_at", "unsure_until"),
    "pending_update": ("since", "next_at", "unsure_until"),
    "outbox_batch": ("created_at", "awaited_until"),
}
TABLES = (OutboxBatch, PendingUpdate, OutboxLease)

shelf: dict[object, object] = {}
fates: list = []
calls: list[list] = []


class Killed(BaseException):
    """What ends a process: nothing after it is recorded."""


class Shop(DemoChannel):
    """A shop whose calls go as the test has planned: each takes the next fate, or goes well."""

    def set_stock(self, levels):
        return self._set({(level.sku, None): level.quantity for level in levels})

    def set_prices(self, prices):
        return self._set({(price.sku, price.tag): price.price for price in prices})

    @staticmethod
    def _set(values):
        calls.append(list(values.items()))
        return fates.pop(0)(values) if fates else well(values)


def well(values):
    shelf.update(values)
    return [None] * len(values)


def down(values):
    raise ChannelUnavailable("The shop is closed.")


def lost(values):
    shelf.update(values)
    raise OutcomeUnknown("no answer")


def credentials(values):
    raise CredentialsRefused("The key is wrong")


def broken(values):
    raise ZeroDivisionError("internal words")


def killed(values):
    raise Killed


def apart(**faults):
    """A fate that goes well but for these SKUs."""

    def fate(values):
        shelf.update({key: value for key, value in values.items() if key[0] not in faults})
        return [faults.get(key[0]) for key in values]

    return fate


@pytest.fixture(autouse=True)
def shop(app):
    """The application serves this shop."""
    shelf.clear()
    fates.clear()
    calls.clear()
    app.extensions["bridge"].channels.kind = Shop


@pytest.fixture
def channels(app):
    return app.extensions["bridge"].channels


@pytest.fixture
def connection(linnworks):
    return Connection.get()


@pytest.fixture
def ask(connection, channels):
    """Have stock levels set; what is answered of each. No seconds: whoever finds the lease taken does not wait."""

    def push(levels, seconds=0.0):
        rows = [StockLevel(sku=sku, quantity=level) for sku, level in levels]
        channel = channels.open(channels.config(connection), Deadline(seconds))
        return [row.error for row in outbox.push_stock(connection.id, channel, rows)]

    return push


@pytest.fixture
def work(channels):
    """Let the worker do all that is due."""

    def run():
        while outbox.work_one(channels):
            pass

    return run


def pass_time(seconds):
    """Move all rows into the past."""
    for table, columns in MOMENTS.items():
        changes = ", ".join(f"{column} = {column} - {int(seconds * 1_000_000)}" for column in columns)
        database.execute_sql(f"UPDATE {table} SET {changes}")


def stock():
    return {sku: level for (sku, _), level in shelf.items()}


def not_yet(reason):
    return f"The shop has not taken this yet ({reason}); the bridge goes on trying"


def kept():
    return [table.select().count() for table in (OutboxBatch, PendingUpdate)]


# -- what is answered --------------------------------------------------------------------------------


def test_every_product_is_answered_in_its_place(linnworks):
    """
    Each row has its own outcome, in order and under its very SKU, also where a SKU comes twice.
    """
    fates.append(apart(b=ChannelRefused("Not this one"), c=ChannelUnavailable("Busy")))
    rows = [("a", 1), ("b", 2), ("c", 3), ("d", -1), ("a", 4)]
    answer = linnworks("InventoryUpdateEndpoint", Products=[{"SKU": sku, "Quantity": level} for sku, level in rows])
    errors = [None, "Not this one", not_yet("Busy"), "The quantity of d is below zero", None]

    assert [{"SKU": sku, "Error": error} for (sku, _), error in zip(rows, errors, strict=True)] == answer["Products"]
    assert {"a": 4} == stock()


def test_prices_are_kept_by_tag(linnworks, work):
    """
    The prices of a SKU are told apart by their tags, and stay exact while they wait.
    """
    fates.append(down)
    rows = [("a", 10.10, ""), ("a", 12.345, "RRP"), ("a", 9.99, "")]
    linnworks("PriceUpdateEndpoint", Products=[{"SKU": sku, "Price": price, "Tag": tag} for sku, price, tag in rows])
    pass_time(30)
    work()

    assert {("a", ""): Decimal("9.99"), ("a", "RRP"): Decimal("12.345")} == shelf


def test_a_price_below_zero_is_refused_before_it_is_kept(linnworks):
    """
    Nothing waits for a shop that could never take it.
    """
    answer = linnworks("PriceUpdateEndpoint", Products=[{"SKU": "a", "Price": -0.01}])

    assert [{"SKU": "a", "Error": "The price of a is below zero"}] == answer["Products"]
    assert ([], [0, 0]) == (calls, kept())


def test_what_went_well_leaves_nothing_behind(ask):
    """
    A value that the shop took is kept no longer.
    """
    assert [None, None] == ask([("a", 1), ("b", 2)])
    assert [0, 0] == kept()


def test_the_shop_gets_each_product_once(ask):
    """
    Of several values of a SKU in one request only the last is sent, in its place.
    """
    ask([("a", 1), ("b", 2), ("a", 3)])

    assert [[(("b", None), 2), (("a", None), 3)]] == calls


def test_a_set_up_that_is_not_finished_keeps_nothing(call):
    """
    Before the wizard has been finished nothing is accepted.
    """
    answer = Linnworks(call, "new")("InventoryUpdateEndpoint", Products=[{"SKU": "a", "Quantity": 1}])

    assert "not finished" in answer["Error"]
    assert [0, 0] == kept()


# -- what the shop does not take ---------------------------------------------------------------------


def test_what_is_refused_is_not_tried_again(ask, work):
    """
    A refusal is the last word, of one SKU or of the whole call, at once or later.
    """

    def no(values):
        raise ChannelRefused("No stock is managed here")

    fates.append(no)
    whole = ask([("a", 1)])
    fates.extend([apart(a=ChannelRefused("No"), b=ChannelUnavailable("Busy")), apart(b=ChannelRefused("No"))])
    single = ask([("a", 1), ("b", 2)])
    pass_time(30)
    work()
    pass_time(30)
    work()

    assert ["No stock is managed here"] == whole
    assert ["No", not_yet("Busy")] == single
    assert 3 == len(calls)
    assert [0, 0] == kept()


@pytest.mark.parametrize(
    ("fate", "reason"),
    [(down, "The shop is closed"), (lost, "no answer"), (broken, "the bridge failed; its log has the details")],
)
def test_what_may_work_later_is_tried_until_it_does(ask, work, fate, reason):
    """
    Whatever went wrong, the value is answered truthfully, waits and comes to the shop.
    """
    fates.extend([fate] * 3)
    answer = ask([("a", 1)])
    for _ in range(4):
        pass_time(30)
        work()

    assert [not_yet(reason)] == answer
    assert {"a": 1} == stock()
    assert [0, 0] == kept()


def test_fewer_outcomes_than_products_are_no_success(ask, work):
    """
    A channel that does not answer for each product has its call repeated.
    """
    fates.append(lambda values: [None])
    answer = ask([("a", 1), ("b", 2)])
    pass_time(30)
    work()

    assert [not_yet("the bridge failed; its log has the details")] * 2 == answer
    assert {"a": 1, "b": 2} == stock()


@pytest.mark.parametrize("fate", [credentials, apart(a=CredentialsRefused("The key is wrong"))])
def test_refused_credentials_keep_everything(linnworks, channels, work, fate):
    """
    The seller is asked for them again, and what was asked is pushed once they are right.
    """
    fates.extend([fate, fate])
    answer = linnworks("InventoryUpdateEndpoint", Products=[{"SKU": "a", "Quantity": 1}])
    step = Connection.get().step
    pass_time(30)
    work()
    pass_time(30)
    work()

    assert "The key is wrong" == answer["Error"]
    assert channels.credentials_step.name == step
    assert {"a": 1} == stock()


def test_credentials_that_cannot_be_opened_keep_everything(ask, work):
    """
    Values wait until the stored credentials can be read again.
    """
    fates.append(down)
    ask([("a", 1)])
    sealed = Connection.get().sealed
    Connection.update(sealed="damaged").execute()
    pass_time(30)
    work()
    waiting = PendingUpdate.get().error
    Connection.update(sealed=sealed).execute()
    pass_time(30)
    work()

    assert waiting.startswith("The stored credentials cannot be opened")
    assert {"a": 1} == stock()


def test_a_shop_that_was_down_for_a_day_has_everything_within_a_minute(ask, work):
    """
    However long it failed, and however much waits, the newest values are pushed soon after it is back.
    """
    fates.extend([down] * 100_000)
    for hour in range(24):
        ask([(f"sku-{number}", hour) for number in range(hour * 50, hour * 50 + 100)])
        pass_time(3600)
        work()
    tries = len(calls)
    fates.clear()
    pass_time(outbox.LONGEST_WAIT_SECONDS)
    work()
    newest = {f"sku-{number}": min(number // 50, 23) for number in range(1250)}

    assert newest == stock()
    assert [0, 0] == kept()
    assert 2 == len(calls) - tries
    assert 1000 == max(map(len, calls))


def test_the_waits_grow_to_half_a_minute_and_spread():
    """
    Tries become rarer, never rarer than twice a minute, and those that failed together do not return together.
    """
    waits = [outbox.wait_seconds(attempts, 0.0) for attempts in range(8)]
    rng = Random(7)
    spread = {outbox.wait_seconds(10_000, rng.random()) for _ in range(50)}

    assert [1, 2, 4, 8, 16, 30, 30, 30] == waits
    assert 50 == len(spread)
    assert all(15 <= wait <= 30 for wait in spread)


def test_a_shop_that_is_down_is_asked_once_in_a_while(ask, work):
    """
    The worker lets the whole connection rest after a failure, however many values wait, and longer each time.
    """
    fates.extend([down] * 100)
    ask([(f"sku-{number}", number) for number in range(1500)])
    tries = []
    for _ in range(60):
        pass_time(1)
        work()
        tries.append(len(calls))

    assert 5 <= len(calls) <= 9
    assert tries[4] > tries[-1] - tries[-6]


def test_requests_do_not_put_off_the_worker(ask, work):
    """
    Requests that fail in between do not move the time at which pending_updates are due.
    """
    fates.extend([down] * 3)
    ask([("a", 1)])
    before = OutboxLease.get().next_at
    ask([("b", 1)])
    ask([("c", 1)])

    assert before == OutboxLease.get().next_at


def test_one_product_that_never_works_does_not_hold_up_the_others(ask, work):
    """
    It is tried less and less often, while the rest goes through.
    """
    fates.extend([apart(bad=ChannelUnavailable("Timeout"))] * 1000)
    ask([("bad", 1)])
    for second in range(100):
        ask([("good", second)])
        pass_time(1)
        work()

    assert {"good": 99} == stock()
    assert 5 <= sum(dict(call).get(("bad", None)) == 1 for call in calls) <= 12


# -- the newest value wins ---------------------------------------------------------------------------


def test_a_newer_value_replaces_what_waits(ask, work):
    """
    What is left over of a SKU goes when a newer value was asked, taken or not.
    """
    fates.extend([down, down])
    ask([("a", 1), ("b", 1)])
    ask([("a", 2)])
    ask([("b", 2)])
    pass_time(30)
    work()

    assert {"a": 2, "b": 2} == stock()
    assert 1 not in [level for call in calls[2:] for _, level in call]


def test_a_newer_value_waits_for_an_older_push_that_is_under_way(ask, work):
    """
    It follows as soon as the older one has come to its end, so that it stays.
    """
    on_its_way, go_on = threading.Event(), threading.Event()

    def slow(values):
        on_its_way.set()
        assert go_on.wait(10)
        return well(values)

    fates.append(slow)
    older = _in_thread(lambda: ask([("a", 1)], 8))
    assert on_its_way.wait(10)
    newer = ask([("a", 2)], 0.1)
    go_on.set()
    first = older()
    work()

    assert [None] == first
    assert [not_yet("earlier updates are still under way")] == newer
    assert {"a": 2} == stock()


def test_those_who_wait_are_served_together(ask):
    """
    Whoever is next pushes what all others wait for, the newest of it, and each gets its own answers.
    """
    on_its_way, go_on = threading.Event(), threading.Event()

    def slow(values):
        on_its_way.set()
        assert go_on.wait(10)
        return well(values)

    fates.extend([slow, apart(c=ChannelRefused("No"))])
    holder = _in_thread(lambda: ask([("a", 1)], 8))
    assert on_its_way.wait(10)
    waiting = []
    for sku, level in (("b", 2), ("c", 3), ("b", 4)):
        waiting.append(_in_thread(lambda sku=sku, level=level: ask([(sku, level)], 8)))
        while OutboxBatch.select().count() <= len(waiting):
            pass
    go_on.set()

    assert [None] == holder()
    assert [[None], ["No"], [None]] == [answer() for answer in waiting]
    assert {"a": 1, "b": 4} == stock()
    assert 2 == len(calls)
    assert [0, 0] == kept()


def test_who_has_lost_the_lane_records_nothing(ask, work):
    """
    A process that stood still past its lease does not undo what others have done since; its late push is mended.
    """

    def stands_still(values):
        pass_time(20)
        ask([("a", 2), ("b", 2)])
        fates.append(down)
        ask([("b", 3)])
        return well(values)

    fates.append(stands_still)
    late = ask([("a", 1), ("b", 1)])
    for _ in range(3):
        pass_time(30)
        work()

    assert [not_yet("earlier updates are still under way")] * 2 == late
    assert {"a": 2, "b": 3} == stock()
    assert [0, 0] == kept()


def test_a_push_whose_answer_was_lost_may_arrive_late(ask, work):
    """
    The shop may still be at work on an older value: the newer one is pushed again when that must be over.
    """

    def silent(values):
        raise OutcomeUnknown("no answer")

    fates.append(silent)
    ask([("a", 1)])
    ask([("a", 2)])
    shelf["a", None] = 1  # the older push arrives
    pass_time(31)
    work()

    assert {"a": 2} == stock()
    assert [0, 0] == kept()


@pytest.mark.parametrize("seed", range(12))
def test_in_the_end_the_shop_has_what_was_asked_last(ask, work, channels, seed):
    """
    Requests, worker, faults, kills and late arrivals in any order: once the shop is well it has the newest values.
    """
    play(seed, ask, work, channels)


@pytest.mark.long
@pytest.mark.parametrize("hundred", range(10))
def test_in_the_end_the_shop_has_what_was_asked_last_in_every_order(ask, work, channels, hundred):
    """
    The same for a thousand more schedules.
    """
    for seed in range(1000 + hundred * 100, 1100 + hundred * 100):
        play(seed, ask, work, channels)


def play(seed, ask, work, channels):
    """One schedule: what was asked is compared with what the shop has."""
    rng = Random(seed)
    asked: dict[str, int] = {}
    arriving: list[list] = []  # [seconds until it arrives, values] of pushes that the shop is still at work on
    shelf.clear()

    def wait(seconds):
        pass_time(seconds)
        for push in arriving:
            push[0] -= seconds
        for push in sorted(push for push in arriving if push[0] <= 0):
            shelf.update(push[1])
        arriving[:] = [push for push in arriving if push[0] > 0]

    def request():
        levels = [(f"sku-{rng.randrange(4)}", rng.randrange(10**6)) for _ in range(rng.randrange(1, 4))]
        asked.update(levels)
        with suppress(Killed, CredentialsRefused):
            ask(levels)

    def worker():
        with suppress(Killed):
            outbox.work_one(channels)

    def late(values):
        arriving.append([rng.uniform(1, 25), values])
        raise OutcomeUnknown("no answer")

    def killed_late(values):
        arriving.append([rng.uniform(1, 25), values])
        raise Killed

    def patchy(values):
        good = {key: value for key, value in values.items() if rng.random() < 0.5}
        shelf.update(good)
        return [None if key in good else ChannelUnavailable("Busy") for key in values]

    def meanwhile(values):
        request()
        return well(values)

    def overtaken(values):
        wait(20)
        request()
        worker()
        return well(values)

    kinds = [down, lost, late, late, credentials, killed, killed_late, patchy, meanwhile, overtaken, well]
    for _ in range(30):
        fates[:] = [rng.choice(kinds) for _ in range(4)]
        rng.choice([request, request, worker, lambda: wait(rng.uniform(0.1, 15))])()
    fates.clear()
    for _ in range(12):
        wait(10)
        work()

    assert asked == stock(), f"seed {seed}"
    assert [0, 0] == kept(), f"seed {seed}"


# -- nothing is lost ---------------------------------------------------------------------------------


def test_what_was_asked_is_kept_before_the_shop_is_called(ask):
    """
    When the shop is called, the rows are there for another process to see.
    """
    seen = []

    def look(values):
        seen.extend([database.in_transaction(), *[batch.content for batch in OutboxBatch.select()]])
        return well(values)

    fates.append(look)
    ask([("a", 1)])

    assert [False, [{"SKU": "a", "Reference": "", "Quantity": 1}]] == seen


@pytest.mark.parametrize("fate", [killed, lambda values: (well(values), killed(values))])
def test_a_killed_process_loses_nothing(ask, work, fate):
    """
    What it left unsaid is pushed by another's worker once its lease is over.
    """
    fates.append(fate)
    with pytest.raises(Killed):
        ask([("a", 1)])
    work()
    early = len(calls)
    pass_time(13)
    work()

    assert 1 == early
    assert {"a": 1} == stock()


def test_a_process_killed_before_its_turn_loses_nothing(connection, work):
    """
    Rows that were accepted and never pushed are the worker's after a while.
    """
    enqueue(connection.id, "stock", [{"SKU": "a", "Reference": "", "Quantity": 1}], now=now(), until=now())
    work()

    assert {"a": 1} == stock()
    assert [0, 1] == kept()  # a dead holder may have pushed something: it is pushed once more


def test_answers_that_nobody_fetched_are_forgotten(ask, work, connection):
    """
    The worker clears away what a requester that died has not read.
    """
    ask([("a", 1)])
    OutboxBatch.create(
        connection=connection, kind="stock", content=[], outcomes=[], created_at=now(), awaited_until=now()
    )
    work()

    assert [0, 0] == kept()
    assert 1 == len(calls)


def test_two_workers_never_push_for_the_same_connection(ask):
    """
    A lease has one holder at a time.
    """
    fates.append(down)
    ask([("a", 1)])
    pass_time(30)
    until = now() + (now() - OutboxLease.get().claimed_until)

    assert lease_due_outbox(now(), until) is not None
    assert lease_due_outbox(now(), until) is None


def test_one_shop_that_is_down_does_not_hold_up_another(connect, work):
    """
    Leftovers of other connections are pushed while one lease rests.
    """
    first, second = connect(), connect()
    fates.extend([down] * 3)
    for player, sku in ((first, "a"), (second, "b")):
        player("InventoryUpdateEndpoint", Products=[{"SKU": sku, "Quantity": 1}])
    pass_time(30)
    work()

    assert 1 == len(stock())


def test_a_deleted_integration_takes_along_what_waits(linnworks, work):
    """
    Nothing is pushed for an integration that is gone, and nothing of it stays.
    """
    fates.append(down)
    linnworks("InventoryUpdateEndpoint", Products=[{"SKU": "a", "Quantity": 1}])
    there = [table.select().count() for table in TABLES]
    linnworks("ConfigDeletedEndpoint")
    work()

    assert [0, 1, 1] == there
    assert [0, 0, 0] == [table.select().count() for table in TABLES]
    assert 1 == len(calls)


def test_an_integration_deleted_while_its_shop_is_called_is_no_failure(linnworks):
    """
    The push ends quietly when there is nothing left to record it in.
    """

    def leave(values):
        linnworks("ConfigDeletedEndpoint")
        return well(values)

    fates.append(leave)
    channel = Shop({}, Deadline(0), None)
    answer = outbox.push_prices(Connection.get().id, channel, [Price(sku="a", price=Decimal(1))])

    assert ["a"] == [row.sku for row in answer]
    assert [0, 0] == kept()


# -- what it costs -----------------------------------------------------------------------------------


def test_a_clean_push_costs_the_same_for_one_product_and_for_a_thousand(ask, caplog):
    """
    The number of SQL statements is small and does not grow with the products.
    """
    ask([("first", 1)])
    counts = []
    with caplog.at_level(logging.DEBUG, "peewee"):
        for size in (1, 1000):
            caplog.clear()
            assert [None] * size == ask([(f"sku-{number}", number) for number in range(size)])
            counts.append(sum(record.name == "peewee" for record in caplog.records))

    assert counts[0] == counts[1] <= 9


def _in_thread(ask):
    """Begin it in a thread of its own; a function that waits for what it returned."""
    answers = []

    def run():
        answers.append(ask())
        close_store()

    thread = threading.Thread(target=run)
    thread.start()

    def join():
        thread.join(20)
        return answers[0]

    return join
