"""The questions of the wizard, and the preferences that its answers make."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.channels.base import DESPATCH_DAYS, LAST_STEP, Step
from bridge.channels.medusa.api import MedusaClient
from bridge.channels.medusa.preferences import Preferences

SHOP = "Shop"
STEPS = (
    Step(name=SHOP, title="", description="", verify=True, credentials=True),
    Step(name=LAST_STEP, title="", description="", items=(DESPATCH_DAYS,), verify=True),
)


def store_address(text: str) -> str:
    raise NotImplementedError


def shop_identity(text: str) -> str:
    raise NotImplementedError


def step(step: Step, shop: MedusaClient, config: Mapping[str, str]) -> Step:
    raise NotImplementedError


def verify(shop: MedusaClient, preferences: Preferences) -> None:
    raise NotImplementedError


def preferences(config: Mapping[str, str]) -> Preferences:
    raise NotImplementedError
