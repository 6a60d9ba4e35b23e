"""The interface of channels: what each method promises, for every shop."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Generic, TypeVar

from bridge.clock import Deadline
from bridge.errors import ChannelError, ChannelRefused
from bridge.protocol.schemas.after_sale import Cancellation, PostSaleOptionsResponse, Refund
from bridge.protocol.schemas.config import ConfigItem, Tag, ValueType
from bridge.protocol.schemas.listings import (
    Attribute,
    Category,
    CategoryQuestion,
    ChannelReference,
    ConfiguratorSettingsResponse,
    FeedMessage,
    ListingRemoval,
    ProductListing,
    ProductSettings,
    Severity,
    VariationsResponse,
)
from bridge.protocol.schemas.orders import Order
from bridge.protocol.schemas.products import Price, Product, StockLevel
from bridge.settings import Settings

T = TypeVar("T")

LAST_STEP = "UserConfig"
DESPATCH_DAYS = ConfigItem(
    config_item_id="despatch_days",
    name="Days to despatch",
    description="How many days after it was placed an order must be sent, 0 to 30",
    group_name="Orders",
    selected_value="2",
    value_type=ValueType.INT,
    must_be_specified=True,
    reg_ex_validation="^([0-9]|[12][0-9]|30)$",
    reg_ex_error="must be a number from 0 to 30",
)
"""A question for any channel's wizard, because shops do not know when an order is due."""

Outcome = ChannelError | None
"""The result of one item of a batch: None for success, ChannelUnavailable for later, ChannelRefused for never."""


@dataclass(frozen=True)
class Step:
    """A step of the wizard: its questions, and whether the channel verifies the answers before the next step.

    A connection returns to the credentials step when the shop no longer accepts its credentials.
    """

    name: str
    title: str
    description: str
    items: tuple[ConfigItem, ...] = ()
    verify: bool = False
    credentials: bool = False


@dataclass(frozen=True)
class Page(Generic[T]):
    """A part of a longer list; `next_cursor` is where the next part begins, None after the last part.

    `as_of` is the shop's own time when the page was read, None if the shop does not say.
    """

    items: Sequence[T]
    next_cursor: str | None = None
    as_of: datetime | None = None


@dataclass(frozen=True)
class ListingResult:
    """The result for a listing: its id and URL, the references that Products gives it, and messages for the seller."""

    external_listing_id: str = ""
    url: str = ""
    references: tuple[ChannelReference, ...] = ()
    messages: tuple[FeedMessage, ...] = ()

    @classmethod
    def failed(cls, reasons: Iterable[str]) -> ListingResult:
        """Return the result for a listing that was not listed, for these reasons."""
        return cls(messages=tuple(FeedMessage(type=Severity.Error, message=reason) for reason in reasons))


UNNAMED = ("NONE", "DEFAULT")
"""What Linnworks sends as the name of no vendor or method."""


@dataclass(frozen=True)
class Tracking:
    """How a parcel can be followed; vendor and method are as Linnworks names them.

    Where a despatch has neither number nor link it may still name its carrier.
    """

    number: str
    vendor: str = ""
    method: str = ""
    link: str = ""

    @property
    def carrier(self) -> str:
        """The names of vendor and method, "" if Linnworks names none."""
        names = (name.strip() for name in (self.vendor, self.method))
        return " ".join(name for name in names if name and name.upper() not in UNNAMED)


@dataclass(frozen=True)
class Parcel:
    """What goes out now: pieces by OrderLineNumber, never more than are left of a line.

    Without pieces its tracking is added to what went before, in place of the numbers that it `replaces`. `earlier` are
    the keys of the despatches that it is about, and `note` tells the shop's owner what was left out.
    """

    reference: str
    pieces: Mapping[str, int]
    tracking: tuple[Tracking, ...] = ()
    processed_on: datetime | None = None
    replaces: tuple[str, ...] = ()
    earlier: tuple[str, ...] = ()
    note: str = ""

    @property
    def tracking_numbers(self) -> tuple[str, ...]:
        """The tracking numbers, without those that are empty."""
        return tuple(one.number for one in self.tracking if one.number)


@dataclass(frozen=True)
class LineState:
    """What the shop knows of an order line.

    A service is not despatched. `cancelled` counts pieces that are not to be sent any more; a refund made by hand does
    not reduce them. `restocked` counts the pieces that the shop has taken back into its stock.
    """

    number: str
    """The OrderLineNumber."""
    sku: str
    ordered: int
    shipped: int = 0
    cancelled: int = 0
    refunded: Decimal = Decimal(0)
    restocked: int = 0
    is_service: bool = False


