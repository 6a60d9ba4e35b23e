"""Listings in WooCommerce: what they can have, and how they come, change and go into the bin.

A listing is made without its pictures, because WooCommerce fetches those one by one while it is being called: they
follow once the product is there, and one that cannot be fetched is a warning. The product bears the key it was
made under, so that a listing begun twice is finished instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from http import HTTPStatus
from typing import Any

from bridge.channels.base import ListingResult
from bridge.channels.woocommerce.api import AT_A_TIME, Shop, error_words, plain
from bridge.channels.woocommerce.catalogue import Target, by_sku, chunks
from bridge.channels.woocommerce.updates import price_text
from bridge.errors import ChannelRefused
from bridge.messages.listings import (
    Attribute,
    AttributeValue,
    Category,
    ChannelReference,
    ConfiguratorSettingsResponse,
    CustomerSetting,
    ExpectedType,
    FeedMessage,
    ImageCount,
    ListingImage,
    ListingRemoval,
    ProductListing,
    ProductSettings,
    ProductVariation,
    ReadFrom,
    SettingGroup,
    Severity,
    VariationsResponse,
)

KEY, PICTURES = "_linnworks_listing", "_linnworks_images"
GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
IN_A_CALL = 25  # variations made in one call: each takes the shop a twentieth of a second or more
MOST_OPTIONS = 10

SALE_PRICE = "sale_price"
MEASURES = {"weight": "Weight", "length": "Length", "width": "Width", "height": "Height"}
TEXTS = {"short_description": "Short description", "tags": "Tags, separated by commas"}


def _setting(name: str, friendly: str, description: str, *options: str) -> CustomerSetting:
    return CustomerSetting(
        group_name=SettingGroup.GENERAL,
        config_item_id=name,
        subtitle="General",
        friendly_name=friendly,
        description=description,
        expected_type=ExpectedType.LIST if options else ExpectedType.STRING,
        value_options=options,
        initial_values=options[:1],
        value_from_options_list=bool(options),
    )


SETTINGS = ConfiguratorSettingsResponse(
    settings=(
        _setting("status", "Status", "Whether new products are for sale at once", "publish", "draft", "private"),
        _setting("catalog_visibility", "Shown in", "Where shoppers see it", "visible", "catalog", "search", "hidden"),
        _setting("backorders", "Backorders", "Whether more may be ordered than there is", "no", "notify", "yes"),
        _setting("tax_class", "Tax class", "Such as reduced-rate; empty for the standard rate"),
        _setting("shipping_class", "Shipping class", "Its slug in WooCommerce; a listing's own choice comes first"),
    ),
    max_description_length=100_000,
    image_settings=ListingImage(type=ImageCount.CountMainVariantsSeparately, max_images=20, max_variant_images=1),
    max_category_count=10,
    is_custom_html_supported=True,
    is_custom_attributes_allowed=True,
    is_variations_allowed=True,
    is_price_in_variation=True,
)
OF_SETTINGS = tuple(setting.config_item_id for setting in SETTINGS.settings)


# -- what there is -------------------------------------------------------------------------------------


def categories(shop: Shop) -> list[Category]:
    """All categories, each with those above it in its name."""
    rows = {row["id"]: row for row in shop.all("products/categories", {"_fields": "id,name,parent"})}

    def path(number: int, above: tuple[int, ...] = ()) -> str:
        name, parent = plain(rows[number]["name"]), rows[number]["parent"]
        if parent not in rows or parent in above:
            return name
        return f"{path(parent, (*above, number))} > {name}"

    return [Category(category_id=number, category_name=path(number)) for number in rows]


def attributes(shop: Shop, category_ids: Sequence[str]) -> list[Attribute]:
    """What a listing can say of itself; in WooCommerce that is the same in all categories."""
    _categories(shop, category_ids)
    classes = shop.all("products/shipping_classes", {"_fields": "id,slug"})
    known = _global_attributes(shop)
    wanted = {"_fields": "id,name"}
    terms = shop.together([partial(shop.all, f"products/attributes/{row['id']}/terms", wanted) for row in known])
    return [
        Attribute(
            id=SALE_PRICE,
            friendly_name="Sale price",
            description="What it costs as long as it is on sale",
            expected_type=ExpectedType.DECIMAL,
            attribute_read_from=ReadFrom.Optional,
        ),
        *(
            Attribute(
                id=name, friendly_name=words, description="In the shop's own unit", expected_type=ExpectedType.DECIMAL
            )
            for name, words in MEASURES.items()
        ),
        *(
            Attribute(id=name, friendly_name=words, attribute_read_from=ReadFrom.Parent)
            for name, words in TEXTS.items()
        ),
        Attribute(
            id="shipping_class",
            friendly_name="Shipping class",
            description="Which of the shop's shipping classes it belongs to",
            expected_type=ExpectedType.LIST,
            value_options=tuple(row["slug"] for row in classes),
            value_from_options_list=True,
        ),
        *(
            Attribute(
                id=row["slug"],
                friendly_name=plain(row["name"]),
                description="An attribute of the shop; several values are separated by |",
                expected_type=ExpectedType.LIST if names else ExpectedType.STRING,
                value_options=tuple(plain(term["name"]) for term in names),
                attribute_read_from=ReadFrom.Parent,
            )
            for row, names in zip(known, terms, strict=True)
        ),
    ]


def variations(shop: Shop, category_ids: Sequence[str]) -> VariationsResponse:
    """Listings may vary in any way, the shop's attributes and others."""
    _categories(shop, category_ids)
    return VariationsResponse(max_variation_attributes=MOST_OPTIONS)


