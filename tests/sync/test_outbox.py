"""Stock and prices end at the newest value, whatever shop, network and other processes do."""

from __future__ import annotations

import logging
import threading
from contextlib import ExitStack, suppress
from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest

from bridge.channels.base import LAST_STEP
from bridge.channels.demo import DemoChannel
from bridge.clock import Deadline, now
from bridge.errors import ChannelRefused, ChannelUnavailable, CredentialsRefused, OutcomeUnknown
from bridge.protocol.schemas.products import Price, StockLevel
from bridge.store.connections import Connection, add_connection, save_step
from bridge.store.database import close_store, database
from bridge.store.outbox import OutboxBatch, OutboxLease, PendingUpdate, SetAsideUpdate, enqueue, lease_due_outbox
from bridge.sync import outbox
from tests.linnworks import Linnworks

MOMENTS = {
    "outbox_lease": ("claimed_until", "next_at", "unsure_until", "suspects_until"),
    "pending_update": ("since", "next_at", "unsure_until"),
    "outbox_batch": ("created_at", "awaited_until"),
}
TABLES = (OutboxBatch, PendingUpdate, OutboxLease)

in_shop: dict[object, object] = {}
behaviours: list = []
calls: list[list] = []


class Killed(BaseException):
    """Stands for the death of the process: nothing after it is recorded."""


class Shop(DemoChannel):
    """A shop whose calls take the next of `behaviours`, or are accepted."""

    def set_stock(self, levels):
        return self._set({(level.sku, None): level.quantity for level in levels})

    def set_prices(self, prices):
        return self._set({(price.sku, price.tag): price.price for price in prices})

    @staticmethod
    def _set(values):
        calls.append(list(values.items()))
        return behaviours.pop(0)(values) if behaviours else accept(values)


def accept(values):
    in_shop.update(values)
    return [None] * len(values)


def down(values):
    raise ChannelUnavailable("The shop is closed.")


def lost(values):
    in_shop.update(values)
    raise OutcomeUnknown("no answer")


def credentials(values):
    raise CredentialsRefused("The key is wrong")


def broken(values):
    raise ZeroDivisionError("internal words")


def killed(values):
    raise Killed


def except_for(**errors):
    """Return a behaviour that accepts everything except these SKUs."""

    def behaviour(values):
        in_shop.update({key: value for key, value in values.items() if key[0] not in errors})
        return [errors.get(key[0]) for key in values]

    return behaviour


@pytest.fixture(autouse=True)
def shop(app):
    """Let the application serve this shop."""
    in_shop.clear()
    behaviours.clear()
    calls.clear()
    app.extensions["bridge"].channels.channel_class = Shop


@pytest.fixture
def channels(app):
    return app.extensions["bridge"].channels


@pytest.fixture
def connection(app):
    """Return a finished integration; unlike one made by the wizard it needs no shop of its own."""
    connection = add_connection(account="a", account_name="a", email="a", token_digest="a", step=LAST_STEP, now=now())
    save_step(connection, LAST_STEP, config={}, sealed="", completed_at=now())
    return Connection.get()


@pytest.fixture
def ask(connection, channels):
    """Set stock levels and return each result. With no seconds, a request does not wait for the lease."""

    def push(levels, seconds=0.0):
        rows = [StockLevel(sku=sku, reference="", quantity=level) for sku, level in levels]
        deadline = Deadline(seconds)
        answer = outbox.push_stock(
            connection, lambda: channels.open(channels.config(connection), deadline), deadline, rows
        )
        return [row.error for row in answer]

    return push


@pytest.fixture
def work(channels):
    """Let the worker do everything that is due."""

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
    return {sku: level for (sku, _), level in in_shop.items()}


def not_yet(reason):
    return f"The shop has not taken this yet ({reason}); the bridge goes on trying"


def stored():
    return [table.select().count() for table in (OutboxBatch, PendingUpdate)]


# -- results --------------------------------------------------------------------------------


def test_every_product_has_its_own_result_in_order(linnworks):
    """
    Each row has its own result under its SKU, also if a SKU occurs twice.
    """
    behaviours.append(except_for(b=ChannelRefused("Not this one"), c=ChannelUnavailable("Busy")))
    rows = [("a", 1), ("b", 2), ("c", 3), ("d", -1), ("a", 4)]
    answer = linnworks("InventoryUpdateEndpoint", Products=[{"SKU": sku, "Quantity": level} for sku, level in rows])
    errors = [None, "Not this one", not_yet("Busy"), "Quantity: Below zero.", None]

    assert [{"SKU": sku, "Error": error} for (sku, _), error in zip(rows, errors, strict=True)] == answer["Products"]
    assert {"a": 4} == stock()


