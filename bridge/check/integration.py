"""One integration that the check makes in the application."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Integration:
    """One integration as Linnworks knows it: its account, its token, and where its wizard stands."""

    account: str
    name: str
    email: str
    token: str = ""
    step: str = ""
    items: list[dict[str, Any]] = field(default_factory=list)
