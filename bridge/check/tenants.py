"""Two integrations side by side: what tells them apart, and whether that stays so through the whole run."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

from bridge.check import wizard
from bridge.check.context import CheckContext, now
from bridge.check.integration import Integration
from bridge.check.response import EndpointResponse, format_time, string
from bridge.check.rule import RuleFailed, RuleSkipped

READING_CALLS = ("ShippingTags", "PostSaleOptions", "ConfigTest")


@dataclass
class Tenants:
    """What UserConfig shows of the first and the second integration, and how they were mixed up later."""

    first: dict[str, str] = field(default_factory=dict)
    second: dict[str, str] = field(default_factory=dict)
    problems: list[RuleFailed] = field(default_factory=list)


def foreign_name(context: CheckContext, integration: Integration, response: EndpointResponse) -> str:
    """Return the AccountName in a response when it is another integration's.

    A name that no integration has is the same for all of them: another rule reports it, and it mixes nothing up.
    """
    shown = response.string("AccountName")
    others = {other.name for other in (context.first, context.second, context.spare)} - {integration.name}
    return shown if shown in others else ""


def marks(response: EndpointResponse) -> dict[str, str]:
    """Return what can tell integrations apart in a response of UserConfig: the step, and the values of its items."""
    values = {
        f"item {string(item.get('ConfigItemId'))}": string(item.get("SelectedValue"))
        for item in response.rows("ConfigItems")
    }
    return {"step": response.string("StepName"), **values}


def require_difference(context: CheckContext, responses: list[EndpointResponse]) -> None:
    """Raise RuleSkipped when nothing in these responses of UserConfig tells the integrations apart."""
    names = {response.string("AccountName") for response in responses}
    if len(names) == 1 and all(marks(response) == marks(responses[0]) for response in responses):
        raise RuleSkipped("all integrations have the same AccountName, step and settings")


def start(context: CheckContext) -> None:
    """Remember what UserConfig shows of both integrations, from now on to be found unchanged."""
    first = wizard.load(context, context.first).require_success()
    second = wizard.load(context, context.second).require_success()
    require_difference(context, [first, second])
    context.tenants = Tenants(marks(first), marks(second))


def probe(context: CheckContext) -> None:
    """Let the second integration make its calls, and record when one integration then shows what is the other's."""
    tenants = context.tenants
    if tenants is None or tenants.problems:
        return
    try:
        _act(context, context.second)
        _require_own(context, context.first, tenants.first, tenants.second)
        _require_own(context, context.second, tenants.second, tenants.first)
    except RuleFailed as failure:
        if failure.aspect is None:  # an unusable response is another rule's matter
            tenants.problems.append(failure)
    except RuleSkipped:
        pass


def _act(context: CheckContext, integration: Integration) -> None:
    """Make the calls of one integration; whether they succeed is judged elsewhere."""
    with suppress(RuleFailed, RuleSkipped):
        context.client.call("Orders", integration.token, UTCTimeFrom=format_time(now()), PageNumber=1)
    with suppress(RuleFailed, RuleSkipped):
        for name in READING_CALLS:
            if context.client.has_handler(name):
                context.client.call(name, integration.token)
        rows = [product.update_row("Quantity", product.stock_level) for product in context.products[:1]]
        if rows and not context.read_only:
            context.client.call("InventoryUpdate", integration.token, Products=[{**rows[0], "SKU": "no-such-sku"}])


def _require_own(context: CheckContext, integration: Integration, own: dict[str, str], other: dict[str, str]) -> None:
    response = context.client.call("UserConfig", integration.token).require_success()
    if name := foreign_name(context, integration, response):
        raise RuleFailed(f"the token of {integration.name} now shows the AccountName {name}", response.exchange)
    shown = marks(response)
    for mark, value in own.items():
        if other.get(mark, value) != value and shown.get(mark) == other[mark]:
            message = f"the {mark} of {integration.name} now shows {other[mark]!r}, which is the other integration's"
            raise RuleFailed(message, response.exchange)