def test_prices_are_separate_by_tag_and_stay_exact(linnworks, work):
    """
    Prices of a SKU with other tags are other values, and none is rounded while it waits.
    """
    behaviours.append(down)
    rows = [("a", 10.10, ""), ("a", 12.345, "RRP"), ("a", 9.99, "")]
    linnworks("PriceUpdateEndpoint", Products=[{"SKU": sku, "Price": price, "Tag": tag} for sku, price, tag in rows])
    pass_time(30)
    work()

    assert {("a", ""): Decimal("9.99"), ("a", "RRP"): Decimal("12.345")} == in_shop


def test_a_price_below_zero_is_refused_before_it_is_stored(linnworks):
    """
    No shop could ever take it.
    """
    answer = linnworks("PriceUpdateEndpoint", Products=[{"SKU": "a", "Price": -0.01}])

    assert [{"SKU": "a", "Error": "Price: Below zero."}] == answer["Products"]
    assert ([], [0, 0]) == (calls, stored())


def test_a_taken_value_leaves_nothing_behind(ask):
    """
    A value that the shop took is not stored any more.
    """
    assert [None, None] == ask([("a", 1), ("b", 2)])
    assert [0, 0] == stored()


def test_the_shop_gets_each_product_once(ask):
    """
    Of several values of a SKU in one request only the last is sent, in its place.
    """
    ask([("a", 1), ("b", 2), ("a", 3)])

    assert [[(("b", None), 2), (("a", None), 3)]] == calls


def test_an_unfinished_integration_stores_nothing(call):
    """
    Before the wizard is finished nothing is accepted.
    """
    answer = Linnworks(call, "new")("InventoryUpdateEndpoint", Products=[{"SKU": "a", "Quantity": 1}])

    assert "not finished" in answer["Error"]
    assert [0, 0] == stored()


@pytest.mark.parametrize("pushed_by_another", [False, True])
@pytest.mark.parametrize(
    ("endpoint", "field"), [("InventoryUpdateEndpoint", "Quantity"), ("PriceUpdateEndpoint", "Price")]
)
def test_what_a_busy_process_cannot_push_is_stored_and_pushed_later(
    linnworks, app, work, endpoint, field, pushed_by_another
):
    """
    Over the concurrency limit every row waits for the worker, also while another process pushes for the connection.
    """
    connection, limit = Connection.get().id, app.extensions["bridge"].concurrency_limit.finished
    with ExitStack() as busy:
        for _ in range(limit.each):
            busy.enter_context(limit.slot(connection))
        if pushed_by_another:
            moment = now() + timedelta(seconds=20)
            OutboxLease.create(
                connection=connection, claim="other", claimed_until=moment, next_at=now(), unsure_until=now()
            )
        answer = linnworks(endpoint, Products=[{"SKU": "a", field: 1}, {"SKU": "b", field: 2}])
        refused = linnworks("OrdersEndpoint", PageNumber=1, UTCTimeFrom="2000-01-01 00:00:00Z")
    before = list(calls)
    pass_time(30)
    work()

    assert refused["Error"].startswith("Too many calls are waiting")
    assert answer["Error"] is None
    assert [not_yet("Too many calls are waiting for the shop, please try again")] * 2 == [
        row["Error"] for row in answer["Products"]
    ]
    assert [] == before
    assert {"a": 1, "b": 2} == stock()


def test_values_are_stored_when_the_credentials_cannot_be_opened(linnworks, work):
    """
    The seller is asked for the credentials, and the values wait.
    """
    sealed = Connection.get().sealed
    Connection.update(sealed="damaged").execute()
    answer = linnworks("InventoryUpdateEndpoint", Products=[{"SKU": "a", "Quantity": 1}])
    Connection.update(sealed=sealed).execute()
    pass_time(30)
    work()

    assert answer["Error"].startswith("The stored credentials cannot be decrypted")
    assert {"a": 1} == stock()


# -- values that the shop does not take ---------------------------------------------------------------------


