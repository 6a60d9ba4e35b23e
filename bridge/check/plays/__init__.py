"""The play, act by act."""

from __future__ import annotations

from bridge.check.plays import (
    answers,
    configuration,
    connect,
    despatch,
    farewell,
    integrations,
    listings,
    oauth,
    orders,
    postsale,
    products,
    refusals,
    stock,
)
from bridge.check.registry import Check


def programme(oauth_wanted: bool, listings_wanted: bool) -> list[Check]:
    """Every check of a run, in the order of an integration's life."""
    areas = [
        connect.area,
        *([oauth.area] if oauth_wanted else []),
        configuration.area,
        integrations.area,
        products.area,
        orders.area,
        stock.area,
        despatch.area,
        postsale.area,
        *([listings.area] if listings_wanted else []),
        refusals.area,
        farewell.area,
        answers.area,
    ]
    return [check for area in areas for check in area.checks]
