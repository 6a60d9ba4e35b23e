"""A despatch is found again with what the shop has kept with it."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest

from bridge.channels.base import Parcel, ShopAction, Tracking
from bridge.channels.helpers.parcels import despatch_action, kept_with

MOMENT = datetime(2025, 7, 5, 3, 48, 51, tzinfo=timezone.utc)


@pytest.mark.parametrize("processed_on", [MOMENT, None])
def test_what_is_kept_comes_back(processed_on):
    """
    Key, time, replaced numbers and earlier despatches are the same after a way through JSON.
    """
    parcel = Parcel("7", {"1": 2}, (Tracking("T2"),), processed_on, replaces=("T1",), earlier=("first",))
    kept = json.loads(json.dumps(kept_with(parcel, "second")))
    found = despatch_action(kept, at=MOMENT, pieces=parcel.pieces, tracking_numbers=parcel.tracking_numbers)

    assert found == ShopAction(
        "despatch",
        key="second",
        at=MOMENT,
        pieces={"1": 2},
        tracking_numbers=("T2",),
        processed_on=processed_on,
        replaces=("T1",),
        earlier=("first",),
    )


@pytest.mark.parametrize("kept", [{}, {"processed_on": "last week"}])
def test_a_despatch_by_hand_has_no_key(kept):
    """
    Nor a time of Linnworks.
    """
    assert ShopAction("despatch", pieces={"1": 2}) == despatch_action(kept, at=None, pieces={"1": 2})