def test_a_refused_value_is_not_tried_again(ask, work):
    """
    A refusal is final, of one SKU or of the whole call, at once or later.
    """

    def no(values):
        raise ChannelRefused("No stock is managed here")

    behaviours.append(no)
    whole = ask([("a", 1)])
    behaviours.extend(
        [except_for(a=ChannelRefused("No"), b=ChannelUnavailable("Busy")), except_for(b=ChannelRefused("No"))]
    )
    single = ask([("a", 1), ("b", 2)])
    pass_time(30)
    work()
    pass_time(30)
    work()

    assert ["No stock is managed here"] == whole
    assert ["No", not_yet("Busy")] == single
    assert 3 == len(calls)
    assert [0, 0] == stored()


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [(down, "The shop is closed"), (lost, "no answer"), (broken, "the bridge failed; its log has the details")],
)
def test_a_value_that_may_be_taken_later_is_tried_until_it_is(ask, work, behaviour, reason):
    """
    Whatever went wrong, the result says so, and the value reaches the shop later.
    """
    behaviours.extend([behaviour] * 3)
    answer = ask([("a", 1)])
    for _ in range(4):
        pass_time(30)
        work()

    assert [not_yet(reason)] == answer
    assert {"a": 1} == stock()
    assert [0, 0] == stored()


def test_fewer_outcomes_than_products_are_no_success(ask, work):
    """
    The call of a channel that does not return one for each product is repeated.
    """
    behaviours.extend([lambda values: []] * 3)
    answer = ask([("a", 1), ("b", 2)])
    pass_time(30)
    work()

    assert [not_yet("the bridge failed; its log has the details")] * 2 == answer
    assert {"a": 1, "b": 2} == stock()


def test_one_row_that_breaks_the_channel_does_not_keep_the_others_from_the_shop(ask, work, caplog):
    """
    The others are set at once, in their order, and the log names the one that was not.
    """

    def breaks(values):
        if ("d", None) in values:
            raise ZeroDivisionError
        return accept(values)

    behaviours.extend([breaks] * 20)
    answer = ask([(sku, number) for number, sku in enumerate("abcdefg")])

    broken_row = not_yet("the bridge failed; its log has the details")
    assert [None, None, None, broken_row, None, None, None] == answer
    assert {sku: number for number, sku in enumerate("abcdefg") if sku != "d"} == stock()
    assert "Setting the quantity of d failed" in caplog.text
    assert [0, 1] == stored()


def test_a_channel_that_always_breaks_is_not_asked_row_by_row_for_ever(ask):
    """
    The number of calls is limited.
    """
    behaviours.extend([broken] * 10_000)
    answer = ask([(f"sku-{number}", number) for number in range(1000)])

    assert {not_yet("the bridge failed; its log has the details")} == set(answer)
    assert outbox.MOST_CALLS < len(calls) <= 2 * outbox.MOST_CALLS + 1


# -- rows that cannot be pushed ------------------------------------------------------------------------------


UNREADABLE = ('{"SKU": "b"', '"text"', "null", '{"SKU": "b"}', '{"SKU": "b", "Quantity": "many"}')


@pytest.mark.parametrize("unreadable", UNREADABLE)
def test_a_pending_update_that_cannot_be_read_blocks_no_other(ask, work, unreadable):
    """
    It is set aside, and the others of its connection reach the shop.
    """
    behaviours.append(down)
    ask([("a", 1), ("b", 2), ("c", 3)])
    database.execute_sql("UPDATE pending_update SET row = '" + unreadable + "' WHERE sku = 'b'")
    pass_time(30)
    work()

    assert {"a": 1, "c": 3} == stock()
    assert [0, 0] == stored()
    assert ["The stored row cannot be read"] == [one.error for one in SetAsideUpdate.select()]


@pytest.mark.parametrize(
    "content",
    ["[", "{}", '"text"', '[{"SKU": "b"}, {"SKU": "a", "Reference": "", "Quantity": 1}]', "[1, null]"],
)
def test_a_batch_that_cannot_be_read_blocks_no_other(connection, work, content):
    """
    What can be read of it is pushed with the others, the rest is set aside.
    """
    for sku in ("x", "y"):
        enqueue(connection, "stock", [StockLevel(sku=sku, reference="", quantity=1)], now=now(), until=now())
    OutboxLease.update(claim="", deaths=0).execute()
    first = OutboxBatch.select().order_by(OutboxBatch.id).first()
    database.execute_sql("UPDATE outbox_batch SET content = '" + content + "' WHERE id = " + str(first.id))
    pass_time(60)
    work()

    assert {"y": 1, **({"a": 1} if '"a"' in content else {})} == stock()
    assert [0, 0] == stored()
    assert SetAsideUpdate.select().count() in (1, 2)
    assert {"The stored row cannot be read"} == {one.error for one in SetAsideUpdate.select()}


