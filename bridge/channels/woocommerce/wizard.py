"""What the wizard asks about a WooCommerce shop, and the answers as preferences."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bridge.channels.base import DESPATCH_DAYS, LAST_STEP, Step
from bridge.channels.http import shop_address
from bridge.protocol.schemas.config import ConfigItem, ListValue, ValueType

SHOP, ORDERS = "Shop", "Orders"
STATUS = "status_"
KEEP, UNTAGGED, NONE = "-", "UNTAGGED", "NONE"
PAID, UNPAID, CANCELLED, BY_PAYMENT, IGNORED = "PAID", "UNPAID", "CANCELLED", "BY_PAYMENT", "IGNORED"
MANAGE, REFUSE = "MANAGE", "REFUSE"
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
COUNTS_AS = {
    "pending": UNPAID,
    "on-hold": UNPAID,
    "failed": UNPAID,
    "processing": PAID,
    "completed": PAID,
    "cancelled": CANCELLED,
    "refunded": CANCELLED,
    "trash": CANCELLED,
}
"""What WooCommerce's own statuses mean to Linnworks at first. A failed payment may be tried again, so it must not
cancel; an order in the bin must not be sent."""
NEVER_SHOWN = ("checkout-draft", "auto-draft")
NO_CUSTOM_STATUS = ("pending", "failed", "cancelled", "refunded", "trash")  # no despatch leads there


def choice(**meanings: str) -> tuple[ListValue, ...]:
    """The choices of a LIST, each value with what it says on the screen."""
    return tuple(ListValue(display=display, value=value) for value, display in meanings.items())


CHOICES = choice(
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
        description="Names of custom fields (meta keys) that come along as extended properties though they begin "
        "with an underscore; separated by commas",
        group_name="Orders",
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
        name="Words of that note",
        description="{carrier}, {number} and {link} stand for how each parcel travels",
        group_name="Despatch",
        selected_value="Your order is on its way. {carrier} {number} {link}",
        must_be_specified=True,
    ),
    ConfigItem(
        config_item_id="refund_way",
        name="Refunds",
        description="Whether WooCommerce has the payment gateway give the money back, or only records that you did",
        group_name="Refunds",
        selected_value=RECORD,
        value_type=ValueType.LIST,
        list_values=choice(
            RECORD="Record only: you give the money back yourself",
            GATEWAY="Through the payment gateway; refused where it cannot",
        ),
    ),
    ConfigItem(
        config_item_id="refund_restock",
        name="Refunds restock",
        description="Whether refunding whole pieces puts them back in stock in WooCommerce; Linnworks usually sets it",
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
        description="What a stock level from Linnworks does to a product whose stock WooCommerce does not count, "
        "or counts on its parent",
        group_name="Products",
        selected_value=MANAGE,
        value_type=ValueType.LIST,
        list_values=choice(
            MANAGE="Switch stock management on for it", REFUSE="Leave it alone and report an error to Linnworks"
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
        description="Where the shop is, and a key for it. All is tried out before the wizard goes on.",
        items=CREDENTIALS,
        verify=True,
        credentials=True,
    ),
    Step(
        name=ORDERS,
        title="How orders, stock and prices travel",
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
    """What is asked beside the credentials, where the shop has these order statuses, by slug with their names."""
    known = {slug: name for slug, name in ({**STATUSES, **statuses}).items() if slug not in NEVER_SHOWN}
    questions = tuple(
        ConfigItem(
            config_item_id=STATUS + slug,
            name=f"Orders that are: {name}",
            description="What this status of WooCommerce means to Linnworks",
            group_name="Order statuses",
            selected_value=COUNTS_AS.get(slug, BY_PAYMENT),
            value_type=ValueType.LIST,
            list_values=CHOICES,
        )
        for slug, name in known.items()
    )
    despatch = ConfigItem(
        config_item_id="despatch_status",
        name="When all of an order has gone",
        description="The status that the order gets in WooCommerce; customers get its e-mail",
        group_name="Despatch",
        selected_value="completed",
        value_type=ValueType.LIST,
        list_values=(
            *(
                ListValue(display=name, value=slug)
                for slug, name in known.items()
                if slug == "completed" or slug not in NO_CUSTOM_STATUS
            ),
            ListValue(display="Leave its status alone", value=KEEP),
        ),
    )
    return (*questions, despatch, *PREFERENCES)


@dataclass(frozen=True)
class Preferences:
    """The seller's answers, with the usual ones where a question came later than the wizard."""

    counts_as: Mapping[str, str]
    despatch_days: int
    despatch_status: str
    tracking_note: bool
    note_text: str
    order_fields: frozenset[str]
    through_gateway: bool
    restock: bool
    hidden_products: bool
    manage_stock: bool
    price_fields: Mapping[str, str]
    """The field of a product that a price tag of Linnworks sets; "" is the normal price."""
    tags_collide: bool
    """Whether one price tag is to set both prices."""

    def meaning(self, status: str, paid: bool) -> str:
        """What an order of this status counts as: PAID, UNPAID, CANCELLED or IGNORED.

        A status that nobody was asked about, such as one of a plugin that came later, goes by the payment.
        """
        found = IGNORED if status in NEVER_SHOWN else self.counts_as.get(status, BY_PAYMENT)
        return (PAID if paid else UNPAID) if found == BY_PAYMENT else found


def preferences(config: Mapping[str, str]) -> Preferences:
    """Read the answers by their ConfigItemId."""
    usual = {item.config_item_id: item.selected_value for item in items({})}
    answers = {**usual, **config}
    tags = {"regular_price": answers["regular_price_tag"], "sale_price": answers["sale_price_tag"]}
    given = {field: "" if tag == UNTAGGED else tag for field, tag in tags.items() if tag != NONE}
    return Preferences(
        counts_as={name.removeprefix(STATUS): value for name, value in answers.items() if name.startswith(STATUS)},
        despatch_days=int(answers["despatch_days"]),
        despatch_status=answers["despatch_status"],
        tracking_note=answers["tracking_note"] == "True",
        note_text=answers["note_text"],
        order_fields=frozenset(filter(None, map(str.strip, answers["order_fields"].split(",")))),
        through_gateway=answers["refund_way"] == GATEWAY,
        restock=answers["refund_restock"] == "True",
        hidden_products=answers["hidden_products"] == "True",
        manage_stock=answers["unmanaged_stock"] == MANAGE,
        price_fields={tag: field for field, tag in given.items()},
        tags_collide=len(set(given.values())) < len(given),
    )


def store_address(text: str) -> str:
    """The address of WordPress in what a seller types, who may copy it from the browser; raises ChannelRefused."""
    return re.sub(r"/(wp-json|wp-admin|wp-login\.php)(/.*)?$", "", shop_address(re.sub(r"[?#].*$", "", text.strip())))
