"""How Linnworks' Reference names a product or a variation of WooCommerce.

A Reference contains the ids of the product and, for a variation, of its parent, so that no update needs a search.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

REFERENCE = re.compile(r"wc-([1-9]\d{0,17})(?:-([1-9]\d{0,17}))?", re.ASCII)


@dataclass(frozen=True)
class Target:
    """A product, or one variation of it."""

    product: int
    variation: int = 0

    @property
    def reference(self) -> str:
        """The Reference that Linnworks gets for it."""
        return f"wc-{self.product}-{self.variation}" if self.variation else f"wc-{self.product}"

    @property
    def id(self) -> int:
        """Its own id."""
        return self.variation or self.product


def parse_reference(reference: str) -> Target | None:
    """Return the product that a Reference names, or None if this channel did not create it."""
    found = REFERENCE.fullmatch(reference.strip())
    return Target(int(found[1]), int(found[2] or 0)) if found else None