def test_what_kills_every_process_is_set_aside(ask, channels):
    """
    Two processes die with everything, three more with that value alone; the others reach the shop, also newer ones.
    """
    deaths = []

    def kills(values):
        if ("b", None) in values:
            deaths.append(len(values))
            raise Killed
        return accept(values)

    behaviours.extend([kills] * 100)
    with suppress(Killed):
        ask([("a", 1), ("b", 2), ("c", 3)])
    later = ask([("d", 4)])
    for _ in range(12):
        pass_time(60)
        with suppress(Killed):
            while outbox.work_one(channels):
                pass
    after = ask([("e", 5)])

    assert [None] != later
    assert [3, 4, 1, 1, 1] == deaths
    assert {"a": 1, "c": 3, "d": 4, "e": 5} == stock()
    assert [None] == after
    assert ['{"SKU":"b","Reference":"","Quantity":2}'] == [one.content for one in SetAsideUpdate.select()]
    assert (0, "") == (OutboxLease.get().deaths, OutboxLease.get().pushed_alone)
    assert [0, 0] == stored()


def test_processes_that_are_killed_by_something_else_lose_nothing(ask, channels, work):
    """
    Values are pushed one at a time for a while, and then as usual.
    """
    behaviours.extend([killed] * 3)
    for sku in "abc":
        with suppress(Killed):
            ask([(sku, 1)])
        pass_time(60)
        with suppress(Killed):
            outbox.work_one(channels)
    for _ in range(8):
        pass_time(60)
        with suppress(Killed):
            work()

    assert dict.fromkeys("abc", 1) == stock()
    assert (0, None) == (OutboxLease.get().deaths, OutboxLease.get().suspects_until)
    assert 0 == SetAsideUpdate.select().count()
    assert [0, 0] == stored()


@pytest.mark.parametrize("behaviour", [credentials, except_for(a=CredentialsRefused("The key is wrong"))])
def test_values_wait_while_credentials_are_refused(linnworks, channels, work, behaviour):
    """
    The seller is asked for them again, and the values are pushed once they are right.
    """
    behaviours.extend([behaviour, behaviour])
    answer = linnworks("InventoryUpdateEndpoint", Products=[{"SKU": "a", "Quantity": 1}])
    step = Connection.get().step
    pass_time(30)
    work()
    pass_time(30)
    work()

    assert "The key is wrong" == answer["Error"]
    assert channels.credentials_step.name == step
    assert {"a": 1} == stock()


def test_values_wait_while_credentials_cannot_be_decrypted(ask, work):
    """
    They are pushed once the stored credentials can be read again.
    """
    behaviours.append(down)
    ask([("a", 1)])
    sealed = Connection.get().sealed
    Connection.update(sealed="damaged").execute()
    pass_time(30)
    work()
    waiting = PendingUpdate.get().error
    Connection.update(sealed=sealed).execute()
    pass_time(30)
    work()

    assert waiting.startswith("The stored credentials cannot be decrypted")
    assert {"a": 1} == stock()


