"""One blueprint for each area of the manifest; handlers only."""

from bridge.protocol.endpoints import after_sale, config, listings, orders, products

AREAS = (config.area, orders.area, after_sale.area, products.area, listings.area)