def _categories(shop: Shop, ids: Iterable[str]) -> list[int]:
    """Categories by their ids as Linnworks sends them back; raises ChannelRefused for one that is not there."""
    wanted = [text.strip() for text in ids if text.strip()]
    if not wanted:
        raise ChannelRefused("A category must be chosen")
    odd = [text for text in wanted if not (text.isdecimal() and len(text) < 19)]
    query = {"include": ",".join({*wanted} - {*odd}) or "0", "per_page": AT_A_TIME, "_fields": "id"}
    known = set() if odd else {str(row["id"]) for row in shop.get("products/categories", query).rows()}
    missing = [text for text in wanted if text not in known]
    if missing:
        raise ChannelRefused(f"The shop has no category {(odd or missing)[0]}")
    return [int(text) for text in wanted]


def _global_attributes(shop: Shop) -> list[dict[str, Any]]:
    return shop.get("products/attributes", {"_fields": "id,name,slug"}).rows()


# -- create, update, delete ------------------------------------------------------------------------------


def create(shop: Shop, listing: ProductListing, settings: ProductSettings, key: str) -> ListingResult:
    """Sell what is listed from now on; the same key again finds what it made before and finishes it."""
    faults = list(_faults(listing))
    if faults:
        return _failed(faults)
    category_ids = _categories(shop, listing.categories)
    found = by_sku(shop, [listing.sku, *(variation.sku for variation in listing.variations)])
    made = _made(shop, found.get(listing.sku.casefold(), ()), key)
    taken = [
        sku
        for sku, rows in found.items()
        if any(not made or row["id"] != made["id"] != row["parent_id"] for row in rows)
    ]
    if taken:
        return _failed(f"The SKU {sku} is used already" for sku in _as_written(listing, taken))
    draft = Draft(listing, settings, _global_attributes(shop))
    if made is None:
        body = {
            **draft.product(),
            **draft.for_settings(),
            "sku": listing.sku,
            "meta_data": [{"key": KEY, "value": key}],
        }
        made = shop.post("products", {**body, "categories": _ids(category_ids)}).object()
    return _finished(shop, made, draft)


