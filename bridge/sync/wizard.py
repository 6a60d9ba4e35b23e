"""The wizard: the step a connection is on, what it shows, and which values it accepts."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from datetime import datetime

from msgspec.structs import replace

from bridge.channels import Channels
from bridge.channels.base import LAST_STEP, Channel, Step
from bridge.channels.helpers.numbers import number
from bridge.clock import Deadline
from bridge.errors import ChannelError, RequestRefused
from bridge.protocol.schemas.config import ConfigItem, SaveConfigRequest, UserConfigResponse, ValueType
from bridge.store.connections import Connection, move_to_step, save_step
from bridge.store.database import writing
from bridge.store.orders import count_held, first_held
from bridge.sync import pauses, shop_change

MOST_ANSWER_BYTES = 1_000_000
"""What a shop may answer to a question of the wizard, whose asker has shown nothing yet."""
HELD_SHOWN = 5
STATE = "bridge_state_"
"""What the ids of lines begin with that show the state of an integration; what comes back of them is ignored."""
DISPLAY_ONLY = (ValueType.URL, ValueType.BUTTON)


def show(connection: Connection, channels: Channels, deadline: Deadline) -> UserConfigResponse:
    """Return the current step with the values entered so far, without secrets."""
    deadline.most_answer_bytes = MOST_ANSWER_BYTES
    config = channels.readable_config(connection)
    return _screen(connection, channels.open(config, deadline).step(connection.step), config)


def save(
    connection: Connection, request: SaveConfigRequest, channels: Channels, deadline: Deadline, now: datetime
) -> UserConfigResponse:
    """Store the values of the current step and return the next; on an error return the same step, with `Error`.

    Where they lead to another shop than before, the description of the next step begins with that.
    """
    deadline.most_answer_bytes = MOST_ANSWER_BYTES
    config = channels.readable_config(connection)
    before = channels.open(config, deadline)
    step = before.step(connection.step)
    selected = {item.config_item_id: item.selected_value for item in request.config_items}
    try:
        if request.step_name != step.name:
            raise RequestRefused(f"Invalid step name expected {step.name}")
        entered = config | _accepted(step, selected, config)
        channel = channels.open(entered, deadline)
        if step.verify:
            channel.verify(step.name)
        next_step = _next_step(step, channel, connection)
        other_shop = connection.complete and channel.shop_identity != before.shop_identity
        _store(connection, next_step, entered, channels, now, other_shop=other_shop)
    except (RequestRefused, ChannelError) as refusal:
        return _screen(connection, step, config, error=str(refusal))
    shown = channel.step(next_step)
    if other_shop:
        shown = dataclasses.replace(shown, description=f"{shop_change.NOTICE} {shown.description}")
    return _screen(connection, shown, entered)


def ask_for_credentials(connection: Connection, channels: Channels) -> None:
    """Move a finished connection back to its credentials step; its token and other values stay."""
    if connection.complete:
        move_to_step(connection, channels.credentials_step.name)


def credentials_work(connection: Connection) -> None:
    """Move a connection back to its last step after `ask_for_credentials`, because the credentials work."""
    if connection.complete and connection.step != LAST_STEP:
        move_to_step(connection, LAST_STEP)


def _next_step(step: Step, channel: Channel, connection: Connection) -> str:
    names = [known.name for known in channel.steps]
    return LAST_STEP if connection.complete or step.name == LAST_STEP else names[names.index(step.name) + 1]


def _store(
    connection: Connection,
    next_step: str,
    entered: dict[str, str],
    channels: Channels,
    now: datetime,
    *,
    other_shop: bool,
) -> None:
    items = [item for step in channels.channel_class.steps for item in step.items]
    secrets = {item.config_item_id for item in items if item.value_type is ValueType.PASSWORD}
    generation = connection.generation + other_shop
    # orders of another shop are read from when it was connected
    completed_at = None if other_shop else connection.completed_at
    with writing(connection.id):
        saved = save_step(
            connection,
            next_step,
            config={name: value for name, value in entered.items() if name not in secrets},
            sealed=channels.vault.seal({name: value for name, value in entered.items() if name in secrets}),
            completed_at=completed_at or (now if next_step == LAST_STEP else None),
            generation=generation,
        )
        if saved and other_shop:
            shop_change.leave_old_shop(connection, generation, now)
    if not saved:
        raise RequestRefused("Another request has moved the wizard on: please open the settings again")


def _accepted(step: Step, selected: dict[str, str], config: dict[str, str]) -> dict[str, str]:
    """Return the step's values, each checked by its declaration; raises RequestRefused that names all invalid ones."""
    accepted: dict[str, str] = {}
    problems: list[str] = []
    for item in step.items:
        if item.read_only or item.value_type in DISPLAY_ONLY:
            continue
        stored = config.get(item.config_item_id, item.selected_value)
        value = selected.get(item.config_item_id, stored)
        # a PASSWORD is not shown, so an empty one means no change
        value = value or stored if item.value_type is ValueType.PASSWORD else value.strip()
        try:
            accepted[item.config_item_id] = _checked(item, value)
        except ValueError as problem:
            problems.append(f"{item.name}: {problem}")
    if problems:
        raise RequestRefused("; ".join(problems))
    return accepted