@pytest.mark.broad
def test_a_shop_that_was_down_for_a_day_has_everything_within_a_minute(ask, work):
    """
    However much waits, the newest values are pushed soon after it is back.
    """
    behaviours.extend([down] * 100_000)
    for quarter in range(4):
        ask([(f"sku-{number}", quarter) for number in range(quarter * 300, quarter * 300 + 400)])
        pass_time(6 * 3600)
        work()
    tries = len(calls)
    behaviours.clear()
    pass_time(outbox.LONGEST_WAIT_SECONDS)
    work()
    newest = {f"sku-{number}": min(number // 300, 3) for number in range(1300)}

    assert newest == stock()
    assert [0, 0] == stored()
    assert 2 == len(calls) - tries
    assert 1000 == max(map(len, calls))


@pytest.mark.broad
def test_a_shop_that_is_down_is_tried_less_and_less_often(ask, work):
    """
    After a failure the worker pauses the whole connection, however many values wait, and longer each time.
    """
    behaviours.extend([down] * 100)
    ask([(f"sku-{number}", number) for number in range(1100)])
    tries = []
    for _ in range(60):
        pass_time(1)
        work()
        tries.append(len(calls))

    assert 5 <= len(calls) <= 9
    assert tries[4] > tries[-1] - tries[-6]


def test_failing_requests_do_not_postpone_the_worker(ask, work):
    """
    They do not change the time at which pending updates are due.
    """
    behaviours.extend([down] * 3)
    ask([("a", 1)])
    before = OutboxLease.get().next_at
    ask([("b", 1)])
    ask([("c", 1)])

    assert before == OutboxLease.get().next_at


def test_one_failing_product_does_not_delay_the_others(ask, work):
    """
    It is tried less and less often, while the others are taken.
    """
    behaviours.extend([except_for(bad=ChannelUnavailable("Timeout"))] * 1000)
    ask([("bad", 1)])
    for second in range(100):
        ask([("good", second)])
        pass_time(1)
        work()

    assert {"good": 99} == stock()
    assert 5 <= sum(dict(call).get(("bad", None)) == 1 for call in calls) <= 12


# -- the newest value wins ---------------------------------------------------------------------------


def test_a_newer_value_replaces_a_pending_one(ask, work):
    """
    A pending update of a SKU is dropped when a newer value is asked, taken or not.
    """
    behaviours.extend([down, down])
    ask([("a", 1), ("b", 1)])
    ask([("a", 2)])
    ask([("b", 2)])
    pass_time(30)
    work()

    assert {"a": 2, "b": 2} == stock()
    assert 1 not in [level for call in calls[2:] for _, level in call]


def test_a_newer_value_waits_for_an_older_push_under_way(ask, work):
    """
    It is pushed after the older one has ended, so it is the one that stays.
    """
    on_its_way, go_on = threading.Event(), threading.Event()

    def slow(values):
        on_its_way.set()
        assert go_on.wait(10)
        return accept(values)

    behaviours.append(slow)
    older = _in_thread(lambda: ask([("a", 1)], 8))
    assert on_its_way.wait(10)
    newer = ask([("a", 2)], 0.1)
    go_on.set()
    first = older()
    work()

    assert [None] == first
    assert [not_yet("earlier updates are still under way")] == newer
    assert {"a": 2} == stock()


def test_waiting_requests_are_pushed_together(ask):
    """
    The next holder of the lease pushes the newest values of all of them, and each gets its own results.
    """
    on_its_way, go_on = threading.Event(), threading.Event()

    def slow(values):
        on_its_way.set()
        assert go_on.wait(10)
        return accept(values)

    behaviours.extend([slow, except_for(c=ChannelRefused("No"))])
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
    assert [0, 0] == stored()


def test_a_holder_that_has_lost_its_lease_records_nothing(ask, work):
    """
    A process that paused past its lease does not undo newer values; its late push is corrected.
    """

    def stands_still(values):
        pass_time(20)
        ask([("a", 2), ("b", 2)])
        behaviours.append(down)
        ask([("b", 3)])
        return accept(values)

    behaviours.append(stands_still)
    late = ask([("a", 1), ("b", 1)])
    for _ in range(3):
        pass_time(30)
        work()

    assert [not_yet("earlier updates are still under way")] * 2 == late
    assert {"a": 2, "b": 3} == stock()
    assert [0, 0] == stored()


def test_a_push_whose_answer_was_lost_may_arrive_late(ask, work):
    """
    The shop may still be working on an older value: the newer one is pushed again when that must be over.
    """

    def silent(values):
        raise OutcomeUnknown("no answer")

    behaviours.append(silent)
    ask([("a", 1)])
    ask([("a", 2)])
    in_shop["a", None] = 1  # the older push arrives
    pass_time(31)
    work()

    assert {"a": 2} == stock()
    assert [0, 0] == stored()


@pytest.mark.parametrize("seed", range(12))
def test_in_the_end_the_shop_has_what_was_asked_last(ask, work, channels, seed):
    """
    Requests, worker, failures, kills and late arrivals in any order: in the end the shop has the newest values.
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
    """Play one schedule and compare what was asked with what the shop has."""
    rng = Random(seed)
    asked: dict[str, int] = {}
    arriving: list[list] = []  # [seconds until it arrives, values] of pushes that are still under way
    in_shop.clear()

    def wait(seconds):
        pass_time(seconds)
        for push in arriving:
            push[0] -= seconds
        for push in sorted(push for push in arriving if push[0] <= 0):
            in_shop.update(push[1])
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
        in_shop.update(good)
        return [None if key in good else ChannelUnavailable("Busy") for key in values]

    def meanwhile(values):
        request()
        return accept(values)

    def overtaken(values):
        wait(20)
        request()
        worker()
        return accept(values)

    kinds = [down, lost, late, late, credentials, killed, killed_late, patchy, meanwhile, overtaken, accept]
    for _ in range(30):
        behaviours[:] = [rng.choice(kinds) for _ in range(4)]
        rng.choice([request, request, worker, lambda: wait(rng.uniform(0.1, 15))])()
    behaviours.clear()
    for _ in range(12):
        wait(10)
        work()

    assert asked == stock(), f"seed {seed}"
    assert [0, 0] == stored(), f"seed {seed}"


# -- nothing is lost ---------------------------------------------------------------------------------


def test_values_are_stored_before_the_shop_is_called(ask):
    """
    When the shop is called, the rows are committed.
    """
    seen = []

    def look(values):
        seen.extend([database.in_transaction(), *[batch.content for batch in OutboxBatch.select()]])
        return accept(values)

    behaviours.append(look)
    ask([("a", 1)])

    assert [False, [{"SKU": "a", "Reference": "", "Quantity": 1}]] == seen


@pytest.mark.parametrize("behaviour", [killed, lambda values: (accept(values), killed(values))])
def test_a_killed_process_loses_nothing(ask, work, behaviour):
    """
    What it did not record is pushed by another worker once its lease is over.
    """
    behaviours.append(behaviour)
    with pytest.raises(Killed):
        ask([("a", 1)])
    work()
    early = len(calls)
    pass_time(13)
    work()

    assert 1 == early
    assert {"a": 1} == stock()


def test_a_process_killed_before_it_pushes_loses_nothing(connection, work):
    """
    Rows that were accepted and never pushed are pushed by the worker after a while.
    """
    enqueue(connection, "stock", [{"SKU": "a", "Reference": "", "Quantity": 1}], now=now(), until=now())
    work()

    assert {"a": 1} == stock()
    assert [0, 1] == stored()  # a dead holder may have pushed something, so it is pushed once more


def test_results_that_were_never_collected_are_deleted(ask, work, connection):
    """
    The worker deletes the results of a request that has died.
    """
    ask([("a", 1)])
    OutboxBatch.create(
        connection=connection, kind="stock", content=[], results=[], created_at=now(), awaited_until=now()
    )
    work()

    assert [0, 0] == stored()
    assert 1 == len(calls)


def test_two_workers_never_push_for_the_same_connection(ask):
    """
    The lease of a connection has one holder at a time.
    """
    behaviours.append(down)
    ask([("a", 1)])
    pass_time(30)
    until = now() + (now() - OutboxLease.get().claimed_until)

    assert lease_due_outbox(now(), until) is not None
    assert lease_due_outbox(now(), until) is None


def test_one_shop_that_is_down_does_not_delay_another(connect, work):
    """
    Pending updates of other connections are pushed while one pauses.
    """
    first, second = connect(), connect()
    behaviours.extend([down] * 3)
    for player, sku in ((first, "a"), (second, "b")):
        player("InventoryUpdateEndpoint", Products=[{"SKU": sku, "Quantity": 1}])
    pass_time(30)
    work()

    assert 1 == len(stock())


def test_a_deleted_integration_leaves_nothing_in_the_outbox(linnworks, work):
    """
    Nothing is pushed for it any more, and none of its rows stays.
    """
    behaviours.append(down)
    linnworks("InventoryUpdateEndpoint", Products=[{"SKU": "a", "Quantity": 1}])
    there = [table.select().count() for table in TABLES]
    linnworks("ConfigDeletedEndpoint")
    work()

    assert [0, 1, 1] == there
    assert [0, 0, 0] == [table.select().count() for table in TABLES]
    assert 1 == len(calls)


def test_an_integration_may_be_deleted_while_its_shop_is_called(linnworks):
    """
    The push ends without an error when there is no lease left to release.
    """

    def delete(values):
        linnworks("ConfigDeletedEndpoint")
        return accept(values)

    behaviours.append(delete)
    deadline = Deadline(0)
    answer = outbox.push_prices(
        Connection.get(),
        lambda: Shop({}, deadline, None),
        deadline,
        [Price(sku="a", reference="", price=Decimal(1), tag="")],
    )

    assert ["a"] == [row.sku for row in answer]
    assert [0, 0] == stored()


# -- cost -----------------------------------------------------------------------------------


def test_a_push_takes_as_many_statements_for_one_product_as_for_a_thousand(ask, caplog):
    """
    The number of SQL statements is small and does not grow with the number of products.
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
    """Start it in a thread and return a function that waits for its result."""
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
