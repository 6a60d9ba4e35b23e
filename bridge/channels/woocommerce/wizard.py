"""The wizard's steps and questions for a WooCommerce shop."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bridge.channels.base import DESPATCH_DAYS, LAST_STEP, Step
from bridge.channels.helpers.questions import choices
from bridge.channels.http.address import copied_address, same_address
from bridge.channels.woocommerce.carriers import TABLE_HELP
from bridge.errors import ChannelRefused
from bridge.protocol.schemas.config import ConfigItem, ListValue, ValueType

SHOP, ORDERS = "Shop", "Orders"
STATUS = "status_"
KEEP, UNTAGGED, NONE = "-", "UNTAGGED", "NONE"
PAID, UNPAID, CANCELLED, BY_PAYMENT, IGNORED = "PAID", "UNPAID", "CANCELLED", "BY_PAYMENT", "IGNORED"
MANAGE, REFUSE = "MANAGE", "REFUSE"
SEND, HOLD = "SEND", "HOLD"
LEAVE_OUT, AS_ONE = "LEAVE_OUT", "AS_ONE"
RECORD, GATEWAY = "RECORD", "GATEWAY"

STATUSES = {
    "pending": "Pending payment",
    "on-hold": "On hold",
    "failed": "Failed",
    "processing": "Processing",
    "completed": "Completed",
    "cancelled": "Cancelled",
    "refunded": "Refunded",
    "trash": "In the bin",
}
PRESET_MEANINGS = {
    "pending": UNPAID,
    "on-hold": UNPAID,
    "failed": UNPAID,
    "processing": PAID,
    "completed": PAID,
    "cancelled": CANCELLED,
    "refunded": CANCELLED,
    "trash": CANCELLED,
}
"""What WooCommerce's own statuses mean to Linnworks unless the seller chooses otherwise. The customer may pay again
after a failed payment, so it must not cancel; an order in the bin must not be sent."""
HIDDEN_STATUSES = ("checkout-draft", "auto-draft")
NOT_AFTER_DESPATCH = ("pending", "failed", "cancelled", "refunded", "trash")


MEANINGS = choices(
    PAID="Paid: to be sent",
    UNPAID="Not paid yet",
    CANCELLED="Cancelled",
    BY_PAYMENT="Paid where WooCommerce knows a payment date, else not paid yet",
    IGNORED="Leave these orders out",
)

CREDENTIALS = (
    ConfigItem(
        config_item_id="store_url",
        name="Shop address",
        description="As in the browser, with the folder if WordPress is in one: https://shop.example.com",
        group_name="Shop",
        must_be_specified=True,
    ),
    ConfigItem(
        config_item_id="consumer_key",
        name="Consumer key",
        description="WooCommerce, Settings, Advanced, REST API: Add key, with the permission Read/Write",
        group_name="Shop",
        must_be_specified=True,
        reg_ex_validation=r"^\s*ck_[0-9a-fA-F]{40}\s*$",
        reg_ex_error="must be ck_ and 40 letters and digits, as WooCommerce shows it once",
    ),
    ConfigItem(
        config_item_id="consumer_secret",
        name="Consumer secret",
        description="Shown by WooCommerce together with the key",
        group_name="Shop",
        must_be_specified=True,
        value_type=ValueType.PASSWORD,
        reg_ex_validation=r"^\s*cs_[0-9a-fA-F]{40}\s*$",
        reg_ex_error="must be cs_ and 40 letters and digits, as WooCommerce shows it once",
    ),
)

PREFERENCES = (
    DESPATCH_DAYS,
    ConfigItem(
        config_item_id="order_fields",
        name="Further order fields",
        description="Names of custom fields (meta keys) that begin with an underscore and come as extended properties "
        "all the same; separated by commas",
        group_name="Orders",
    ),
    ConfigItem(
        config_item_id="total_differences",
        name="Orders whose total is not the sum of their lines",
        description="A deposit, a gift card or points may make an order's total differ by more than rounding",
        group_name="Orders",
        selected_value=SEND,
        value_type=ValueType.LIST,
        list_values=choices(
            SEND="Send them, with the difference in a note and an extended property",
            HOLD="Hold them, until the order is changed or this setting",
        ),
    ),
    ConfigItem(
        config_item_id="tracking_note",
        name="Tell customers about parcels",
        description="Whether each despatch writes the customer a note with the carrier and the tracking number",
        group_name="Despatch",
        selected_value="True",
        value_type=ValueType.BOOLEAN,
    ),
    ConfigItem(
        config_item_id="note_text",
        name="Text of that note",
        description="{carrier}, {number} and {link} are replaced for each parcel",
        group_name="Despatch",
        selected_value="Your order is on its way. {carrier} {number} {link}",
        must_be_specified=True,
    ),
    ConfigItem(
        config_item_id="carriers",
        name="Carriers",
        description=TABLE_HELP,
        group_name="Despatch",
    ),
    ConfigItem(
        config_item_id="refund_way",
        name="Refunds",
        description="Whether WooCommerce refunds through the payment gateway, or only records your refund",
        group_name="Refunds",
        selected_value=RECORD,
        value_type=ValueType.LIST,
        list_values=choices(
            RECORD="Record only: you refund the money yourself",
            GATEWAY="Through the payment gateway; refused where it cannot",
        ),
    ),
    ConfigItem(
        config_item_id="refund_restock",
        name="Refunds restock",
        description="Whether refunding whole pieces adds them to the stock in WooCommerce; Linnworks usually sets it",
        group_name="Refunds",
        selected_value="False",
        value_type=ValueType.BOOLEAN,
    ),
    ConfigItem(
        config_item_id="hidden_products",
        name="Drafts and private products",
        description="Whether products that are not published come to Linnworks too",
        group_name="Products",
        selected_value="False",
        value_type=ValueType.BOOLEAN,
    ),
    ConfigItem(
        config_item_id="unmanaged_stock",
        name="Products without stock of their own",
        description="What a stock level from Linnworks does to a product whose stock WooCommerce does not manage, "
        "or manages on its parent",
        group_name="Products",
        selected_value=MANAGE,
        value_type=ValueType.LIST,
        list_values=choices(
            MANAGE="Switch stock management on for it", REFUSE="Do not change it, and report an error to Linnworks"
        ),
    ),
    ConfigItem(
        config_item_id="same_sku",
        name="Several products with one SKU",
        description="Translations of a product, as WPML and Polylang make them, are products of their own",
        group_name="Products",
        selected_value=LEAVE_OUT,
        value_type=ValueType.LIST,
        list_values=choices(
            LEAVE_OUT="Leave them out, and report an error for their stock and prices",
            AS_ONE="Treat them as one: Linnworks gets one of them, its stock and prices set all",
        ),
    ),
    ConfigItem(
        config_item_id="regular_price_tag",
        name="Price tag of the regular price",
        description=f"Prices with this tag set the regular price; {UNTAGGED} for prices without a tag, {NONE} for none",
        group_name="Prices",
        selected_value=UNTAGGED,
        must_be_specified=True,
    ),
    ConfigItem(
        config_item_id="sale_price_tag",
        name="Price tag of the sale price",
        description=f"Prices with this tag set the sale price, 0 ends the sale; {UNTAGGED} for prices without a tag, "
        f"{NONE} for none",
        group_name="Prices",
        selected_value="SALE",
        must_be_specified=True,
    ),
)

STEPS = (
    Step(
        name=SHOP,
        title="Your WooCommerce shop",
        description="The shop's address and a key for it. Both are checked before the next step.",
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
        description="Your WooCommerce shop is connected.",
        items=PREFERENCES,
        verify=True,
    ),
)


def items(statuses: Mapping[str, str]) -> tuple[ConfigItem, ...]:
    """Return the questions besides the credentials, for a shop with these order statuses (names by slug)."""
    known = {slug: name for slug, name in ({**STATUSES, **statuses}).items() if slug not in HIDDEN_STATUSES}
    questions = tuple(
        ConfigItem(
            config_item_id=STATUS + slug,
            name=f"Orders with the status: {name}",
            description="What this status of WooCommerce means to Linnworks",
            group_name="Order statuses",
            selected_value=PRESET_MEANINGS.get(slug, BY_PAYMENT),
            value_type=ValueType.LIST,
            list_values=MEANINGS,
        )
        for slug, name in known.items()
    )
    despatch = ConfigItem(
        config_item_id="despatch_status",
        name="When the whole order has been sent",
        description="The status that the order gets in WooCommerce; customers get its e-mail",
        group_name="Despatch",
        selected_value="completed",
        value_type=ValueType.LIST,
        list_values=(
            *(
                ListValue(display=name, value=slug)
                for slug, name in known.items()
                if slug == "completed" or slug not in NOT_AFTER_DESPATCH
            ),
            ListValue(display="Do not change its status", value=KEEP),
        ),
    )
    return (*questions, despatch, *PREFERENCES)


def shop_identity(text: str) -> str:
    """Return host, port and folder of a shop's address: the same for http and https, and with or without "www."."""
    try:
        return same_address(store_address(text))
    except ChannelRefused:
        return text


def store_address(text: str) -> str:
    """Return WordPress's address from what a seller typed or copied from the browser; raises ChannelRefused."""
    address = copied_address(text)
    return re.sub(r"(?s)/(wp-json|wp-admin|wp-login\.php)(/.*)?$", "", address)
