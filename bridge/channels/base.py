"""What every channel promises, whatever shop stands behind it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Generic, TypeVar

from bridge.clock import Deadline
from bridge.errors import ChannelError
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
from bridge.protocol.schemas.orders import DespatchItem, DespatchOrder, Order
from bridge.protocol.schemas.products import Price, Product, StockLevel
from bridge.settings import Settings

T = TypeVar("T")

LAST_STEP = "UserConfig"
DESPATCH_DAYS = ConfigItem(
    config_item_id="despatch_days",
    name="Days to despatch",
    description="How many days after an order it has to be sent, 0 to 30",
    group_name="Orders",
    selected_value="2",
    value_type=ValueType.INT,
    must_be_specified=True,
    reg_ex_validation="^([0-9]|[12][0-9]|30)$",
    reg_ex_error="must be a number from 0 to 30",
)
"""A question that any wizard may ask: no shop knows by when an order is due."""

Outcome = ChannelError | None
"""How one item of a batch went: None for well, else why not (ChannelUnavailable: later; ChannelRefused: never)."""


@dataclass(frozen=True)
class Step:
    """A step of the wizard: what it asks, and whether the channel verifies the answers before it goes on.

    The credentials step is the one a connection goes back to when the shop stops taking its credentials.
    """

    name: str
    title: str
    description: str
    items: tuple[ConfigItem, ...] = ()
    verify: bool = False
    credentials: bool = False


@dataclass(frozen=True)
class Page(Generic[T]):
    """Part of a longer list; `next_cursor` says where the rest begins, None that there is none.

    `as_of` is the shop's own time when the page was read, where the shop tells it.
    """

    items: Sequence[T]
    next_cursor: str | None = None
    as_of: datetime | None = None


@dataclass(frozen=True)
class ListingResult:
    """What became of a listing: where it is now, the references Products has for it, and words for the seller."""

    external_listing_id: str = ""
    url: str = ""
    references: tuple[ChannelReference, ...] = ()
    messages: tuple[FeedMessage, ...] = ()

    @classmethod
    def failed(cls, words: Iterable[str]) -> ListingResult:
        """Nothing was listed, for these reasons."""
        return cls(messages=tuple(FeedMessage(type=Severity.Error, message=one) for one in words))


class Channel(ABC):
    """A shop as the bridge sees it, opened for one connection and one request.

    Every method may raise ChannelUnavailable (nothing was done; later it may work), ChannelRefused (it will
    never work as asked), CredentialsRefused (the seller must enter them again) and, where it changes the
    shop, OutcomeUnknown (the answer was lost). Messages are written for the seller. Reads never give less
    than there is: what could not be read is an error. No method takes longer than the deadline allows.
    """

    name: ClassVar[str]
    """ChannelName in the manifest unless the operator sets another: upper case, no spaces."""
    friendly_name: ClassVar[str]
    steps: ClassVar[tuple[Step, ...]]
    """The wizard, in order; the last is named UserConfig, and its items stay editable afterwards."""
    inventory_batch_size: ClassVar[int] = 1000
    price_batch_size: ClassVar[int] = 1000
    despatch_batch_size: ClassVar[int] = 100
    listing_batch_size: ClassVar[int] = 50
    orders_page_size: ClassVar[int] = 100
    products_page_size: ClassVar[int] = 1000
    refunds_on_cancel: ClassVar[bool] = False
    """Whether a cancel may carry a refund: AllowRefundOnCancel in the manifest."""
    supports_listings: ClassVar[bool] = False

    def __init__(self, config: Mapping[str, str], deadline: Deadline, settings: Settings) -> None:
        """Open the shop with the wizard's answers by ConfigItemId, secrets among them; does no I/O."""
        self.config = config
        self.deadline = deadline
        self.settings = settings

    # -- set-up ----------------------------------------------------------------------------------------

    def step(self, name: str) -> Step:
        """The wizard's step of that name; a channel may fill in choices that the shop knows."""
        return next(step for step in self.steps if step.name == name)

    @abstractmethod
    def verify(self, step: str) -> None:
        """Try out what was entered in a step that asks for it; the words of a refusal are shown to the seller."""

    @abstractmethod
    def check(self) -> None:
        """Raise if the connection would not work just now."""

    @abstractmethod
    def shipping_tags(self) -> Sequence[Tag]:
        """The ways to ship that orders name in MatchPostalServiceTag."""

    @abstractmethod
    def payment_tags(self) -> Sequence[Tag]:
        """The ways to pay that orders name in MatchPaymentMethodTag."""

    # -- orders ----------------------------------------------------------------------------------------

    @abstractmethod
    def orders(self, since: datetime, cursor: str | None) -> Page[Order]:
        """Orders last changed at or after `since`, in an order that edits, new and vanished orders cannot shift."""

    @abstractmethod
    def order(self, reference: str) -> Order | None:
        """The order of that ReferenceNumber as it is now; None where the shop has none."""

    @abstractmethod
    def despatch(self, order: DespatchOrder, key: str) -> None:
        """Mark a part or all of an order as sent; refuses unknown lines and more than was ordered.

        `key` identifies this despatch: the same key again changes nothing. No items: the whole order.
        """

    # -- after the sale --------------------------------------------------------------------------------

    @abstractmethod
    def post_sale_options(self) -> PostSaleOptionsResponse:
        """What `cancel` and `refund` really can do."""

    @abstractmethod
    def cancel(self, cancellation: Cancellation, key: str) -> None:
        """Cancel an order or lines of it; the same key again changes nothing."""

    @abstractmethod
    def refund(self, refund: Refund, key: str) -> str:
        """Give money back; the shop's reference of the refund. The same key again changes nothing."""

    @abstractmethod
    def find_result(self, kind: str, reference: str, key: str) -> str | None:
        """The answer to a despatch, cancel or refund that the shop has done under this key; None if it has not.

        `kind` is "despatch", "cancel" or "refund", `reference` the order's ReferenceNumber.
        """

    # -- products --------------------------------------------------------------------------------------

    @abstractmethod
    def products(self, cursor: str | None) -> Page[Product]:
        """Products that have a SKU and a real quantity, in an order that changes of the catalogue cannot shift."""

    @abstractmethod
    def set_stock(self, levels: Sequence[StockLevel]) -> Sequence[Outcome]:
        """Set available quantities; one outcome for each level, in order. May be repeated."""

    @abstractmethod
    def set_prices(self, prices: Sequence[Price]) -> Sequence[Outcome]:
        """Set prices; one outcome for each, in order. May be repeated."""

    # -- listings, for channels that support them ------------------------------------------------------

    @classmethod
    def configurator_settings(cls) -> ConfiguratorSettingsResponse:
        """What a listing can have, the same for every connection."""
        return ConfiguratorSettingsResponse()

    def categories(self, cursor: str | None) -> Page[Category]:
        """The shop's categories."""
        return Page(())

    def attributes(self, question: CategoryQuestion) -> Sequence[Attribute]:
        """The attributes that listings in these categories have."""
        return ()

    def variations(self, question: CategoryQuestion) -> VariationsResponse:
        """How listings in these categories may vary."""
        return VariationsResponse()

    def create_listing(self, listing: ProductListing, settings: ProductSettings, key: str) -> ListingResult:
        """Put a listing into the shop; the same key again gives the same listing."""
        raise NotImplementedError

    def update_listing(self, listing: ProductListing, settings: ProductSettings, key: str) -> ListingResult:
        """Change a listing that is in the shop. May be repeated."""
        raise NotImplementedError

    def delete_listing(self, removal: ListingRemoval, key: str) -> ListingResult:
        """Take a listing out of the shop; one that is gone already is no error."""
        raise NotImplementedError


def despatched_items(order: DespatchOrder) -> Sequence[DespatchItem]:
    """What was sent: the order's items, or those of its packages where only these name any; none: all of it."""
    return order.items or [item for package in order.packages for item in package.items]
