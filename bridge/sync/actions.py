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
from bridge.protocol.schemas.base import plain_data
from bridge.store.actions import DONE, FAILED, UNKNOWN, Action, claim_action, finish_action, plan_action, plan_again

GRACE_SECONDS = 5
POLL_SECONDS = 0.05
LEAST_SECONDS = 3  # with less left, an action that had to wait for its turn is not begun any more


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

    Equal content is the same action: Linnworks sends no other identity. `nth` tells equal ones of a single
    request apart. `repeat_after` seconds after it was done, equal content is a new action; None: never. A
    action whose answer was lost is looked up in the shop before anything is sent again. Actions of one order follow
    each other. Raises what the channel raises, and ChannelUnavailable while another request is at the same action.
    """
    content = plain_data(wanted)
    text = json.dumps([kind, content], sort_keys=True, default=_canonical)
    digest = hashlib.sha256(text.encode()).hexdigest()
    while True:
        until = now() + timedelta(seconds=channel.deadline.left() + GRACE_SECONDS)
        action, claimed = plan_action(
            connection_id, kind, wanted.reference_number, digest, content, nth=nth, now=now(), until=until
        )
        if action is not None:
            break
        if channel.deadline.left() < LEAST_SECONDS:
            raise ChannelUnavailable(f"Something else is being done to order {wanted.reference_number} just now")
        time.sleep(POLL_SECONDS)
    if action.state == DONE:
        if repeat_after is None or now() - action.finished_at < timedelta(seconds=repeat_after):
            return str(action.answer)
        again = plan_again(action, now=now(), until=until)
        claimed, action = again is not None, again or action
    if not claimed:
        raise ChannelUnavailable(f"This {kind} is under way already")
    return _do(action, act, channel)


def _do(action: Action, act: Callable[[str], str], channel: Channel) -> str:
    """Do an action that is ours, and record what came of it."""
    try:
        answer = _find_result(action, channel) if action.state == UNKNOWN else None
        if answer is None:
            action.state = FAILED  # until it is sent, nothing can have been done
            answer = act(action.key)
    except OutcomeUnknown as error:
        finish_action(action, UNKNOWN, error=str(error), sent=True, now=now())
        raise
    except (ChannelRefused, ChannelUnavailable) as error:
        finish_action(action, action.state, error=str(error), now=now())
        raise
    except Exception as error:
        finish_action(action, UNKNOWN, error=type(error).__name__, sent=True, now=now())
        raise
    finish_action(action, DONE, answer=answer, now=now())
    return answer


def _find_result(action: Action, channel: Channel) -> str | None:
    """What the shop says of an action that may have been sent: its answer, or None where it will not do it any more.

    Raises ChannelUnavailable as long as the shop may still be at it, though it does not show it yet.
    """
    answer = channel.find_result(action.kind, action.reference, action.key)
    settled = timedelta(seconds=channel.settings.action_settles_seconds)
    if answer is None and action.sent_until and now() < action.sent_until + settled:
        raise ChannelUnavailable(f"It is not known yet whether the shop has done this {action.kind}")
    return answer


def resolve_unknown(number: int, channel: Channel) -> str:
    """Ask the shop what came of an action whose outcome is unknown, and record it; the action's state after that.

    Raises what the channel raises, and ChannelUnavailable while another request, or the shop, may be at it.
    """
    until = now() + timedelta(seconds=channel.deadline.left() + GRACE_SECONDS)
    action, claimed = claim_action(number, now=now(), until=until)
    if action is None or action.state in (DONE, FAILED):
        return action.state if action else FAILED
    if not claimed:
        raise ChannelUnavailable(f"Action {number} is under way just now")
    try:
        answer = _find_result(action, channel)
    except ChannelError as error:
        finish_action(action, UNKNOWN, error=str(error), now=now())
        raise
    if answer is None:
        finish_action(action, FAILED, error="The shop has not done it", now=now())
        return FAILED
    finish_action(action, DONE, answer=answer, now=now())
    return DONE


def _canonical(amount: Decimal) -> str:
    """The same text for 1, 1.0 and 1.00."""
    return format(amount.normalize() + 0, "f")


def may_work_later(error: ChannelError) -> bool:
    """Whether the same request is worth sending again."""
    return isinstance(error, ChannelUnavailable)
