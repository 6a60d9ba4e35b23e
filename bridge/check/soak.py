"""A soak: many rounds of Linnworks' regular calls by several integrations at once, faster than in reality."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from bridge.check.context import CheckContext
from bridge.check.options import SoakOptions
from bridge.check.soak_integration import SoakIntegration


@dataclass
class SoakProblems:
    """What went wrong, as messages."""

    errors: list[str] = field(default_factory=list)
    duplicate_orders: list[str] = field(default_factory=list)
    different_repeats: list[str] = field(default_factory=list)
    wrong_values: list[str] = field(default_factory=list)


class Soak:
    """One soak run and the problems it found."""

    def __init__(self, context: CheckContext, options: SoakOptions) -> None:
        self.context = context
        self.options = options
        self.problems = SoakProblems()
        self.finished = False

    def run(self) -> None:
        """Connect the integrations, make their calls in parallel, and compare what the shop shows at the end."""
        stopped = threading.Event()
        integrations = [SoakIntegration(self, stopped, number) for number in range(self.options.integrations)]
        try:
            for integration in integrations:
                integration.connect()
            self.context.client.timings.clear()
            with ThreadPoolExecutor(len(integrations)) as pool:
                try:
                    list(pool.map(SoakIntegration.run_rounds, integrations))
                except BaseException:  # the others would continue to their last round
                    stopped.set()
                    raise
            for integration in integrations:
                integration.compare_values()
            self.finished = True
        finally:
            for integration in integrations:
                integration.context.tear_down()
                integration.context.client.close()