def update(shop: Shop, listing: ProductListing, settings: ProductSettings) -> ListingResult:
    """Sell it as it is listed now, with the variations that are new; others stay."""
    product = _find(shop, listing.external_listing_id, listing.sku)
    if product is None:
        return _failed([f"The shop has no listing of {listing.sku}"])
    varied = bool(product["variations"])
    faults = list(_faults(listing, varied))
    if faults:
        return _failed(faults)
    category_ids = _categories(shop, listing.categories) if listing.categories else []
    mine = {product["id"], *product["variations"]}
    found = by_sku(shop, [listing.sku, *(variation.sku for variation in listing.variations)])
    taken = [sku for sku, rows in found.items() if any(row["id"] not in mine for row in rows)]
    if taken:
        return _failed(f"The SKU {sku} is used already" for sku in _as_written(listing, taken))
    draft = Draft(listing, settings, _global_attributes(shop), product["attributes"], varied)
    body = {**draft.product(), "sku": listing.sku, **({"categories": _ids(category_ids)} if category_ids else {})}
    return _finished(shop, shop.put(f"products/{product['id']}", body).object(), draft)


def delete(shop: Shop, removal: ListingRemoval) -> ListingResult:
    """Put it into the bin with all its variations; what is gone already is fine."""
    product = _find(shop, removal.external_listing_id, removal.channel_sku)
    if product is not None:
        shop.delete(f"products/{product['id']}", accept=GONE)
    return ListingResult()


def _find(shop: Shop, external_id: str, sku: str) -> dict[str, Any] | None:
    """By the listing's id; without one by its SKU. What is in the bin is not there."""
    number = external_id if external_id.isdecimal() and len(external_id) < 19 and int(external_id) else ""
    if not number:
        rows = [row for row in by_sku(shop, [sku]).get(sku.casefold(), ()) if row["type"] != "variation"]
        if len(rows) != 1:
            return None
        number = str(rows[0]["id"])
    answer = shop.get(f"products/{number}", accept=GONE)
    found = None if answer.status in GONE else answer.object()
    return None if found is None or found["status"] == "trash" else found


def _made(shop: Shop, rows: Sequence[Mapping[str, Any]], key: str) -> dict[str, Any] | None:
    """The product among these that was made under this key."""
    for row in rows:
        if row["type"] != "variation":
            product = shop.get(f"products/{row['id']}").object()
            if any(meta["key"] == KEY and meta["value"] == key for meta in product["meta_data"]):
                return product
    return None


def _finished(shop: Shop, product: Mapping[str, Any], draft: Draft) -> ListingResult:
    """The product with its variations and pictures, and what became of each."""
    path = f"products/{product['id']}"
    messages = list(_vary(shop, path, draft)) if draft.listing.variations else []
    children = shop.all(f"{path}/variations", {"_fields": "id,sku"}) if draft.varied else []
    numbers = {plain(row["sku"]).strip(): row["id"] for row in children}
    messages += _show_pictures(shop, path, product, draft, numbers)
    named = [variation.sku for variation in draft.listing.variations if variation.sku in numbers]
    references = [
        ChannelReference(sku=sku, reference=Target(product["id"], numbers[sku]).reference)
        for sku in dict.fromkeys([*named, *numbers])
        if sku
    ] or [ChannelReference(sku=plain(product["sku"]), reference=Target(product["id"]).reference)]
    return ListingResult(
        external_listing_id=str(product["id"]),
        url=str(product.get("permalink") or ""),
        references=tuple(references),
        messages=tuple(messages),
    )


def _vary(shop: Shop, path: str, draft: Draft) -> Iterator[FeedMessage]:
    """Make the variations that are new and change the others; tells of those that the shop refused."""
    known = {plain(row["sku"]).strip(): row["id"] for row in shop.all(f"{path}/variations", {"_fields": "id,sku"})}
    for chunk in chunks(draft.listing.variations, IN_A_CALL):
        new = [variation for variation in chunk if variation.sku not in known]
        old = [variation for variation in chunk if variation.sku in known]
        body = {
            "create": [{**draft.variation(variation), "sku": variation.sku} for variation in new],
            "update": [{**draft.variation(variation), "id": known[variation.sku]} for variation in old],
        }
        answer = shop.post(f"{path}/variations/batch", {name: rows for name, rows in body.items() if rows}).object()
        for variation, row in zip([*new, *old], [*answer.get("create", ()), *answer.get("update", ())], strict=True):
            if words := error_words(row.get("error")):
                yield _message(Severity.Error, f"{variation.sku}: {words}")