@dataclass(frozen=True)
class ShopAction:
    """A despatch, cancel or refund that the shop has a record of; what was done by hand has no key.

    One of several calls is listed from its first call on: `find_result` says whether it is complete.

    Pieces and amounts are by OrderLineNumber. `amount` is all the money of a refund, with what belongs to no line.
    """

    kind: str
    key: str = ""
    at: datetime | None = None
    """When it was done, by the shop's clock; None if the shop does not know."""
    pieces: Mapping[str, int] = field(default_factory=dict)
    tracking_numbers: tuple[str, ...] = ()
    processed_on: datetime | None = None
    replaces: tuple[str, ...] = ()
    earlier: tuple[str, ...] = ()
    """`processed_on`, `replaces` and `earlier` are those of the parcel that was despatched under the key."""
    amounts: Mapping[str, Decimal] = field(default_factory=dict)
    shipping_amount: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    result: str = ""
    """The reference of a refund."""


@dataclass(frozen=True)
class OrderState:
    """What the shop knows of an order: its lines, and what was done to them, oldest first."""

    reference: str
    lines: Sequence[LineState]
    actions: Sequence[ShopAction] = ()
    cancelled: bool = False
    """Whether the whole order is cancelled."""
    refunded: Decimal = Decimal(0)
    as_of: datetime | None = None
    """The shop's own time when it was read, None if the shop does not say."""

    def actions_of(self, kind: str) -> list[ShopAction]:
        """Return the despatches, cancels or refunds."""
        return [action for action in self.actions if action.kind == kind]


