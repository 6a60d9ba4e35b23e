"""The pages of the console: which of Linnworks, the bridge and a shop is ill, and what was asked and answered."""

from __future__ import annotations

import re
from datetime import timedelta

import peewee
import pytest

from bridge.channels.demo.shop import change_key
from bridge.channels.demo.tables import Shop
from bridge.clock import now
from bridge.ops.console import lights, pages
from bridge.store.actions import UNKNOWN, Action
from bridge.store.calls import CallRecord, find_calls
from bridge.store.connections import Connection
from bridge.store.findings import RecordedFinding
from bridge.store.orders import SeenOrder
from bridge.store.outbox import PendingUpdate
from bridge.store.paging import PagingRun
from bridge.sync import pauses

HOSTILE = "<script>alert(1)</script>\x1b[31m\u202e'\"><img src=x>"


@pytest.fixture
def recorded(app):
    """Return a function that stores what the record of calls has in memory."""
    return app.extensions["bridge"].journal.flush


def heading(console) -> str:
    return re.search(r"<h1[^>]*>([^<]*)</h1>", console.get("/console").text)[1]


@pytest.fixture
def alive(app, monkeypatch):
    """Have the bridge be healthy, although the worker of a test does not run."""
    monkeypatch.setattr(pages, "problems", dict)


def test_every_page_is_there_without_any_data(console):
    """
    A new installation has none.
    """
    assert "No integration is set up yet" in console.get("/console").text
    assert 404 == console.get("/console/connections/1").status_code
    assert 404 == console.get("/console/connections/x").status_code
    assert 404 == console.get("/console/calls/0123abcd").status_code
    assert 200 == console.get("/console/search").status_code
    assert 200 == console.get("/console/search?q=%231231").status_code
    assert 308 == console.get("/console/").status_code
    assert "../console" == console.get("/console/").headers["Location"]
    assert "text/css" in console.get("/console/style.css").content_type


def test_every_page_is_there_with_data(console, linnworks, recorded):
    """
    Each link on the pages leads to another page that is there.
    """
    linnworks.orders()
    linnworks("InventoryUpdateEndpoint", Products=[{"Reference": "1", "SKU": "NO-SUCH", "Quantity": 1}])
    recorded()
    seen, new = set(), {"/console"}
    while new:
        path = new.pop()
        seen.add(path)
        page = console.get(path)
        assert 200 == page.status_code, path
        home = "../" * (path.partition("?")[0].count("/") - 1) + "console"
        links = re.findall(r'<a href="([^"#?][^"]*)"', page.text)
        new |= {re.sub(f"^{re.escape(home)}", "/console", link) for link in links} - seen

    assert {"/console", "/console/connections/1"} < seen
    assert any(path.startswith("/console/calls/") for path in seen)


@pytest.mark.usefixtures("alive")
def test_one_sees_which_of_the_three_is_ill(app, console, connect, recorded, monkeypatch):
    """
    The heading names it: the shop whose key was revoked, then Linnworks that is silent, then the bridge.
    """
    one, two = connect(), connect()
    one.orders()
    two.orders()
    recorded()
    assert "Everything works" == heading(console)

    change_key(Shop.get(Shop.name == two.shop_name), "another access key")
    two("OrdersEndpoint", PageNumber=1, UTCTimeFrom="2000-01-01 00:00:00Z")
    recorded()
    assert f"The shop of {two.account_name} needs you" == heading(console)
    assert "linnworks-bridge connections reconnect 2" in re.sub("</?span>", "", console.get("/console").text)

    PagingRun.update(asked_at=now() - timedelta(hours=1)).execute()
    assert f"Linnworks and the shop of {two.account_name} need you" == heading(console)

    monkeypatch.setattr(pages, "problems", lambda: {"storage": "Nothing can be stored: the disk is full"})
    assert "the bridge" in heading(console)
    assert "the disk is full" in console.get("/console").text


@pytest.mark.usefixtures("alive")
def test_a_shop_that_fails_is_seen_before_the_next_round(console, linnworks, recorded):
    """
    The last call of Linnworks says more than an older round of the doctor, and a newer round more than the call.
    """
    row = Connection.get()
    linnworks.orders()
    recorded()
    CallRecord.update(outcome="ChannelUnavailable", error="The shop does not answer", failed=True).execute()
    finding = {"key": "shop/1/", "cause": "shop", "connection": row.id, "name": "shop", "advice": "", "command": ""}
    times = {"since": now(), "found_at": now() - timedelta(hours=1)}
    RecordedFinding.insert(**finding, **times, state="ok", message="it answers").execute()
    assert "The shop does not answer" in console.get("/console").text

    RecordedFinding.update(found_at=now() + timedelta(seconds=1)).execute()
    assert "Everything works" == heading(console)

    RecordedFinding.update(state="error", message="it is away").execute()
    assert "it is away" in console.get("/console").text


