from __future__ import annotations

import pytest

from bridge.channels.helpers.rows import readable
from bridge.channels.medusa import catalogue
from bridge.channels.medusa.preferences import Preferences

pytestmark = pytest.mark.service


def shown(linnworks) -> dict[str, tuple[str, int, float]]:
    return {sku: (row["Title"], row["Quantity"], row["Price"]) for sku, row in linnworks.products().items()}


def test_each_variant_is_a_product_with_what_is_left_at_the_location(linnworks, medusa):
    """
    Reserved pieces and those at other places do not count; a variant that is not counted has 0.
    """
    medusa.add_variants("TEE", {"TEE-S": "S", "TEE-M": "M"}, stock=5, price="15.00")
    medusa.add_product("GIFT", stock=None)
    medusa.set_stock("TEE-S", 70, medusa.add_location("Other place"))
    medusa.place_order({"TEE-S": 2})
    found = shown(linnworks)

    assert ("Thing TEE - S", 3, 15.0) == found["TEE-S"]
    assert ("Thing TEE - M", 5, 15.0) == found["TEE-M"]
    assert found["GIFT"][1] == 0


def test_drafts_other_channels_and_variants_without_a_sku_are_left_out(connected, medusa):
    """
    They are what the channel's omissions declare.
    """
    channel = medusa.add_channel("Shop")
    medusa.add_product("DRAFT", status="draft")
    medusa.add_product("MINE", sales_channels=[{"id": channel}])
    medusa.add_product("BLANK")
    medusa.variant("BLANK")["sku"] = None
    everything = shown(connected(medusa))
    mine = shown(connected(medusa, **{f"sales_channel_{channel}": "True"}))

    assert {"MUG", "BOOK", "MINE"} == set(everything)
    assert {"MINE"} == set(mine)


@pytest.mark.parametrize("broken", [{"prices": [{"currency_code": "gbp", "amount": "many"}]}, {"id": None}, {"id": 7}])
def test_a_variant_that_cannot_be_read_is_no_product(broken):
    """
    The others of its page come: an amount that is none, an id that is missing or a number.
    """
    owner = {"status": "published", "title": "Thing"}
    rows = [{"id": "variant_1", "sku": "ONE", "product": owner}, {"id": "variant_2", "sku": "TWO", "product": owner}]
    preferences = Preferences(frozenset(), "here", {}, "gbp", 2, True, False, True, frozenset(), False)
    found = readable([{**rows[0], **broken}, rows[1]], lambda row: catalogue.product(row, preferences), str)

    assert ["TWO"] == [product.sku for product in found]


def test_a_kit_has_what_its_scarcest_part_is_enough_for():
    """
    A part of which two are needed is enough for half as many.
    """

    def part(item: str, stocked: int, required: int) -> dict[str, object]:
        level = {"location_id": "here", "stocked_quantity": stocked, "reserved_quantity": 1}
        inventory = {"location_levels": [level, {**level, "location_id": "there", "stocked_quantity": 900}]}
        return {"inventory_item_id": item, "required_quantity": required, "inventory": inventory}

    row = {"manage_inventory": True, "inventory_items": [part("a", 20, 1), part("b", 16, 2)]}

    assert catalogue.available(row, "here") == 7
    assert catalogue.available({**row, "inventory_items": [*row["inventory_items"], part("c", 0, 1)]}, "here") == 0
    assert catalogue.available({**row, "manage_inventory": False}, "here") == 0
