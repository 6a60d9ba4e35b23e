"""The ledger of order actions: every despatch, cancel and refund is done once, however often it is asked for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from bridge.channels.base import Channel
from bridge.clock import now
from bridge.errors import BridgeError, ChannelRefused, ChannelUnavailable, OutcomeUnknown
from bridge.protocol.schemas.base import plain_data
from bridge.store.actions import (
    DONE,
    FAILED,
    UNKNOWN,
    Action,
    ActionClaim,
    claim_unresolved,
    finish_action,
    plan_action,
    plan_again,
)
from bridge.sync import retry

LEAST_SECONDS = 3
"""With less left, an action that had to wait for another one of its order is not started."""


def perform_once(
    kind: str,
    message: Any,
    send: Callable[[str], str],
    *,
    connection_id: int,
    channel: Channel,
    occurrence: int = 1,
    repeat_after: int | None = None,
) -> str:
    """Call `send(key)` for a message and return its result, or the recorded result if it was done before.

    Equal content is the same action, because Linnworks sends no other identity. `occurrence` counts equal entries of
    one request. `repeat_after` seconds after an action was done, equal content is a new action; None means never.
    An action whose answer was lost is looked up in the shop before it is sent again. Actions of one order do not
    overlap. Raises what the channel raises, and ChannelUnavailable while the action is under way.
    """
    content = plain_data(message)
    text = json.dumps([kind, content], sort_keys=True, default=_canonical)
    digest = hashlib.sha256(text.encode()).hexdigest()
    claim = _plan(connection_id, kind, message.reference_number, digest, content, channel, occurrence)
    action = claim.action
    if action.state == DONE:
        if repeat_after is None or now() - action.finished_at < timedelta(seconds=repeat_after):
            return str(action.result)
        claim = plan_again(action, now=now(), until=retry.lease_end(channel.deadline)) or claim
    if not claim.claimed:
        raise ChannelUnavailable(f"This {kind} is under way already")
    result = _find_result(claim.action, channel) if claim.was_sent else None
    if result is None:
        result = _send(claim.action, send)
    finish_action(claim.action, DONE, result=result, now=now())
    return result


def resolve_unknown(number: int, channel: Channel) -> str:
    """Ask the shop for the result of an action with an unknown outcome, record it, and return the action's new state.

    Raises what the channel raises, and ChannelUnavailable while a request, or the shop, may be working on it.
    """
    claim = claim_unresolved(number, now=now(), until=retry.lease_end(channel.deadline))
    if claim is None:
        return FAILED
    if not claim.claimed:
        if claim.action.state in (DONE, FAILED):
            return str(claim.action.state)
        raise ChannelUnavailable(f"Action {number} is under way")
    result = _find_result(claim.action, channel)
    if result is None:
        finish_action(claim.action, FAILED, error="The shop has not done it", now=now())
        return FAILED
    finish_action(claim.action, DONE, result=result, now=now())
    return DONE


def _plan(
    connection_id: int, kind: str, reference: str, digest: str, content: Any, channel: Channel, occurrence: int
) -> ActionClaim:
    """Plan an action, after waiting for another one of the order; raises ChannelUnavailable if that takes too long."""
    for _ in retry.polls(channel.deadline, LEAST_SECONDS):
        claim = plan_action(
            connection_id,
            kind,
            reference,
            digest,
            content,
            occurrence=occurrence,
            now=now(),
            until=retry.lease_end(channel.deadline),
        )
        if claim is not None:
            return claim
    raise ChannelUnavailable(f"Another action of order {reference} is under way")


def _find_result(action: Action, channel: Channel) -> str | None:
    """Return the shop's result of a claimed action that may have been sent; None if the shop will not do it any more.

    While that is not known, the action stays unknown: raises what the channel raises, and ChannelUnavailable if the
    shop may still be working on it.
    """
    try:
        result = channel.find_result(action.kind, action.reference, action.key)
        settles = timedelta(seconds=channel.settings.action_settles_seconds)
        if result is None and action.sent_until and now() < action.sent_until + settles:
            raise ChannelUnavailable(f"It is not known yet whether the shop has done this {action.kind}")
    except Exception as error:
        finish_action(action, UNKNOWN, error=_words(error), now=now())
        raise
    return result


def _send(action: Action, send: Callable[[str], str]) -> str:
    """Send a claimed action to the shop; on an error record the outcome and raise it."""
    try:
        return send(action.key)
    except Exception as error:
        not_done = isinstance(error, (ChannelRefused, ChannelUnavailable)) and not isinstance(error, OutcomeUnknown)
        state = FAILED if not_done else UNKNOWN
        finish_action(action, state, error=_words(error), sent=not not_done, now=now())
        raise


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, BridgeError) else type(error).__name__


def _canonical(amount: Decimal) -> str:
    """Return the same text for 1, 1.0 and 1.00."""
    return format(amount.normalize() + 0, "f")
