"""Integrations: their wizard, tags, test and end."""

from __future__ import annotations

from msgspec.structs import replace

from bridge.clock import now
from bridge.protocol.area import Area
from bridge.protocol.call import Call
from bridge.protocol.oauth import READ, WRITE
from bridge.protocol.schemas.base import Answer
from bridge.protocol.schemas.config import (
    AddNewUserRequest,
    AddNewUserResponse,
    ConfigDeletedRequest,
    ConfigTestRequest,
    PaymentTagsResponse,
    SaveConfigRequest,
    ShippingTagsResponse,
    TagsRequest,
    UserConfigRequest,
    UserConfigResponse,
)
from bridge.store.connections import delete_connection
from bridge.sync import connections, pauses, wizard
from bridge.sync.shop_check import CLOCK_ERROR, check_shop, compare_clocks

area = Area("config")

WAIT_SECONDS = 2
"""How long a screen of the wizard waits while other calls of its integration are under way."""


@area.call(
    "/api/Config/AddNewUser",
    AddNewUserRequest,
    AddNewUserResponse,
    manifest="AddNewUserEndpoint",
    scope=WRITE,
    token=False,
)
def add_new_user(call: Call, request: AddNewUserRequest) -> AddNewUserResponse:
    """Begin an integration and return its token, which is never told again."""
    return AddNewUserResponse(authorization_token=connections.begin(request, call.services.channels, call.now))


@area.call("/api/Config/UserConfig", UserConfigRequest, UserConfigResponse, manifest="UserConfigEndpoint", scope=READ)
def user_config(call: Call, request: UserConfigRequest) -> UserConfigResponse:
    """Return the wizard's current step, or the settings once it is finished."""
    call.enter_shop(WAIT_SECONDS)
    return wizard.show(call.connection, call.services.channels, call.deadline)


def stay(call: Call, error: str) -> UserConfigResponse:
    """Return the wizard's current step with an Error."""
    call.enter_shop(WAIT_SECONDS)
    return replace(wizard.show(call.connection, call.services.channels, call.deadline), error=error)


@area.call(
    "/api/Config/SaveUserConfig",
    SaveConfigRequest,
    UserConfigResponse,
    manifest="SaveConfigEndpoint",
    scope=WRITE,
    invalid=stay,
)
def save_config(call: Call, request: SaveConfigRequest) -> UserConfigResponse:
    """Save the answers to a step and return the next one."""
    call.enter_shop(WAIT_SECONDS)
    return wizard.save(call.connection, request, call.services.channels, call.deadline, call.now)


@area.call("/api/Config/ShippingTags", TagsRequest, ShippingTagsResponse, manifest="ShippingTagsEndpoint", scope=READ)
def shipping_tags(call: Call, request: TagsRequest) -> ShippingTagsResponse:
    """Return the shipping services that orders of this shop name."""
    return ShippingTagsResponse(shipping_tags=tuple(call.channel.shipping_tags()))


@area.call("/api/Config/PaymentTags", TagsRequest, PaymentTagsResponse, manifest="PaymentTagsEndpoint", scope=READ)
def payment_tags(call: Call, request: TagsRequest) -> PaymentTagsResponse:
    """Return the payment methods that orders of this shop name."""
    return PaymentTagsResponse(payment_tags=tuple(call.channel.payment_tags()))


@area.call("/api/Config/ConfigTest", ConfigTestRequest, Answer, manifest="ConfigTestEndpoint", scope=READ)
def config_test(call: Call, request: ConfigTestRequest) -> Answer:
    """Test whether the integration works; the Error is in the doctor's words."""
    ahead = check_shop(call.channel, now)
    wizard.credentials_work(call.connection)
    problems = [pauses.describe(kind, since) for kind, since in pauses.paused_since(call.connection).items()]
    if ahead is not None and abs(ahead) > CLOCK_ERROR:
        clocks = compare_clocks("the shop's", ahead)
        problems.append(f"The clocks differ: {clocks}")
    return Answer(error="; ".join(problems) or None)


@area.call("/api/Config/ConfigDeleted", ConfigDeletedRequest, Answer, manifest="ConfigDeletedEndpoint", scope=WRITE)
def config_deleted(call: Call, request: ConfigDeletedRequest) -> Answer:
    """Delete the integration and everything stored for it."""
    delete_connection(call.connection)
    return Answer()