def _show_pictures(
    shop: Shop, path: str, product: Mapping[str, Any], draft: Draft, numbers: Mapping[str, int]
) -> Iterator[FeedMessage]:
    """Have the shop fetch the pictures that it has not fetched for this listing before."""
    urls = [image.url for image in draft.listing.images if image.url]
    shown = next((meta["value"] for meta in product["meta_data"] if meta["key"] == PICTURES), "")
    if urls and shown != "\n".join(urls):
        noted = {"meta_data": [{"key": PICTURES, "value": "\n".join(urls)}]}
        try:
            shop.put(path, {"images": [{"src": url} for url in urls], **noted})
        except ChannelRefused as refusal:
            yield _message(Severity.Warning, f"The pictures are missing: {refusal}")
    of_children: list[dict[str, Any]] = [
        {"id": numbers[variation.sku], "image": {"src": variation.images[0].url}}
        for variation in draft.listing.variations
        if variation.images and variation.images[0].url and variation.sku in numbers
    ]
    shown_children = next((meta["value"] for meta in product["meta_data"] if meta["key"] == f"{PICTURES}_children"), "")
    told = "\n".join(f"{entry['id']} {entry['image']['src']}" for entry in of_children)
    if of_children and told != shown_children:
        for chunk in chunks(of_children, IN_A_CALL):
            rows = shop.post(f"{path}/variations/batch", {"update": chunk}).object().get("update", ())
            for row in rows:
                if words := error_words(row.get("error")):
                    yield _message(Severity.Warning, f"A variation's picture is missing: {words}")
        shop.put(path, {"meta_data": [{"key": f"{PICTURES}_children", "value": told}]})


# -- how a listing looks in WooCommerce ------------------------------------------------------------------


@dataclass(frozen=True)
class Draft:
    """A listing in WooCommerce's words; `had` are attributes that the product has already, `had_variations` whether
    it has those."""

    listing: ProductListing
    settings: ProductSettings
    known: Sequence[Mapping[str, Any]]
    had: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    had_variations: bool = False

    @property
    def varied(self) -> bool:
        return bool(self.listing.variations) or self.had_variations

    def product(self) -> dict[str, Any]:
        """The product, or the parent of the variations."""
        listing = self.listing
        body = {
            "name": listing.title,
            "description": listing.description,
            "attributes": self._attributes(),
            **_plain_fields(listing.attributes),
        }
        tags = _value(listing.attributes, "tags")
        if tags:
            body["tags"] = [{"name": tag.strip()} for tag in tags.split(",") if tag.strip()]
        if self.varied:
            return {**body, **({"type": "variable"} if listing.variations else {})}
        return {**body, **_offer(listing.quantity, listing.price, listing.attributes)}

    def for_settings(self) -> dict[str, Any]:
        """What the configurator says of new products."""
        answers = {answer.id: answer.values[0] for answer in self.settings.general_settings if answer.values}
        own = _plain_fields(self.listing.attributes)
        return {name: answers[name] for name in OF_SETTINGS if answers.get(name) and name not in own}

    def variation(self, variation: ProductVariation) -> dict[str, Any]:
        """One way in which it comes."""
        options = [
            {**self._named(option.name), "option": option.value.value}
            for option in variation.option_values
            if option.name
        ]
        given = (*variation.attribute_settings, *self.listing.attributes)
        price = variation.price or self.listing.price
        return {
            "attributes": options,
            **_plain_fields(variation.attribute_settings),
            **_offer(variation.quantity, price, given),
        }

    def _named(self, name: str) -> dict[str, Any]:
        """An attribute of the shop by its id, another by its name."""
        same = (row["id"] for row in self.known if name.casefold() in (plain(row["name"]).casefold(), row["slug"]))
        return next(({"id": number} for number in same), {"name": name})

    def _attributes(self) -> list[dict[str, Any]]:
        """All attributes: those it had, with new options added, those that vary, and those that describe it."""
        merged: dict[str, dict[str, Any]] = {}

        def add(name: str, values: Iterable[str], vary: bool) -> None:
            named = self._named(name)
            entry = merged.setdefault(str(named), {**named, "visible": True, "variation": vary, "options": []})
            entry["variation"] = entry["variation"] or vary
            entry["options"] = list(dict.fromkeys([*entry["options"], *filter(None, values)]))

        for row in self.had:
            add(plain(row["name"]), map(plain, row["options"]), row["variation"])
        for variation in self.listing.variations:
            for option in variation.option_values:
                if option.name:
                    add(option.name, [option.value.value], vary=True)
        slugs = {row["slug"] for row in self.known}
        for attribute in self.listing.attributes:
            if attribute.attribute_value and (attribute.is_custom_attribute or attribute.attribute_id in slugs):
                values = [value.strip() for value in attribute.attribute_value.split("|")]
                add(attribute.attribute_id, values, vary=False)
        return list(merged.values())


