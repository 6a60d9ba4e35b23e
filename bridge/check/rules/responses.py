"""Rules about every response of the run."""

from __future__ import annotations

from collections import Counter

from bridge.check.context import CheckContext
from bridge.check.response_schemas import RESPONSE_SCHEMAS
from bridge.check.rule import RuleArea, RuleFailed, RuleSeverity, RuleSkipped
from bridge.check.schema import Aspect
from bridge.check.wording import summarize

area = RuleArea("Every response", "endpoints-general")
SEEN = ("CFG-08", "CFG-12", "CFG-13", "CFG-14", "PRD-01", "ORD-01", "PSO-01", "LST-01", "REF-03")
"""The rules whose calls have to be made before there are responses to judge."""
MAX_LISTED = 8
WRITTEN = ("STK-08", "STK-09", "DSP-04", "DSP-09")

ORDERS = ("Orders", "Despatch")
BATCHES = ("Despatch", "InventoryUpdate", "PriceUpdate")
POST_SALE = ("Cancel", "Refund", "PostSaleOptions")
PRODUCTS = ("Products", "InventoryUpdate", "PriceUpdate")
LISTINGS = tuple(name for name in RESPONSE_SCHEMAS if name.startswith(("Get", "Listing", "CheckFeed")))
CONFIGURATION = tuple(RESPONSE_SCHEMAS.keys() - {*ORDERS, *POST_SALE, *PRODUCTS, *LISTINGS})


@area.rule("ANS-01", source="channel-integration", after=SEEN)
def status(context: CheckContext) -> None:
    """Every response to a request that Linnworks may send has status 200, also with an Error.

    Linnworks may disable the customer's integration automatically because of another status.
    """
    statuses = context.client.statuses
    wrong = Counter((one.endpoint, one.status) for one in statuses if one.status != 200)
    if wrong:
        listed = ", ".join(
            f"{name} {f'status {code}' if code else 'no response'} ({count})"
            for (name, code), count in wrong.most_common(MAX_LISTED)
        )
        more = f", and {len(wrong) - MAX_LISTED} more" if len(wrong) > MAX_LISTED else ""
        message = f"{wrong.total()} of {len(statuses)} requests did not get status 200: {listed}{more}"
        if len(statuses) > 1 and not statuses[-1].status and not statuses[-2].status:
            message = f"the last requests got no response, as after a crash of the application; {message}"
        shown = next(one.exchange for one in statuses if one.status != 200)
        location = shown.response_headers.get("Location") if shown else None
        if location:
            message = f"Linnworks follows no redirect, as the one to {location[:100]}; {message}"
        raise RuleFailed(message, shown, Aspect.STATUS, frozenset(name for name, _ in wrong))


@area.rule("ANS-02", after=SEEN)
def content_length(context: CheckContext) -> None:
    """Every response has its correct Content-Length.

    Linnworks does not read streams: it may not read a response without its length.
    """
    _require_none(context, Aspect.LENGTH)


@area.rule("ANS-03", after=SEEN)
def not_chunked(context: CheckContext) -> None:
    """No response is sent in chunks.

    Linnworks does not read streams.
    """
    _require_none(context, Aspect.CHUNKED)


@area.rule("ANS-04", source="channel-integration", after=SEEN)
def json_objects(context: CheckContext) -> None:
    """Every response is a JSON object in UTF-8.

    Linnworks may disable the customer's integration automatically because of an unreadable response.
    """
    _require_none(context, Aspect.JSON)


@area.rule("ANS-05", RuleSeverity.ADVICE, "ep:add-new-user-endpoint", after=SEEN)
def error_key(context: CheckContext) -> None:
    """Every response has an Error, "" or null on success.

    Without it a success looks the same as a response that lost its error, as in the C# sample.
    """
    _require_none(context, Aspect.ERROR_KEY)


@area.rule("ANS-06", after=SEEN)
def in_time(context: CheckContext) -> None:
    """Every response arrives within 10 seconds.

    Linnworks then drops the connection, and sends the same request again later.
    """
    _require_none(context, Aspect.TIME)


@area.rule("ANS-07", source="ep:user-config, ep:save-config, ep:shipping-tags, ep:payment-tags", after=SEEN)
def configuration_responses(context: CheckContext) -> None:
    """Configuration responses have the required names, with readable values.

    A missing or unreadable value fails the call: the customer cannot finish the wizard.
    """
    _require_none(context, Aspect.SHAPE, CONFIGURATION)


@area.rule("ANS-08", source="ep:orders, ep:despatch", after=(*SEEN, *WRITTEN))
def order_responses(context: CheckContext) -> None:
    """Order responses have the required names, with readable values.

    One unreadable value loses the whole page of orders.
    """
    _require_none(context, Aspect.SHAPE, ORDERS)


@area.rule("ANS-09", source="ep:cancel, ep:refund, ep:post-sale-options", after=(*SEEN, "PSO-10"))
def post_sale_responses(context: CheckContext) -> None:
    """Post-sale responses have the required names, with readable values.

    The customer sees that the cancellation or refund failed, whatever the shop did.
    """
    _require_none(context, Aspect.SHAPE, POST_SALE)


@area.rule("ANS-10", source="ep:products, ep:inventory-update, ep:price-update", after=(*SEEN, *WRITTEN))
def product_responses(context: CheckContext) -> None:
    """Product responses have the required names, with readable values.

    One unreadable value loses the whole page of products, or the whole update.
    """
    _require_none(context, Aspect.SHAPE, PRODUCTS)


