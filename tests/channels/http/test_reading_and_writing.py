"""What the client makes of answers and failures."""

from __future__ import annotations

import socket
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from requests.auth import AuthBase

from bridge.channels.http import UnexpectedAnswer
from bridge.clock import Deadline
from bridge.errors import ChannelRefused, ChannelUnavailable, CredentialsRefused, OutcomeUnknown
from tests.channels.hostile.server import Fault

pytestmark = pytest.mark.service

# -- what comes back -----------------------------------------------------------------------------------


def test_numbers_with_a_point_are_exact(shop):
    """Amounts are read as Decimal, not as binary fractions."""
    thing = shop.client().get("thing").object()

    assert {"price": Decimal("19.99"), "count": 3} == thing
    assert isinstance(thing["price"], Decimal)


def test_amounts_are_sent_as_numbers(shop):
    """A Decimal is sent as an exact JSON number."""
    shop.client().put("actions", {"price": Decimal("0.10")})

    assert [{"price": 0.10}] == shop.actions


def test_an_answer_has_the_shops_time(shop):
    """The Date header is available as a time."""
    assert abs(shop.client().get("thing").date - datetime.now(timezone.utc)) < timedelta(seconds=3)


@pytest.mark.parametrize(("path", "shape"), [("thing", "rows"), ("things", "object")])
def test_json_of_another_shape_is_an_error(shop, path, shape):
    """A list is not accepted as an object, nor the reverse."""
    answer = shop.client().get(path)

    with pytest.raises(ChannelUnavailable, match="something else than the expected"):
        getattr(answer, shape)()


def test_a_write_answered_in_another_shape_may_have_been_done(shop):
    """If the answer to a write has the wrong shape, the outcome is unknown."""
    answer = shop.client().post("actions", {})

    with pytest.raises(OutcomeUnknown):
        answer.rows()


# -- what goes wrong while reading -----------------------------------------------------------------------

TEMPORARY = {
    Fault.DROP_BEFORE: "cannot be reached",
    Fault.CUT_OFF: "broke off",
    Fault.BROKEN: r"internal error \(500\)",
    Fault.BAD_GATEWAY: r"internal error \(502\)",
    Fault.WEB_PAGE: "web page",
    Fault.FIREWALL: "web page",
    Fault.NOT_FOUND_PAGE: "web page",
    Fault.TRUNCATED: "cannot be read",
}


@pytest.mark.parametrize("fault", TEMPORARY)
def test_a_read_is_retried_and_then_fails(shop, fault):
    """A temporary failure is retried twice, each time after a longer delay, and then raised with a message."""
    shop.faults.add(fault, times=None)

    with pytest.raises(ChannelUnavailable, match=TEMPORARY[fault]) as caught:
        shop.client().get("thing")
    assert not isinstance(caught.value, OutcomeUnknown)
    assert len(shop.server.calls) == 3
    assert [0.2, 0.4] == shop.delays


@pytest.mark.parametrize("fault", TEMPORARY)
def test_a_read_by_post_is_a_read(shop, fault):
    """A search is retried like a GET, and its outcome is never unknown."""
    shop.faults.add(fault, times=2)
    answer = shop.client().post("search", {"name": "mug"}, read=True)
    shop.faults.add(fault, times=None)
    with pytest.raises(ChannelUnavailable, match=TEMPORARY[fault]) as caught:
        shop.client().post("search", {}, read=True)

    assert {"found": {"name": "mug"}} == answer.json
    assert not isinstance(caught.value, OutcomeUnknown)
    assert len(shop.server.calls) == 6


def test_a_read_by_post_of_another_shape_can_be_read_again(shop):
    """If the answer to a search has the wrong shape, nothing is unknown."""
    with pytest.raises(ChannelUnavailable, match="expected list") as caught:
        shop.client().post("search", {}, read=True).rows()
    assert not isinstance(caught.value, OutcomeUnknown)


@pytest.mark.parametrize("fault", TEMPORARY)
def test_a_read_survives_temporary_failures(shop, fault):
    """Two failures in a row do not reach the caller."""
    shop.faults.add(fault, times=2)

    assert shop.client().get("thing").json["count"] == 3


def test_nothing_is_retried_without_time_for_it(shop):
    """There is no retry if its delay would take longer than the request may."""
    shop.faults.add(Fault.BROKEN, times=None)

    with pytest.raises(ChannelUnavailable):
        shop.client(Deadline(0.2)).get("thing")
    assert [] == shop.delays


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_have_their_own_error(shop, status):
    """The seller must enter credentials again, so the call is not retried."""
    shop.faults.add(Fault.UNAUTHORIZED if status == 401 else Fault.FORBIDDEN)

    with pytest.raises(CredentialsRefused, match="credentials"):
        shop.client().get("thing")
    assert len(shop.server.calls) == 1


