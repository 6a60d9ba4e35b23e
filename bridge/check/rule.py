"""A rule: what it says, which page it is based on, and the function that tests it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from bridge.check.schema import Aspect

RuleTest = Callable[[Any], None]
"""Tests a rule, given the CheckContext that all rules of a run share."""


class RuleFailed(Exception):
    """The application breaks the rule.

    `exchange` shows it, when that is not the last exchange. When unusable responses are the only reason, `aspect` is
    what makes them unusable, and `endpoints` are those that sent them.
    """

    def __init__(
        self,
        message: str,
        exchange: Any = None,
        aspect: Aspect | None = None,
        endpoints: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(message)
        self.exchange = exchange
        self.aspect = aspect
        self.endpoints = endpoints


class RuleSkipped(Exception):
    """The application or its shop has nothing on which the rule could be tested."""


class EndpointMissing(RuleSkipped):
    """The application has no handler at an endpoint that its manifest names; another rule reports it."""


class ConfigMissing(RuleSkipped):
    """The run cannot continue without configuration values that only the seller knows."""


class RuleSeverity(str, Enum):
    """How serious a broken rule is.

    MUST: a page of the protocol says so; or, where the pages are silent, breaking the rule loses an order, doubles
    money, leaves stock or a price wrong, or tells a secret. SHOULD: it follows from a page, and breaking it does less
    harm. ADVICE: sources disagree, or it is wise.
    """

    MUST = "must"
    SHOULD = "should"
    ADVICE = "advice"


@dataclass(frozen=True)
class Rule:
    """A rule; `consequence` is what happens in Linnworks when it is broken, `source` the page it is based on."""

    id: str
    area: str
    sentence: str
    consequence: str
    source: str
    severity: RuleSeverity
    test: RuleTest
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    changes_shop: bool = False


class RuleArea:
    """A titled group of rules, tested in the order they are written."""

    def __init__(self, title: str, source: str, needs: tuple[str, ...] = (), changes_shop: bool = False) -> None:
        self.title = title
        self.source = source
        self.needs = needs
        self.changes_shop = changes_shop
        self.rules: list[Rule] = []

    def rule(
        self,
        id: str,
        severity: RuleSeverity = RuleSeverity.MUST,
        source: str = "",
        *,
        follows: bool = False,
        needs: tuple[str, ...] = (),
        after: tuple[str, ...] = (),
        changes_shop: bool = False,
    ) -> Callable[[RuleTest], RuleTest]:
        """Register a function as the test of a rule; its docstring is the sentence, then the consequence.

        A rule that `follows` from its page is not written there. The test runs only when the rules it `needs` have
        passed, and later than the rules in `after`.
        """

        def register(test: RuleTest) -> RuleTest:
            sentence, _, consequence = (test.__doc__ or id).strip().partition("\n\n")
            self.rules.append(
                Rule(
                    id=id,
                    area=self.title,
                    sentence=" ".join(sentence.split()),
                    consequence=" ".join(consequence.split()),
                    source=("follows from " if follows else "") + (source or self.source),
                    severity=severity,
                    test=test,
                    needs=self.needs + needs,
                    after=after,
                    changes_shop=self.changes_shop or changes_shop,
                )
            )
            return test

        return register