def _offer(quantity: int, price: Decimal, given: Iterable[AttributeValue]) -> dict[str, Any]:
    """What something costs and how many there are."""
    sale = _value(given, SALE_PRICE)
    return {
        "regular_price": price_text("regular_price", price),
        **({"sale_price": price_text("sale_price", Decimal(sale))} if sale else {}),
        "manage_stock": True,
        "stock_quantity": quantity,
    }


def _plain_fields(given: Iterable[AttributeValue]) -> dict[str, Any]:
    """Attributes that are fields of a product."""
    values = {attribute.attribute_id: attribute.attribute_value for attribute in given if attribute.attribute_value}
    fields: dict[str, Any] = {
        name: values[name] for name in ("weight", "short_description", "shipping_class") if name in values
    }
    sizes = {name: values[name] for name in ("length", "width", "height") if name in values}
    return {**fields, **({"dimensions": sizes} if sizes else {})}


def _value(given: Iterable[AttributeValue], name: str) -> str:
    found = (one.attribute_value.strip() for one in given if one.attribute_id == name and one.attribute_value.strip())
    return next(found, "")


def _faults(listing: ProductListing, varied: bool = False) -> Iterator[str]:
    """What is wrong with a listing whatever the shop says."""
    if not listing.sku.strip():
        yield "A SKU must be specified"
    if not listing.title.strip():
        yield "A title must be specified"
    skus = [listing.sku, *(variation.sku for variation in listing.variations)]
    for sku in sorted({sku for sku in skus if skus.count(sku) > 1}):
        yield f"The SKU {sku} is used already"
    if not (varied and not listing.variations):
        prices = [variation.price or listing.price for variation in listing.variations] or [listing.price]
        if min(prices) <= 0:
            yield "The price must be above zero"
    if min([listing.quantity, *(variation.quantity for variation in listing.variations)]) < 0:
        yield "The quantity is below zero"
    for variation in listing.variations:
        if not any(option.name and option.value.value for option in variation.option_values):
            yield f"The variation {variation.sku} says of no option what it is"
    for given in (listing.attributes, *(variation.attribute_settings for variation in listing.variations)):
        for name in (SALE_PRICE, *MEASURES):
            value = _value(given, name)
            if value and not _is_amount(value):
                yield f"The {name.replace('_', ' ')} {value} is no number"


def _is_amount(text: str) -> bool:
    whole, _, part = text.partition(".")
    return (whole + part).isdecimal() and len(text) < 16 and text.isascii()


def _as_written(listing: ProductListing, folded: Iterable[str]) -> list[str]:
    skus = {sku.casefold(): sku for sku in (listing.sku, *(variation.sku for variation in listing.variations))}
    return sorted(skus.get(sku, sku) for sku in folded)


def _ids(numbers: Iterable[int]) -> list[dict[str, int]]:
    return [{"id": number} for number in numbers]


def _failed(words: Iterable[str]) -> ListingResult:
    return ListingResult(messages=tuple(_message(Severity.Error, one) for one in words))


def _message(severity: Severity, words: str) -> FeedMessage:
    return FeedMessage(type=severity, message=words)
