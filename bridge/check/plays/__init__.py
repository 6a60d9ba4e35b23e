"""The play, act by act."""

from __future__ import annotations

from collections.abc import Iterable

from bridge.check.manifest import Manifest
from bridge.check.plays import (
    after_sale,
    answers,
    configuration,
    connect,
    despatch,
    integrations,
    listings,
    manifest,
    oauth,
    orders,
    products,
    refusals,
    replay,
    requests,
    soak,
    stock,
    teardown,
)
from bridge.check.registry import Check

AREAS = [
    manifest.area,
    connect.area,
    oauth.area,
    configuration.area,
    integrations.area,
    products.area,
    orders.area,
    requests.area,
    stock.area,
    despatch.area,
    after_sale.area,
    listings.area,
    refusals.area,
    replay.area,
    soak.area,
    teardown.area,
    answers.area,
]
"""Every act, in the order of an integration's life."""

RULES = {check.id: check for area in AREAS for check in area.checks}
MODES = {"replay": (replay.area, answers.ALWAYS), "soak": (soak.area, (*answers.ALWAYS, "ANS-15"))}
"""Other kinds of run: their act, and the rules of every answer that their answers can be held against."""


def programme(manifest: Manifest, mode: str = "check") -> list[Check]:
    """The checks of a run of this kind that the application gives occasion for."""
    if mode != "check":
        area, always = MODES[mode]
        return closure([*area.checks, *(RULES[name] for name in always)], list(RULES.values()), after=False)
    left_out = [replay.area, soak.area]
    if not manifest.url("OAuthAuthorization"):
        left_out.append(oauth.area)
    if not manifest.lists:
        left_out.append(listings.area)
    return [check for area in AREAS if area not in left_out for check in area.checks]


def closure(wanted: Iterable[Check], among: list[Check], after: bool = True) -> list[Check]:
    """The wanted checks, and all among these that have to be performed before them."""
    known = {check.id: check for check in among}
    found: set[str] = set()
    todo = [check.id for check in wanted]
    while todo:
        name = todo.pop()
        if name in known and name not in found:
            found.add(name)
            todo += [*known[name].needs, *(known[name].after if after else ())]
    return [check for check in among if check.id in found]
