"""All rules, area by area, in the order of an integration's life."""

from __future__ import annotations

from bridge.check.rules import (
    configuration,
    connect,
    despatch,
    integrations,
    listings,
    manifest,
    oauth,
    order_values,
    orders,
    post_sale,
    products,
    rejections,
    replay,
    requests,
    responses,
    soak,
    stock,
    teardown,
)

AREAS = [
    manifest.area,
    connect.area,
    oauth.area,
    configuration.area,
    integrations.area,
    products.area,
    orders.area,
    order_values.area,
    requests.area,
    stock.area,
    despatch.area,
    post_sale.area,
    listings.area,
    rejections.area,
    replay.area,
    soak.area,
    teardown.area,
    responses.area,
]

RULES = {rule.id: rule for area in AREAS for rule in area.rules}
