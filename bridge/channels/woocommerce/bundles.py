"""Bundles and composites: lines that are parts of another line, as the usual plugins mark them.

Linnworks may despatch or cancel such a product by its own line or by those of its parts, as the seller has it there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from bridge.channels.woocommerce.values import custom_fields, row_id

PARENT_LINE = ("bundled_by", "composite_parent", "mnm_child_of")
"""Fields of a line with the id of its parent's line: Product Bundles, Composite Products, Mix and Match."""
PARENT_CART_KEY = ("_bundled_by", "_composite_parent", "_mnm_container")
"""Custom fields with the cart key of the parent's line, which has it in a field whose name ends with `CART_KEY`."""
CART_KEY = "_cart_key"
PARENT_PRODUCT = (
    "_woosb_parent_id",
    "woosb_parent_id",
    "_wooco_parent_id",
    "wooco_parent_id",
    "_chained_product_of",
)
"""Custom fields with the id of the parent's product, whose line comes before: WPC Bundles and Composite, Chained."""


def parents(lines: Iterable[Mapping[str, Any]]) -> dict[int, int]:
    """Return the id of the parent's line for each line that is part of another one."""
    found: dict[int, int] = {}
    lines = list(lines)
    fields = {line["id"]: {meta["key"]: meta["value"] for meta in custom_fields(line)} for line in lines}
    by_cart_key = {
        value: number
        for number, own in fields.items()
        for key, value in own.items()
        if key.endswith(CART_KEY) and isinstance(value, str)
    }
    by_product: dict[str, int] = {}
    for line in lines:
        own = fields[line["id"]]
        candidates = [row_id({"id": line.get(name)}) for name in PARENT_LINE]
        candidates += [by_cart_key.get(str(own.get(name))) for name in PARENT_CART_KEY]
        candidates += [by_product.get(str(own.get(name))) for name in PARENT_PRODUCT]
        parent = next((one for one in candidates if one in fields and one != line["id"]), None)
        if parent is not None and line["id"] not in _ancestors(parent, found):
            found[line["id"]] = parent
        by_product |= {str(line.get(name)): line["id"] for name in ("product_id", "variation_id") if line.get(name)}
    return found


def children(parents: Mapping[int, int]) -> dict[int, list[int]]:
    """Return the ids of the parts of each line that has any."""
    found: dict[int, list[int]] = {}
    for line, parent in parents.items():
        found.setdefault(parent, []).append(line)
    return found


def is_finished(
    line: int, parents: Mapping[int, int], is_done: Callable[[int], bool], is_touched: Callable[[int], bool]
) -> bool:
    """Return whether nothing of a line remains: `is_done` by itself, by its parts, or with what it is part of.

    Where any part of a product `is_touched`, its parts are despatched one by one, and its own line finishes no part.
    """
    parts = children(parents)

    def done(line: int) -> bool:
        return is_done(line) or (line in parts and all(map(done, parts[line])))

    def touched_below(line: int) -> bool:
        return any(is_touched(part) or touched_below(part) for part in parts.get(line, ()))

    return done(line) or any(is_done(one) and not touched_below(one) for one in _ancestors(line, parents)[1:])


def _ancestors(line: int, parents: Mapping[int, int]) -> Sequence[int]:
    """Return a line, its parent, the parent's parent and so on."""
    found = [line]
    while (parent := parents.get(found[-1])) is not None and parent not in found:
        found.append(parent)
    return found
