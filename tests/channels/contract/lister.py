"""Linnworks' listing tool, as a test uses it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from tests.linnworks import Linnworks

VALUES = {"STRING": "Something", "INT": "1", "DECIMAL": "1.5", "BOOL": "True", "DATETIME": "2025-01-31T00:00:00Z"}

_numbers = itertools.count(1)


class Lister:
    """Linnworks' listing tool: fills in listings, and has their feeds processed."""

    def __init__(self, linnworks: Linnworks, work: Callable[[], None], picture: str) -> None:
        self.picture = picture
        self.linnworks = linnworks
        self.work = work
        self.templates = itertools.count(1000)
        self.categories = linnworks.pages("GetCategoriesEndpoint", "Categories")
        self.category = str(self.categories[0]["CategoryId"])

    def attributes(self, category: str) -> Any:
        """Return the attributes of listings in a category."""
        question = {"CategoryIds": [category], "GeneralSettings": []}
        return self.linnworks("GetAttributesByCategoryEndpoint", **question)

    def variations(self, category: str) -> Any:
        """Return how listings in a category may vary."""
        question = {"CategoryIds": [category], "GeneralSettings": [], "VariationSettings": []}
        return self.linnworks("GetVariationsByCategoryEndpoint", **question)

    def listing(self, sku: str = "", **fields: Any) -> dict[str, Any]:
        """Return a listing of a simple product with all attributes that its category requires."""
        category = fields.get("Categories", [self.category])[0]
        return {
            "ConfiguratorId": 1,
            "TemplateId": next(self.templates),
            "ExternalListingId": "",
            "SKU": sku or f"NEW-{next(_numbers)}",
            "Title": "A new thing",
            "Description": "<p>It is new.</p>",
            "Quantity": 4,
            "Images": [{"Url": self.picture, "Tags": []}],
            "Price": 12.5,
            "Categories": [category],
            "ShippingMethods": [],
            "Attributes": [
                {"IsCustomAttribute": False, "AttributeID": attribute["ID"], "AttributeValue": _value(attribute)}
                for attribute in self.attributes(category)["Attributes"]
                if attribute["MustBeSpecified"] == "Required"
            ],
            "Variations": [],
            "VariationOptions": [],
            **fields,
        }

    def invalid_attribute(self) -> tuple[str, str]:
        """Return a category and an attribute that takes no free text; skip the test if the shop has none."""
        for category in self.categories:
            number = str(category["CategoryId"])
            for attribute in self.attributes(number)["Attributes"]:
                if attribute["ValueFromOptionsList"] or attribute["ExpectedType"] in ("INT", "DECIMAL"):
                    return number, attribute["ID"]
        return pytest.skip("the shop's attributes take any text")

    def needs_variations(self) -> None:
        """Skip the test if the shop says that it has no variations."""
        if not self.linnworks("GetConfiguratorSettingsEndpoint")["IsVariationsAllowed"]:
            pytest.skip("the shop says that it has no variations")

    def variable_listing(self) -> dict[str, Any]:
        """Return a listing of a product in two colours, or with another attribute that its category needs."""
        listing = self.listing()
        named = self.variations(self.category)["NeededVariations"] or [{"VariationName": "Colour"}]
        name = named[0]["VariationName"]
        variations = [self.variation(listing["SKU"], name, position, 3 + position) for position in (1, 2)]
        options = [variation["OptionValues"][0]["Value"] for variation in variations]
        return listing | {
            "Variations": variations,
            "VariationOptions": [{"Name": name, "Position": 1, "Values": options}],
        }

    def variation(self, sku: str, option: str, position: int, quantity: int) -> dict[str, Any]:
        """Return one variation."""
        value = {"Position": position, "Value": f"{option} {position}"}
        return {
            "SKU": f"{sku}-{position}",
            "Title": f"A new thing, {option} {position}",
            "Quantity": quantity,
            "Images": [],
            "Price": 10 + position,
            "OptionValues": [{"Name": option, "Position": 1, "Value": value}],
            "AttributeSettings": [],
        }

    def send(self, kind: str, *listings: Any) -> str:
        """Send ListingUpdate and return the feed's id."""
        settings = [{"ConfiguratorId": 1, "ProductSettings": {"GeneralSettings": []}}]
        answer = self.linnworks("ListingUpdateEndpoint", Type=kind, Listings=list(listings), Settings=settings)
        assert answer["Error"] is None
        return answer["ChannelFeedId"]

    def check(self, feed: str) -> Any:
        """Return the answer of CheckFeed."""
        return self.linnworks("CheckFeedEndpoint", ChannelFeedId=feed)

    def results(self, feed: str) -> list[Any]:
        """Return the results of a feed's listings after the worker has processed them."""
        self.work()
        answer = self.check(feed)
        assert answer["Error"] is None
        assert answer["IsFeedReady"] is True
        return answer["ProductFeeds"]

    def create(self, *listings: Any) -> list[Any]:
        return self.results(self.send("CREATE", *listings))

    def update(self, *listings: Any) -> list[Any]:
        return self.results(self.send("UPDATE", *listings))

    def delete(self, *removals: Any) -> list[Any]:
        answer = self.linnworks("ListingDeleteEndpoint", ExternalListingIds=list(removals))
        assert answer["Error"] is None
        return self.results(answer["ChannelFeedId"])


def _value(attribute: Any) -> str:
    return attribute["ValueOptions"][0] if attribute["ValueOptions"] else VALUES[attribute["ExpectedType"]]
