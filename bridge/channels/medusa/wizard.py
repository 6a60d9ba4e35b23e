"""The questions of the wizard, and the preferences that its answers make."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bridge.channels.base import DESPATCH_DAYS, LAST_STEP, Step
from bridge.channels.helpers.questions import choices
from bridge.channels.http.address import copied_address, same_address
from bridge.channels.medusa.preferences import Preferences, PriceTarget
from bridge.errors import ChannelRefused
from bridge.protocol.schemas.config import ConfigItem, ValueType

SHOP, ORDERS = "Shop", "Orders"
UNTAGGED, NONE = "UNTAGGED", "NONE"
FULFIL, SHIP, CAPTURE = "FULFIL", "SHIP", "CAPTURE"
MANAGE, REFUSE = "MANAGE", "REFUSE"

CHANNEL, PAID = "sales_channel_", "paid_"
BASE_PRICE, REGION_PRICE, LIST_PRICE = "price_tag_base_", "price_tag_region_", "price_tag_list_"
"""What the ids of questions begin with that there are several of."""

PAYMENT_STATUSES = {
    "authorized": "Authorised: the customer has paid, the money is not captured yet",
    "partially_captured": "Captured in part",
    "captured": "Captured",
    "partially_authorized": "Authorised in part",
    "not_paid": "Not paid",
    "awaiting": "Awaiting payment",
    "requires_action": "The customer must still do something",
    "partially_refunded": "Refunded in part",
    "refunded": "Refunded",
    "canceled": "Payment cancelled",
}
PRESET_PAID = ("captured", "partially_refunded", "refunded")
"""An order that has been refunded was paid; cancelled orders are told as cancelled."""


CREDENTIALS = (
    ConfigItem(
        config_item_id="store_url",
        name="Shop address",
        description="The address of Medusa's server, where its admin is: https://medusa.example.com",
        group_name="Shop",
        must_be_specified=True,
    ),
    ConfigItem(
        config_item_id="api_key",
        name="Secret API key",
        description="Medusa Admin, Settings, Secret API Keys: Create; it begins with sk_ and is shown once",
        group_name="Shop",
        must_be_specified=True,
        value_type=ValueType.PASSWORD,
    ),
)

PREFERENCES = (
    DESPATCH_DAYS,
    *(
        ConfigItem(
            config_item_id=PAID + status,
            name=f"Paid: {display}",
            description=f"Whether orders with Medusa's payment status {status} are to be sent",
            group_name="Payment",
            selected_value=str(status in PRESET_PAID),
            value_type=ValueType.BOOLEAN,
        )
        for status, display in PAYMENT_STATUSES.items()
    ),
    ConfigItem(
        config_item_id="despatch",
        name="What a despatch does",
        description="In Medusa goods are fulfilled (taken from the stock), then shipped with their tracking number",
        group_name="Despatch",
        selected_value=SHIP,
        value_type=ValueType.LIST,
        list_values=choices(
            FULFIL="Fulfil only; you ship in Medusa",
            SHIP="Fulfil and ship",
            CAPTURE="Fulfil and ship, and capture the payment with the last piece",
        ),
    ),
    ConfigItem(
        config_item_id="notifications",
        name="Tell customers about despatches",
        description="Whether Medusa sends customers its messages, if the shop has any",
        group_name="Despatch",
        selected_value="True",
        value_type=ValueType.BOOLEAN,
    ),
    ConfigItem(
        config_item_id="unmanaged_stock",
        name="Variants without stock",
        description="What a stock level from Linnworks does to a variant whose stock Medusa does not count",
        group_name="Products",
        selected_value=REFUSE,
        value_type=ValueType.LIST,
        list_values=choices(
            REFUSE="Do not change it, and report an error to Linnworks", MANAGE="Switch counting on for it"
        ),
    ),
)


def preferences(config: Mapping[str, str]) -> Preferences:
    """Return the preferences for answers by ConfigItemId.

    Without an answer, `location` and `default_currency` are "", and the price without a tag is missing from the
    targets: the shop's own ones, see `shop_choices.filled_in`.
    """
    presets = {item.config_item_id: item.selected_value for item in PREFERENCES}
    answers = {**presets, **{name: value.strip() for name, value in config.items()}}
    return Preferences(
        sales_channels=frozenset(
            name.removeprefix(CHANNEL)
            for name, value in answers.items()
            if name.startswith(CHANNEL) and value == "True"
        ),
        location=answers.get("stock_location", ""),
        price_targets=dict(target_answers(config)),
        default_currency=answers.get("currency", ""),
        despatch_days=int(answers["despatch_days"]),
        ships=answers["despatch"] in (SHIP, CAPTURE),
        captures=answers["despatch"] == CAPTURE,
        notifies=answers["notifications"] == "True",
        paid_statuses=frozenset(status for status in PAYMENT_STATUSES if answers[PAID + status] == "True"),
        manages_stock=answers["unmanaged_stock"] == MANAGE,
    )


def target_answers(config: Mapping[str, str]) -> list[tuple[str, PriceTarget]]:
    """Return the prices that have a tag of Linnworks, with that tag; "" stands for prices without one."""
    tags = ((target_of(name), value.strip()) for name, value in config.items())
    return [("" if tag == UNTAGGED else tag, target) for target, tag in tags if target and tag not in ("", NONE)]


def target_of(question: str) -> PriceTarget | None:
    """Return the price that a question is about; None for a question about something else."""
    for prefix in (BASE_PRICE, REGION_PRICE, LIST_PRICE):
        if question.startswith(prefix):
            key, _, currency = question.removeprefix(prefix).rpartition(".")
            region, price_list = (key if prefix == kind else "" for kind in (REGION_PRICE, LIST_PRICE))
            return PriceTarget(currency, region=region, price_list=price_list)
    return None


def shop_identity(text: str) -> str:
    """Return host, port and folder of a shop's address: the same for http and https, and with or without "www."."""
    try:
        return same_address(store_address(text))
    except ChannelRefused:
        return text


def store_address(text: str) -> str:
    """Return the address of Medusa's server from what a seller typed or copied from the admin's pages.

    Raises ChannelRefused if it is no address.
    """
    address = copied_address(text)
    return re.sub(r"(?s)/(app|admin|health)(/.*)?$", "", address)


STEPS = (
    Step(
        name=SHOP,
        title="Your Medusa shop",
        description="The server's address and a secret API key for it. Both are checked before the next step.",
        items=CREDENTIALS,
        verify=True,
        credentials=True,
    ),
    Step(
        name=ORDERS,
        title="Orders, stock and prices",
        description="You can change these later.",
        items=PREFERENCES,
        verify=True,
    ),
    Step(
        name=LAST_STEP,
        title="Settings",
        description="Your Medusa shop is connected.",
        items=PREFERENCES,
        verify=True,
    ),
)
