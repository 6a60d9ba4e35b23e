"""The questions of the embedded shop's wizard."""

from __future__ import annotations

from bridge.channels.base import DESPATCH_DAYS, LAST_STEP, Step
from bridge.channels.demo import shop
from bridge.protocol.schemas.config import ConfigItem, ListValue, ValueType

NO_TAG = "-"

PREFERENCES = (
    DESPATCH_DAYS,
    ConfigItem(
        config_item_id="customer_notes",
        name="Customers' notes",
        description="Whether the notes that customers write with their orders come to Linnworks",
        group_name="Orders",
        selected_value="True",
        value_type=ValueType.BOOLEAN,
    ),
    ConfigItem(
        config_item_id="list_price_tag",
        name="Price tag of the list price",
        description="Prices with this tag set the list price, which is shown struck through; without a tag the price",
        group_name="Prices",
        selected_value="RETAILPRICE",
        value_type=ValueType.LIST,
        list_values=(
            ListValue(display="RETAILPRICE", value="RETAILPRICE"),
            ListValue(display="No tag: do not change list prices", value=NO_TAG),
        ),
    ),
)

STEPS = (
    Step(
        name="Shop",
        title="Your shop",
        description="Name a shop and choose an access key. A new name opens a new shop with sample data; the same "
        "name and key lead to the same shop again.",
        verify=True,
        credentials=True,
        items=(
            ConfigItem(
                config_item_id="shop_name",
                name="Shop name",
                description="3 to 40 lower-case letters, digits and hyphens",
                group_name="Shop",
                must_be_specified=True,
                reg_ex_validation=shop.NAME,
                reg_ex_error=shop.NAME_RULE,
            ),
            ConfigItem(
                config_item_id="access_key",
                name="Access key",
                description="8 to 200 characters",
                group_name="Shop",
                must_be_specified=True,
                value_type=ValueType.PASSWORD,
                reg_ex_validation=shop.KEY,
                reg_ex_error=shop.KEY_RULE,
            ),
        ),
    ),
    Step(
        name="Preferences",
        title="Orders and prices",
        description="You can change these later.",
        items=PREFERENCES,
    ),
    Step(name=LAST_STEP, title="Settings", description="Your shop is connected.", items=PREFERENCES),
)


def extras(shop_name: str, url: str) -> tuple[ConfigItem, ...]:
    """Return what the last step shows besides the questions; `url` is the bridge's public address."""
    return (
        ConfigItem(
            config_item_id="connected_shop",
            name="Connected shop",
            description="The embedded shop of this integration",
            group_name="Shop",
            selected_value=shop_name,
            read_only=True,
        ),
        ConfigItem(
            config_item_id="bridge_page",
            name=f"{url}/",
            description="Whether the bridge is running",
            group_name="Shop",
            value_type=ValueType.URL,
        ),
        ConfigItem(
            config_item_id="listing_settings",
            name="Show what listings can have",
            description="Opens the answer of GetConfiguratorSettings, which needs no token",
            group_name="Shop",
            selected_value=f"{url}/api/Listing/GetConfiguratorSettings",
            value_type=ValueType.BUTTON,
        ),
    )