@pytest.mark.usefixtures("alive")
def test_a_connection_shows_what_is_held_unknown_waiting_and_paused(console, linnworks, recorded):
    """
    With the reasons, since when, and the commands.
    """
    row = Connection.get()
    reference = next(iter(linnworks.orders()))
    recorded()
    SeenOrder.update(hold_reason="the lines do not add up", held_since=now()).where(
        SeenOrder.reference == reference
    ).execute()
    Action.insert(
        connection=row.id, generation=1, kind="refund", reference=reference, digest="", occurrence=0, key="k",
        content={}, state=UNKNOWN, error="The answer was lost", created_at=now(), planned_at=now(),
    ).execute()  # fmt: skip
    PendingUpdate.insert(
        connection=row.id, kind="stock", key="k", sku="SKU-7", tag="", row={}, attempts=3, error="It is closed",
        since=now() - timedelta(hours=1), next_at=now(), unsure_until=now(),
    ).execute()  # fmt: skip
    pauses.pause(row, ["prices"], now() - timedelta(days=1))
    page = console.get("/console/connections/1").text

    for words in (
        "the lines do not add up",
        "Refund of",
        "The answer was lost",
        "SKU-7",
        "It is closed",
        "Prices",
        "are paused",
        "today",
        "<svg",
    ):
        assert words in page
    assert "Everything runs; 1 thing to look at" == heading(console)


def test_a_search_finds_orders_by_either_number_and_skus(console, linnworks, recorded):
    """
    With the sign and the blanks that people write, and in any case of letters.
    """
    reference, order = next(iter(linnworks.orders().items()))
    number = order["SecondaryReferenceNumber"]
    linnworks("InventoryUpdateEndpoint", Products=[{"Reference": "1", "SKU": "NO-SUCH", "Quantity": 1}])
    recorded()

    for text in (reference, f" #{number} ".lower()):
        assert f"Order {reference}" in console.get("/console/search", query_string={"q": text}).text
    found = console.get("/console/search", query_string={"q": "no-such"}).text
    assert "The shop has no product NO-SUCH" in found
    assert "No order or SKU" in console.get("/console/search", query_string={"q": "unheard-of"}).text


def test_what_others_wrote_is_only_text(console, linnworks, recorded):
    """
    Names, numbers, Errors and searches are escaped, and their control characters shown as such.
    """
    linnworks("InventoryUpdateEndpoint", Products=[{"Reference": "1", "SKU": HOSTILE, "Quantity": 1}])
    recorded()
    Connection.update(account_name=HOSTILE).execute()
    CallRecord.update(error=HOSTILE, endpoint=HOSTILE[:40]).execute()
    SeenOrder.insert(
        connection=1, reference=HOSTILE, number=HOSTILE, hold_reason=HOSTILE, held_since=now(), first_seen_at=now(),
        checked_at=now(),
    ).execute()  # fmt: skip
    request = find_calls(limit=1)[0].request
    paths = ["/console", "/console/connections/1", f"/console/calls/{request}"]
    texts = [console.get(path).text for path in paths]
    texts.append(console.get("/console/search", query_string={"q": HOSTILE}).text)

    for text in texts:
        assert "&lt;script&gt;" in text
        assert "<script" not in text
        assert "<img" not in text
        assert not {"\x1b", "\u202e"} & set(text)


def test_no_page_shows_a_secret(app, console, linnworks, recorded):
    """
    Neither tokens nor the shop's key, nor the seller's address.
    """
    linnworks.orders()
    recorded()
    request = find_calls(endpoint="Orders", limit=1)[0].request
    row = Connection.get()
    paths = ("/console", "/console/connections/1", f"/console/calls/{request}", "/console/search?q=1")
    texts = "".join(console.get(path).text for path in paths)

    for secret in (linnworks.token, row.token_digest, row.sealed, row.uid, row.email, "scrypt", "key of"):
        assert secret not in texts


def test_a_database_that_does_not_answer_is_said(console, monkeypatch):
    """
    The page says so instead of an error in the envelope.
    """

    def fail() -> str:
        raise peewee.OperationalError("disk I/O error")

    monkeypatch.setattr(pages.access, "password_hash", fail)
    page = console.get("/console")

    assert 503 == page.status_code
    assert "cannot read its database" in page.text
    assert "disk I/O" not in page.text


def test_one_page_is_made_at_a_time(console, monkeypatch):
    """
    The others wait a little, few of them, so that Linnworks finds free threads.
    """
    monkeypatch.setattr(pages, "WAIT_SECONDS", 0)
    with pages._slots.slot(None):
        page = console.get("/console")

    assert 503 == page.status_code
    assert "The console is busy" in page.text
    assert 200 == console.get("/console").status_code


def test_the_verdict_names_all_that_are_ill():
    """
    Errors come before warnings.
    """
    error, warning = (lights.Sentence(lights.State(name), "") for name in ("error", "warning"))
    one, two = lights.Light("A", "shop", [error], 1), lights.Light("B", "shop", [error, warning], 2)
    three = lights.Light("Linnworks", "linnworks", [warning])

    assert "The shop of A and the shop of B need you" == lights.verdict([three, one, two])
    assert "Everything runs; 1 thing to look at" == lights.verdict([three])
    assert "Everything works" == lights.verdict([])