def _checked(item: ConfigItem, value: str) -> str:
    if not value and item.value_type in (ValueType.BOOLEAN, ValueType.LIST):
        value = item.selected_value  # the screen does not allow an empty one
    if not value:
        if item.must_be_specified:
            raise ValueError("must be specified")
        return value
    if item.value_type is ValueType.BOOLEAN:
        if value.lower() not in ("true", "false"):
            raise ValueError("must be True or False")
        value = value.capitalize()
    elif item.value_type is ValueType.INT and not re.fullmatch(r"[+-]?[0-9]{1,9}", value):
        raise ValueError("must be a whole number")
    elif item.value_type is ValueType.DOUBLE and not _is_number(value):
        raise ValueError("must be a number")
    elif item.value_type is ValueType.LIST and value not in {choice.value for choice in item.list_values}:
        raise ValueError("must be one of " + ", ".join(choice.display for choice in item.list_values))
    if item.reg_ex_validation and not re.fullmatch(item.reg_ex_validation, value):
        raise ValueError(item.reg_ex_error or "does not have the expected format")
    return value


def _is_number(value: str) -> bool:
    try:
        number(value)
    except ArithmeticError:
        return False
    return True


def _screen(connection: Connection, step: Step, config: dict[str, str], error: str | None = None) -> UserConfigResponse:
    items = [_shown(item, order, config) for order, item in enumerate(step.items, 1)]
    if step.name == LAST_STEP and connection.complete:
        items += [replace(item, sort_order=len(items) + order) for order, item in enumerate(_state(connection), 1)]
    return UserConfigResponse(
        error=error,
        step_name=step.name,
        account_name=connection.account_name,
        wizard_step_title=step.title,
        wizard_step_description=step.description,
        config_items=tuple(items),
    )


def _state(connection: Connection) -> Iterator[ConfigItem]:
    """Yield what the seller has to know of a finished integration, as lines that cannot be edited."""
    if count := count_held().get(connection.id):
        first = [f"{order.reference}: {order.hold_reason}" for order in first_held(connection.id, HELD_SHOWN)]
        more = f"; and {count - len(first)} more" if count > len(first) else ""
        name = f"{count} order{'s are' if count > 1 else ' is'} held, and not in Linnworks"
        yield _line("held_orders", name, "What to fix in the shop", f"{'; '.join(first)}{more}")
    paused = [pauses.describe(kind, since) for kind, since in pauses.paused_since(connection).items()]
    if paused:
        yield _line(
            "paused", "Paused by the operator of the bridge", "Until the operator resumes it", "; ".join(paused)
        )


def _line(identifier: str, name: str, description: str, text: str) -> ConfigItem:
    return ConfigItem(
        config_item_id=f"{STATE}{identifier}",
        name=name,
        description=description,
        group_name="State",
        selected_value=text,
        read_only=True,
    )


def _shown(item: ConfigItem, order: int, config: dict[str, str]) -> ConfigItem:
    known = config.get(item.config_item_id)
    if item.value_type is ValueType.PASSWORD:
        # a stored secret is not shown, and stays if its field is left empty
        return replace(
            item, sort_order=order, selected_value="", must_be_specified=item.must_be_specified and not known
        )
    return replace(item, sort_order=order, selected_value=item.selected_value if known is None else known)