def test_an_accepted_status_is_returned(shop):
    """A status in `accept` comes back with the shop's answer."""
    shop.faults.add(Fault.FORBIDDEN)
    answer = shop.client().get("thing", accept=[403])

    assert answer.status == 403
    assert {"error": "Forbidden"} == answer.object()


def test_an_accepted_500_is_returned_only_with_json(shop):
    """Some shops refuse with 500 and a reason; a web page with that status does not say what was done."""
    shop.faults.add(Fault.BROKEN, "/actions")
    shop.faults.add(Fault.BAD_GATEWAY_AFTER, "/actions")
    answer = shop.client().post("actions", {}, accept=[500, 502])
    with pytest.raises(OutcomeUnknown):
        shop.client().post("actions", {}, accept=[500, 502])

    assert (500, {"error": "Internal error"}) == (answer.status, answer.json)


def test_each_attempt_is_signed_again(shop):
    """Shops refuse a signature that they have seen, so a retry gets a new one."""
    signatures = iter(range(9))

    class Signature(AuthBase):
        def __call__(self, call: Any) -> Any:
            call.headers["Signature"] = str(next(signatures))
            return call

    shop.faults.add(Fault.DROP_AFTER, "/thing")
    shop.client(auth=Signature()).get("thing")

    assert ["0", "1"] == [headers["Signature"] for headers in shop.server.headers]


def test_a_web_page_is_not_the_apis_answer(shop):
    """A web page with status 404 does not mean that the shop has no such thing, even if 404 is accepted."""
    shop.faults.add(Fault.NOT_FOUND_PAGE, times=None)

    with pytest.raises(ChannelUnavailable, match="web page"):
        shop.client().get("thing", accept=[404])


def test_other_refusals_are_final(shop):
    """A refusal is raised as ChannelRefused, because the same request would be refused again."""
    with pytest.raises(ChannelRefused, match="422"):
        shop.client().get("slow/5")


# -- what goes wrong while writing ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "error", "done"),
    [
        (Fault.DROP_BEFORE, OutcomeUnknown, 0),
        (Fault.DROP_AFTER, OutcomeUnknown, 1),
        (Fault.CUT_OFF, OutcomeUnknown, 1),
        (Fault.BROKEN, OutcomeUnknown, 0),
        (Fault.BROKEN_AFTER, OutcomeUnknown, 1),
        (Fault.UNAVAILABLE, OutcomeUnknown, 0),
        (Fault.BAD_GATEWAY_AFTER, OutcomeUnknown, 1),
        (Fault.WEB_PAGE, OutcomeUnknown, 1),
        (Fault.TRUNCATED, OutcomeUnknown, 1),
        (Fault.TOO_MANY, ChannelUnavailable, 0),
        (Fault.FIREWALL, UnexpectedAnswer, 0),
        (Fault.UNAUTHORIZED, CredentialsRefused, 0),
    ],
)
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_a_write_is_sent_once_and_its_outcome_is_true(shop, method, fault, error, done):
    """A write counts as not done only if the shop certainly did nothing, and it is never sent again."""
    shop.faults.add(fault)

    with pytest.raises(ChannelUnavailable if error is not CredentialsRefused else error) as caught:
        getattr(shop.client(), method)("actions", {})
    assert error is type(caught.value)
    assert done == len(shop.actions)
    assert len(shop.server.calls) == 1


@pytest.mark.parametrize("fault", [Fault.TIME_OUT_BEFORE, Fault.TIME_OUT_AFTER])
def test_a_write_without_an_answer_in_time_may_have_been_done(shop, fault):
    """After a timeout the outcome is unknown."""
    shop.faults.add(fault)

    with pytest.raises(OutcomeUnknown, match="in time"):
        shop.client(Deadline(0.2)).post("actions", {})
    assert (fault is Fault.TIME_OUT_AFTER) == len(shop.actions)


def test_a_repeatable_write_is_retried(shop):
    """A write that the caller declares repeatable is sent again after a failure."""
    shop.faults.add(Fault.DROP_AFTER)
    answer = shop.client().put("actions", {}, repeatable=True)

    assert {"done": 2} == answer.json


def test_a_repeatable_write_that_was_ever_lost_may_have_been_done(shop):
    """A last attempt that did not reach the shop says nothing about the earlier ones."""
    shop.faults.add(Fault.DROP_AFTER)
    shop.faults.add(Fault.TOO_MANY)

    with pytest.raises(OutcomeUnknown):
        shop.client().put("actions", {}, repeatable=True)


def test_a_shop_that_cannot_be_reached_did_nothing(shop):
    """Without a connection nothing was done, so a write may be sent again later."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"

        with pytest.raises(ChannelUnavailable, match="cannot be reached") as caught:
            shop.client(address=address).post("actions", {})
    assert not isinstance(caught.value, OutcomeUnknown)
