"""Messages of the configuration endpoints."""

from __future__ import annotations

from enum import IntEnum

from bridge.protocol.schemas.base import (
    Answer,
    Message,
    enum_name,
    flag,
    many,
    text,
    whole,
)


class ValueType(IntEnum):
    """How a configuration item is entered; a URL opens a page, a BUTTON posts to its SelectedValue."""

    STRING = 0
    INT = 1
    DOUBLE = 2
    BOOLEAN = 3
    PASSWORD = 4
    LIST = 5
    URL = 6
    BUTTON = 7


class AddNewUserRequest(Message):
    """A new integration of a Linnworks account; the account's GUID with or without hyphens."""

    linnworks_unique_identifier: str = text(limit=100)
    email: str = text(limit=320, secret=True)
    account_name: str = text(limit=255)


class AddNewUserResponse(Answer):
    authorization_token: str | None = text(default=None, secret=True)


class ListValue(Message):
    """One choice of a LIST item; `value` comes back as its SelectedValue."""

    display: str = text()
    value: str = text()


class ConfigItem(Message):
    """One field of a wizard step; `selected_value` is always a text: "True", "5"."""

    config_item_id: str = text(limit=100)
    name: str = text()
    description: str = text()
    group_name: str = text()
    sort_order: int = whole()
    selected_value: str = text(limit=10_000, secret=True)
    reg_ex_validation: str | None = text("RegExValidation", default=None)
    reg_ex_error: str | None = text("RegExError", default=None)
    must_be_specified: bool = flag()
    read_only: bool = flag()
    list_values: tuple[ListValue, ...] = many(ListValue)
    value_type: ValueType = enum_name(ValueType, default=ValueType.STRING)
    hides_header_attribute: bool = flag()


class SelectedItem(Message):
    """What matters of a ConfigItem that comes back: Linnworks changes nothing else of it."""

    config_item_id: str = text(limit=100)
    selected_value: str = text(limit=10_000, secret=True)


class UserConfigRequest(Message):
    pass


class UserConfigResponse(Answer):
    """The step the wizard is on; StepName `UserConfig` says that it is complete."""

    step_name: str = text()
    account_name: str = text()
    wizard_step_title: str = text()
    wizard_step_description: str = text()
    config_items: tuple[ConfigItem, ...] = many(ConfigItem)


class SaveConfigRequest(Message):
    step_name: str = text(limit=100)
    config_items: tuple[SelectedItem, ...] = many(SelectedItem)


class Tag(Message):
    """A way to ship or to pay, as orders name it in their Match... fields."""

    tag: str = text(limit=64, required=True)
    friendly_name: str = text(limit=255, required=True)
    site: str = text(limit=25)


class TagsRequest(Message):
    pass


class ShippingTagsResponse(Answer):
    shipping_tags: tuple[Tag, ...] = many(Tag)


class PaymentTagsResponse(Answer):
    payment_tags: tuple[Tag, ...] = many(Tag)


class ConfigTestRequest(Message):
    pass


class ConfigDeletedRequest(Message):
    pass