@area.rule("ANS-11", source="listings-on-a-channel-integration", after=(*SEEN, "LST-04", "LST-05", "LST-11"))
def listing_responses(context: CheckContext) -> None:
    """Listing responses have the required names, with readable values.

    The customer cannot create a configurator, or never sees the result of a listing.
    """
    _require_none(context, Aspect.SHAPE, LISTINGS)


@area.rule("ANS-12", source="ep:user-config", after=SEEN)
def unique_item_ids(context: CheckContext) -> None:
    """The items of every wizard step have unique ids.

    The value of one of two items with the same id is lost.
    """
    _require_none(context, Aspect.ITEM_IDS)


@area.rule("ANS-13", source="ep:user-config", follows=True, after=("CFG-10",))
def no_passwords(context: CheckContext) -> None:
    """No response contains a password that was typed into the wizard.

    Anyone who opens the settings or the error log in Linnworks can read the shop's credentials.
    """
    if not context.client.typed_passwords:
        raise RuleSkipped("the wizard asks for no password")
    leaks = context.client.password_leaks
    if leaks:
        raise RuleFailed(f"a password was returned by {', '.join(sorted({name for name, _ in leaks}))}", leaks[0][1])


@area.rule("ANS-22", source="endpoints-general", follows=True, after=SEEN)
def no_foreign_tokens(context: CheckContext) -> None:
    """No response contains the token of another integration.

    The token is the only protection of an integration: who reads it in an Error reads and changes another's shop.
    """
    leaks = context.client.token_leaks
    if leaks:
        names = ", ".join(sorted({name for name, _ in leaks}))
        raise RuleFailed(f"a token that was not sent was returned by {names}", leaks[0][1])


@area.rule("ANS-14", source="ep:shipping-tags, ep:products", after=SEEN)
def maximum_lengths(context: CheckContext) -> None:
    """No Tag is longer than 64 characters, no FriendlyName than 255, no Site than 25, no Reference than 64.

    A longer text cannot be stored: the tag cannot be mapped, the product gets no stock.
    """
    _require_none(context, Aspect.MAX_LENGTH)


@area.rule("ANS-15", source="ep:inventory-update, ep:price-update, ep:despatch", after=WRITTEN, changes_shop=True)
def a_row_for_every_item(context: CheckContext) -> None:
    """Every SKU and every order of a batch has a row in the response, also on success.

    A missing SKU counts as deleted: later updates leave it out. A missing order is never confirmed as despatched.
    """
    if context.client.succeeded.isdisjoint(BATCHES):
        raise RuleSkipped("no batch was answered")
    if context.missing_rows:
        raise RuleFailed(summarize(map(str, context.missing_rows)), context.missing_rows[0].exchange)


@area.rule("ANS-16", RuleSeverity.SHOULD, after=SEEN)
def types(context: CheckContext) -> None:
    """Values have the documented type, and none is missing that a reader would have to guess.

    Only a lenient reader accepts a number as text, or a text as number.
    """
    _require_none(context, Aspect.TYPE)


@area.rule("ANS-17", RuleSeverity.ADVICE, after=SEEN)
def names(context: CheckContext) -> None:
    """Names are spelt as in the protocol, and there are no others.

    The pages require exact names; only Linnworks' own sample shows that it reads them in any case.
    """
    _require_none(context, Aspect.NAME)


@area.rule("ANS-18", RuleSeverity.ADVICE, after=SEEN)
def forms(context: CheckContext) -> None:
    """Dates, enums and empty arrays have the form that most sources agree on.

    Other forms have been seen to work, without any guarantee.
    """
    _require_none(context, Aspect.FORM)


@area.rule("ANS-19", RuleSeverity.ADVICE, "ep:products", after=SEEN)
def error_defaults(context: CheckContext) -> None:
    """A response with an Error has empty arrays, and HasMorePages false if it has one.

    A reader that does not look at the Error first requests the next page, endlessly.
    """
    _require_none(context, Aspect.ERROR_DEFAULTS)


@area.rule("ANS-20", RuleSeverity.SHOULD, "ep:user-config", after=SEEN)
def list_values(context: CheckContext) -> None:
    """A wizard item of the type list offers values, and the selected one is among them.

    A selection that is not offered is lost when the step is saved.
    """
    _require_none(context, Aspect.LIST_VALUES)


@area.rule("ANS-21", RuleSeverity.SHOULD, "ep:user-config", after=(*SEEN, "LST-04"))
def patterns(context: CheckContext) -> None:
    """A RegExValidation is a regular expression, without slashes around it.

    Linnworks checks what the customer types with it: no value is accepted, or every one.
    """
    _require_none(context, Aspect.PATTERN)


MISSING_ROWS = "ANS-15"
ALWAYS = tuple(rule.id for rule in area.rules if rule.id not in ("ANS-13", MISSING_ROWS))
"""The rules that apply to the responses of every mode."""


def _require_none(context: CheckContext, aspect: Aspect, endpoints: tuple[str, ...] | None = None) -> None:
    if endpoints and not any(name in context.client.answered for name in endpoints):
        raise RuleSkipped(f"there is no response of {', '.join(sorted(endpoints))}")
    violations = [
        violation
        for violation in context.client.violations
        if violation.aspect is aspect and (endpoints is None or violation.endpoint in endpoints)
    ]
    if violations:
        names = frozenset(violation.endpoint for violation in violations)
        unusable = aspect if aspect in (Aspect.JSON, Aspect.TIME) else None
        message = summarize(violation.message for violation in violations)
        raise RuleFailed(message, violations[0].exchange, unusable, names if unusable else frozenset())
