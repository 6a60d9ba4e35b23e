"""The ledger: every despatch, cancel and refund is done once, however often it is asked for."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from bridge.channels.base import Channel
from bridge.clock import now
from bridge.errors import ChannelError, ChannelRefused, ChannelUnavailable, OutcomeUnknown
from bridge.messages.base import plain_data
from bridge.store.deeds import DONE, FAILED, UNKNOWN, Deed, claim_deed, finish_deed, plan_again, plan_deed

GRACE_SECONDS = 5
POLL_SECONDS = 0.05
LEAST_SECONDS = 3  # with less left, a deed that had to wait for its turn is not begun any more


def once(
    kind: str,
    wanted: Any,
    act: Callable[[str], str],
    *,
    connection_id: int,
    channel: Channel,
    nth: int = 1,
    repeat_after: int | None = None,
) -> str:
    """Have `act(key)` done for the message `wanted` and return its answer, the recorded one on a repeat.

    Equal content is the same deed: Linnworks sends no other identity. `nth` tells equal ones of a single
    request apart. `repeat_after` seconds after it was done, equal content is a new deed; None: never. A
    deed whose answer was lost is looked up in the shop before anything is sent again. Deeds of one order follow
    each other. Raises what the channel raises, and ChannelUnavailable while another request is at the same deed.
    """
    content = plain_data(wanted)
    text = json.dumps([kind, content], sort_keys=True, default=_canonical)
    digest = hashlib.sha256(text.encode()).hexdigest()
    while True:
        until = now() + timedelta(seconds=channel.deadline.left() + GRACE_SECONDS)
        deed, claimed = plan_deed(
            connection_id, kind, wanted.reference_number, digest, content, nth=nth, now=now(), until=until
        )
        if deed is not None:
            break
        if channel.deadline.left() < LEAST_SECONDS:
            raise ChannelUnavailable(f"Something else is being done to order {wanted.reference_number} just now")
        time.sleep(POLL_SECONDS)
    if deed.state == DONE:
        if repeat_after is None or now() - deed.finished_at < timedelta(seconds=repeat_after):
            return str(deed.answer)
        again = plan_again(deed, now=now(), until=until)
        claimed, deed = again is not None, again or deed
    if not claimed:
        raise ChannelUnavailable(f"This {kind} is under way already")
    return _do(deed, act, channel)


def _do(deed: Deed, act: Callable[[str], str], channel: Channel) -> str:
    """Do a deed that is ours, and record what came of it."""
    try:
        answer = _recalled(deed, channel) if deed.state == UNKNOWN else None
        if answer is None:
            deed.state = FAILED  # until it is sent, nothing can have been done
            answer = act(deed.key)
    except OutcomeUnknown as error:
        finish_deed(deed, UNKNOWN, error=str(error), sent=True, now=now())
        raise
    except (ChannelRefused, ChannelUnavailable) as error:
        finish_deed(deed, deed.state, error=str(error), now=now())
        raise
    except Exception as error:
        finish_deed(deed, UNKNOWN, error=type(error).__name__, sent=True, now=now())
        raise
    finish_deed(deed, DONE, answer=answer, now=now())
    return answer


def _recalled(deed: Deed, channel: Channel) -> str | None:
    """What the shop says of a deed that may have been sent: its answer, or None where it will not do it any more.

    Raises ChannelUnavailable as long as the shop may still be at it, though it does not show it yet.
    """
    answer = channel.recall(deed.kind, deed.reference, deed.key)
    settled = timedelta(seconds=channel.settings.deed_settles_seconds)
    if answer is None and deed.sent_until and now() < deed.sent_until + settled:
        raise ChannelUnavailable(f"It is not known yet whether the shop has done this {deed.kind}")
    return answer


def look_up(number: int, channel: Channel) -> str:
    """Ask the shop what came of a deed whose outcome is unknown, and record it; the deed's state after that.

    Raises what the channel raises, and ChannelUnavailable while another request, or the shop, may be at it.
    """
    until = now() + timedelta(seconds=channel.deadline.left() + GRACE_SECONDS)
    deed, claimed = claim_deed(number, now=now(), until=until)
    if deed is None or deed.state in (DONE, FAILED):
        return deed.state if deed else FAILED
    if not claimed:
        raise ChannelUnavailable(f"Deed {number} is under way just now")
    try:
        answer = _recalled(deed, channel)
    except ChannelError as error:
        finish_deed(deed, UNKNOWN, error=str(error), now=now())
        raise
    if answer is None:
        finish_deed(deed, FAILED, error="The shop has not done it", now=now())
        return FAILED
    finish_deed(deed, DONE, answer=answer, now=now())
    return DONE


def _canonical(amount: Decimal) -> str:
    """The same text for 1, 1.0 and 1.00."""
    return format(amount.normalize() + 0, "f")


def may_work_later(error: ChannelError) -> bool:
    """Whether the same request is worth sending again."""
    return isinstance(error, ChannelUnavailable)
