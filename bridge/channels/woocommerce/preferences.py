"""The seller's answers to the wizard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.channels.woocommerce.carriers import Carrier, parse_table
from bridge.channels.woocommerce.wizard import (
    AS_ONE,
    BY_PAYMENT,
    GATEWAY,
    HIDDEN_STATUSES,
    HOLD,
    IGNORED,
    MANAGE,
    NONE,
    PAID,
    STATUS,
    UNPAID,
    UNTAGGED,
    items,
)


@dataclass(frozen=True)
class Preferences:
    """The seller's answers, with the preset for a question that was added after the wizard."""

    status_meanings: Mapping[str, str]
    despatch_days: int
    despatch_status: str
    tracking_note: bool
    note_text: str
    carriers: tuple[Carrier, ...]
    order_fields: frozenset[str]
    hold_differences: bool
    """Whether an order is held whose total differs from its lines by more than rounding."""
    through_gateway: bool
    restock: bool
    hidden_products: bool
    manage_stock: bool
    same_sku_is_one: bool
    price_fields: Mapping[str, str]
    """The product field that a price tag of Linnworks sets; the tag "" is the normal price."""
    tags_collide: bool
    """Whether one price tag would set both prices."""

    def meaning(self, status: str, paid: bool) -> str:
        """Return what an order with this status counts as: PAID, UNPAID, CANCELLED or IGNORED.

        A status that the wizard did not ask about, such as a new plugin's, follows the payment.
        """
        found = IGNORED if status in HIDDEN_STATUSES else self.status_meanings.get(status, BY_PAYMENT)
        return (PAID if paid else UNPAID) if found == BY_PAYMENT else found


def preferences(config: Mapping[str, str]) -> Preferences:
    """Return the preferences for answers by ConfigItemId."""
    presets = {item.config_item_id: item.selected_value for item in items({})}
    answers = {**presets, **config}
    tags = {"regular_price": answers["regular_price_tag"], "sale_price": answers["sale_price_tag"]}
    used = {field: "" if tag == UNTAGGED else tag for field, tag in tags.items() if tag != NONE}
    return Preferences(
        status_meanings={
            name.removeprefix(STATUS): value for name, value in answers.items() if name.startswith(STATUS)
        },
        despatch_days=int(answers["despatch_days"]),
        despatch_status=answers["despatch_status"],
        tracking_note=answers["tracking_note"] == "True",
        note_text=answers["note_text"],
        carriers=parse_table(answers["carriers"]),
        order_fields=frozenset(filter(None, map(str.strip, answers["order_fields"].split(",")))),
        hold_differences=answers["total_differences"] == HOLD,
        through_gateway=answers["refund_way"] == GATEWAY,
        restock=answers["refund_restock"] == "True",
        hidden_products=answers["hidden_products"] == "True",
        manage_stock=answers["unmanaged_stock"] == MANAGE,
        same_sku_is_one=answers["same_sku"] == AS_ONE,
        price_fields={tag: field for field, tag in used.items()},
        tags_collide=len(set(used.values())) < len(used),
    )
