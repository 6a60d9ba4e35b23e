"""The areas of the manifest: one blueprint each, handlers only."""

from bridge.protocol.endpoints import after_sale, config, listings, orders, products

AREAS = (config.area, orders.area, after_sale.area, products.area, listings.area)