class Channel(ABC):
    """A shop, opened for one connection and one request.

    Every method may raise ChannelUnavailable (nothing was done; it may work later), ChannelRefused (it will never
    work as asked), CredentialsRefused (the seller must enter them again) and, if it changes the shop,
    OutcomeUnknown (the answer was lost). Messages are written for the seller. A read returns everything or raises
    an error. No method takes longer than the deadline allows.
    """

    name: ClassVar[str]
    """ChannelName in the manifest unless the operator sets another: upper case, no spaces."""
    friendly_name: ClassVar[str]
    steps: ClassVar[tuple[Step, ...]]
    """The wizard's steps in order; the last is named UserConfig, and its items stay editable afterwards."""
    inventory_batch_size: ClassVar[int] = 1000
    price_batch_size: ClassVar[int] = 1000
    despatch_batch_size: ClassVar[int] = 100
    listing_batch_size: ClassVar[int] = 50
    refunds_on_cancel: ClassVar[bool] = False
    """Whether a cancel may carry a refund: AllowRefundOnCancel in the manifest."""
    supports_listings: ClassVar[bool] = False
    omissions: ClassVar[tuple[str, ...]] = ()
    """What the shop has and the channel's lists leave out, in words for its owner; otherwise they are complete."""

    def __init__(self, config: Mapping[str, str], deadline: Deadline, settings: Settings) -> None:
        """Open the shop with the wizard's answers by ConfigItemId, secrets included; does no I/O."""
        self.config = config
        self.deadline = deadline
        self.settings = settings

    # -- set-up ----------------------------------------------------------------------------------------

    @classmethod
    def credentials_step(cls) -> Step:
        """Return the step that asks for the shop's credentials; the first step if none does."""
        return next((step for step in cls.steps if step.credentials), cls.steps[0])

    @property
    def shop_identity(self) -> Sequence[str]:
        """What tells this shop from every other one: its address or name, but not its key; does no I/O.

        By default that is every answer of the credentials step that is no PASSWORD. When it changes, nothing that was
        stored about the shop before counts for this one.
        """
        items = self.credentials_step().items
        return [self.config.get(item.config_item_id, "") for item in items if item.value_type is not ValueType.PASSWORD]

    def step(self, name: str) -> Step:
        """Return the wizard's step with this name; a channel may add choices and questions that the shop offers.

        Ask the shop by `helpers.cached`, because Linnworks asks often. An added question is no PASSWORD, which would
        not be sealed, and has no default filled in.
        """
        return next(step for step in self.steps if step.name == name)

    def verify(self, step: str) -> None:
        """Check the answers of a step declared with `verify`; the message of an error is shown to the seller."""
        self.check()

    @abstractmethod
    def check(self) -> None:
        """Raise an error if the connection does not work now."""

    @abstractmethod
    def shipping_tags(self) -> Sequence[Tag]:
        """Return the shipping methods that orders name in MatchPostalServiceTag.

        Every order names one of them, for example "No shipping" if nothing is sent.
        """

    @abstractmethod
    def payment_tags(self) -> Sequence[Tag]:
        """Return the payment methods that orders name in MatchPaymentMethodTag.

        Every order names one of them, for example "No payment yet" if it has no payment.
        """

    def version(self) -> str:
        """Return the shop's software with its version, for support; "" if it does not tell."""
        return ""

    # -- orders ----------------------------------------------------------------------------------------

    @abstractmethod
    def orders(self, since: datetime, cursor: str | None) -> Page[Order]:
        """Return orders that changed at or after `since`, sorted so that edited, new and deleted orders shift none.

        An order has changed when anything that Linnworks is told of it has changed: it was placed, edited, paid,
        cancelled, refunded or despatched, by the customer, the owner, the payment provider or the bridge. This holds
        even if the shop's own modification date did not move.
        """

    @abstractmethod
    def order(self, reference: str) -> Order | None:
        """Return the order with this ReferenceNumber as it is now, or None if the shop has none."""

    def reference_of(self, number: str) -> str | None:
        """Return the ReferenceNumber of the order that its customer knows by this number, without # and blanks.

        None if the shop has none, or cannot be asked that.
        """
        return None

    @abstractmethod
    def order_state(self, reference: str) -> OrderState | None:
        """Return what the shop knows of an order's lines and of the actions on it, each with the key it was done under.

        None if the shop has no such order.
        """

    @abstractmethod
    def despatch(self, parcel: Parcel, key: str) -> None:
        """Mark the pieces of a parcel as sent and tell the customer its tracking; or add or correct tracking numbers.

        The same key again changes nothing, or completes a despatch of several calls that stopped half-way. A parcel
        without pieces leaves the order's status as it is.
        """

    # -- after the sale --------------------------------------------------------------------------------

    def post_sale_options(self) -> PostSaleOptionsResponse:
        """Return what `cancel` and `refund` can do; by default nothing.

        `automatic_refund_on_cancel` says that the cancel of a whole paid order refunds all of it: Linnworks records
        that refund. False says that it refunds nothing.
        """
        return PostSaleOptionsResponse()

    def cancel(self, cancellation: Cancellation, key: str) -> None:
        """Cancel an order or some of its lines.

        The same key again changes nothing, or completes a cancel of several calls that stopped half-way.
        """
        raise ChannelRefused("Orders of this shop are cancelled in the shop itself")

    def refund(self, refund: Refund, key: str) -> str:
        """Refund money and return the shop's reference of the refund.

        The same key again changes nothing, or completes a refund of several calls that stopped half-way.
        """
        raise ChannelRefused("Orders of this shop are refunded in the shop itself")

    def find_result(self, kind: str, reference: str, key: str) -> str | None:
        """Return the result of an action that the shop has completed under this key, or None if it has not.

        `kind` is "despatch", "cancel" or "refund"; `reference` is the order's ReferenceNumber. By default it is what
        `order_state` has under the key. A channel with actions of several calls overrides it: one that stopped half-way
        has not been completed, and with None it is asked for again under the same key.
        """
        state = self.order_state(reference)
        found = (action.result for action in (state.actions_of(kind) if state else ()) if action.key == key)
        return next(found, None)

    def is_settled(self, kind: str, reference: str, key: str) -> bool:
        """Return whether the shop is known not to be working on an action for which `find_result` was None.

        Such a one is gone on with at once; otherwise the shop is given its time first.
        """
        return False

    # -- products --------------------------------------------------------------------------------------

    @abstractmethod
    def products(self, cursor: str | None) -> Page[Product]:
        """Return products with a SKU and their quantity, sorted so that changes of the catalogue shift none.

        What the shop does not count has the quantity 0.
        """

    @abstractmethod
    def set_stock(self, levels: Sequence[StockLevel]) -> Sequence[Outcome]:
        """Set available quantities and return one outcome for each level, in order. May be repeated.

        No quantity is below zero, and each SKU comes once.
        """

    @abstractmethod
    def set_prices(self, prices: Sequence[Price]) -> Sequence[Outcome]:
        """Set prices and return one outcome for each, in order; an unknown tag is refused. May be repeated.

        No price is below zero, and each SKU and tag comes once. All other prices of a product stay as they are, those
        in other currencies too.
        """

    # -- listings, for channels that support them ------------------------------------------------------

    @classmethod
    def configurator_settings(cls) -> ConfiguratorSettingsResponse:
        """Return what a listing can have, the same for every connection."""
        return ConfiguratorSettingsResponse()

    def categories(self, cursor: str | None) -> Page[Category]:
        """Return the shop's categories."""
        return Page(())

    def attributes(self, question: CategoryQuestion) -> Sequence[Attribute]:
        """Return the attributes of listings in these categories."""
        return ()

    def variations(self, question: CategoryQuestion) -> VariationsResponse:
        """Return how listings in these categories may vary."""
        return VariationsResponse()

    def create_listing(self, listing: ProductListing, settings: ProductSettings, key: str) -> ListingResult:
        """Create a listing in the shop; the same key again returns the same listing, completed if it was half made.

        `key` is the same in every feed: it stands for the connection, the template and the SKU. Asked again, the
        listing gets the content but not the price and stock, which may be older than the shop's. One that was deleted
        is created anew or restored as if it were new. `external_listing_id` is the id that an earlier request with the
        same template and SKU was given, "" if none is known: the product may have another SKU in the shop by now.
        """
        raise NotImplementedError

    def update_listing(self, listing: ProductListing, settings: ProductSettings, key: str) -> ListingResult:
        """Change a listing in the shop as it was asked to be, and warn of what was not done. May be repeated.

        Variations that the listing does not name any more come off sale; `settings` count as in a new listing.
        """
        raise NotImplementedError

    def delete_listing(self, removal: ListingRemoval, key: str) -> ListingResult:
        """Delete a listing from the shop; one that does not exist is no error.

        Nothing is deleted, which is an error, if the id and the SKU do not lead to the same listing.
        """
        raise NotImplementedError
