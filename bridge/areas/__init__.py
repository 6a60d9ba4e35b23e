"""The areas of the manifest: one blueprint each, handlers only."""

from bridge.areas import config, listings, orders, postsale, products

AREAS = (config.area, orders.area, postsale.area, products.area, listings.area)
