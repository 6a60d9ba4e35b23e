"""Messages of the configuration endpoints."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated

from marshmallow.validate import Length

from bridge.protocol.schemas import fields
from bridge.protocol.schemas.base import Answer, Message


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

    linnworks_unique_identifier: Annotated[str, fields.String(validate=Length(max=100))] = ""
    email: Annotated[str, fields.String(validate=Length(max=320), secret=True)] = ""
    account_name: Annotated[str, fields.String(validate=Length(max=255))] = ""


class AddNewUserResponse(Answer):
    authorization_token: Annotated[str | None, fields.String(secret=True)] = None


class ListValue(Message):
    """One choice of a LIST item; `value` comes back as its SelectedValue."""

    display: str = ""
    value: str = ""


class ConfigItem(Message):
    """One field of a wizard step; `selected_value` is always a text: "True", "5"."""

    config_item_id: Annotated[str, fields.String(validate=Length(max=100))] = ""
    name: str = ""
    description: str = ""
    group_name: str = ""
    sort_order: int = 0
    selected_value: Annotated[str, fields.String(validate=Length(max=10_000), secret=True)] = ""
    reg_ex_validation: str | None = None
    reg_ex_error: str | None = None
    must_be_specified: bool = False
    read_only: bool = False
    list_values: tuple[ListValue, ...] = ()
    value_type: ValueType = ValueType.STRING
    hides_header_attribute: bool = False


class SelectedItem(Message):
    """What matters of a ConfigItem that comes back: Linnworks changes nothing else of it."""

    config_item_id: Annotated[str, fields.String(validate=Length(max=100))] = ""
    selected_value: Annotated[str, fields.String(validate=Length(max=10_000), secret=True)] = ""


class UserConfigRequest(Message):
    pass


class UserConfigResponse(Answer):
    """The step the wizard is on; StepName `UserConfig` says that it is complete."""

    step_name: str = ""
    account_name: str = ""
    wizard_step_title: str = ""
    wizard_step_description: str = ""
    config_items: tuple[ConfigItem, ...] = ()


class SaveConfigRequest(Message):
    step_name: Annotated[str, fields.String(validate=Length(max=100))] = ""
    config_items: tuple[SelectedItem, ...] = ()


class Tag(Message):
    """A way to ship or to pay, as orders name it in their Match... fields."""

    tag: Annotated[str, fields.String(validate=Length(max=64))]
    friendly_name: Annotated[str, fields.String(validate=Length(max=255))]
    site: Annotated[str, fields.String(validate=Length(max=25))] = ""


class TagsRequest(Message):
    pass


class ShippingTagsResponse(Answer):
    shipping_tags: tuple[Tag, ...] = ()


class PaymentTagsResponse(Answer):
    payment_tags: tuple[Tag, ...] = ()


class ConfigTestRequest(Message):
    pass


class ConfigDeletedRequest(Message):
    pass
