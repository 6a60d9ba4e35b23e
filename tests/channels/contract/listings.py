from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from bridge.clock import EPOCH
from bridge.store.feeds import FeedItem
from tests.channels.contract.shop import Suite
from tests.linnworks import Linnworks

ERROR = 1
VALUES = {"STRING": "Something", "INT": "1", "DECIMAL": "1.5", "BOOL": "True", "DATETIME": "2025-01-31T00:00:00Z"}

_numbers = itertools.count(1)


class Lister:
    """Linnworks' listing tool as a test plays it: fills in listings and sees their feeds through."""

    def __init__(self, linnworks: Linnworks, work: Callable[[], None], picture: str) -> None:
        self.picture = picture
        self.linnworks = linnworks
        self.work = work
        self.templates = itertools.count(1000)
        self.categories = linnworks.pages("GetCategoriesEndpoint", "Categories")
        self.category = str(self.categories[0]["CategoryId"])

    def attributes(self, category: str) -> Any:
        """What listings in a category say of themselves."""
        question = {"CategoryIds": [category], "GeneralSettings": []}
        return self.linnworks("GetAttributesByCategoryEndpoint", **question)

    def variations(self, category: str) -> Any:
        """How listings in a category may vary."""
        question = {"CategoryIds": [category], "GeneralSettings": [], "VariationSettings": []}
        return self.linnworks("GetVariationsByCategoryEndpoint", **question)

    def listing(self, sku: str = "", **fields: Any) -> dict[str, Any]:
        """A listing of a simple product with all that its category requires."""
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

    def variable_listing(self) -> dict[str, Any]:
        """A listing of something that comes in two colours, or whatever its category calls it."""
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
        """One way in which something comes."""
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
        """ListingUpdate; the feed's id."""
        settings = [{"ConfiguratorId": 1, "ProductSettings": {"GeneralSettings": []}}]
        answer = self.linnworks("ListingUpdateEndpoint", Type=kind, Listings=list(listings), Settings=settings)
        assert answer["Error"] is None
        return answer["ChannelFeedId"]

    def check(self, feed: str) -> Any:
        """CheckFeed as it stands."""
        return self.linnworks("CheckFeedEndpoint", ChannelFeedId=feed)

    def results(self, feed: str) -> list[Any]:
        """What became of the listings of a feed once the worker has done them."""
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


class ListingsContract(Suite):
    """Listings of Linnworks come, change and go in the shop, and their feeds tell the truth."""

    @pytest.fixture
    def lister(self, linnworks, work, shop) -> Lister:
        return Lister(linnworks, work, shop.picture)

    # -- what a listing can have -----------------------------------------------------------------------

    def test_settings_need_no_token(self, call):
        """What listings can have is told to anybody, for it belongs to the channel."""
        answer = call("GetConfiguratorSettingsEndpoint", {})
        ids = [setting["ConfigItemId"] for setting in answer["Settings"]]

        assert answer["Error"] is None
        assert sorted(set(ids)) == sorted(ids)
        assert all(setting["FriendlyName"] for setting in answer["Settings"])
        assert answer["MaxDescriptionLength"] > 0
        assert answer["ImageSettings"]["Type"] in (1, 2, 3)

    def test_categories_have_whole_numbers_and_names(self, lister):
        """Every category has an integer of its own, because Linnworks takes no other ids."""
        ids = [category["CategoryId"] for category in lister.categories]

        assert ids
        assert sorted(set(ids)) == sorted(ids)
        assert all(type(number) is int for number in ids)
        assert all(category["CategoryName"] for category in lister.categories)

    def test_every_category_says_what_it_asks_for(self, lister):
        """Each category names its attributes and variations, once each and in known types."""
        for category in lister.categories:
            answer = lister.attributes(str(category["CategoryId"]))
            variations = lister.variations(str(category["CategoryId"]))
            ids = [attribute["ID"] for attribute in answer["Attributes"]]
            names = [variation["VariationName"] for variation in variations["NeededVariations"]]

            assert answer["Error"] is None
            assert variations["Error"] is None
            assert sorted(set(ids)) == sorted(ids)
            assert all(attribute["FriendlyName"] for attribute in answer["Attributes"])
            assert {attribute["MustBeSpecified"] for attribute in answer["Attributes"]} <= {"Required", "Desired"}
            assert {attribute["ExpectedType"] for attribute in answer["Attributes"]} <= {*VALUES, "LIST"}
            assert sorted(set(names)) == sorted(names)
            assert variations["MaxVariationAttributes"] >= len(names)

    def test_an_unknown_category_is_an_error(self, lister):
        """Questions about a category that the shop does not have are refused."""
        assert lister.attributes("987654321")["Error"]
        assert lister.variations("987654321")["Error"]

    # -- create ----------------------------------------------------------------------------------------

    def test_a_simple_product_is_listed(self, lister, linnworks):
        """A created listing is a product whose Reference is the one that CheckFeed told."""
        listing = lister.listing()
        (result,) = lister.create(listing)
        product = linnworks.products()[listing["SKU"]]

        assert [] == [message for message in result["Messages"] if message["Type"] == ERROR]
        assert listing["SKU"] == result["SKU"]
        assert listing["TemplateId"] == result["TemplateId"]
        assert result["ExternalListingId"]
        assert [{"SKU": listing["SKU"], "Reference": product["Reference"]}] == result["ChannelReferences"]
        assert ("A new thing", 4, 12.5) == (product["Title"], product["Quantity"], product["Price"])

    def test_a_listing_may_begin_without_stock(self, lister, linnworks):
        """A quantity of zero is no fault."""
        listing = lister.listing(Quantity=0)
        (result,) = lister.create(listing)

        assert [] == result["Messages"]
        assert linnworks.products()[listing["SKU"]]["Quantity"] == 0

    def test_a_product_with_variations_is_listed(self, lister, linnworks, call):
        """Every variation is a product of its own, told by CheckFeed, and the parent is none."""
        if not call("GetConfiguratorSettingsEndpoint", {})["IsVariationsAllowed"]:
            pytest.skip("the shop says that it has no variations")
        listing = lister.variable_listing()
        (result,) = lister.create(listing)
        products = linnworks.products()
        skus = [variation["SKU"] for variation in listing["Variations"]]

        assert [] == [message for message in result["Messages"] if message["Type"] == ERROR]
        assert [{"SKU": sku, "Reference": products[sku]["Reference"]} for sku in skus] == result["ChannelReferences"]
        assert [4, 5] == [products[sku]["Quantity"] for sku in skus]
        assert [11, 12] == [products[sku]["Price"] for sku in skus]
        assert listing["SKU"] not in products

    def test_listed_products_take_stock_and_prices(self, lister, linnworks):
        """What was listed is a product like any other."""
        listing = lister.listing()
        lister.create(listing)
        row = {"SKU": listing["SKU"], "Reference": ""}
        stock = linnworks("InventoryUpdateEndpoint", Products=[{**row, "Quantity": 77}])
        price = linnworks("PriceUpdateEndpoint", Products=[{**row, "Price": 7.77, "Tag": ""}])
        product = linnworks.products()[listing["SKU"]]

        assert [None, None] == [answer["Products"][0]["Error"] for answer in (stock, price)]
        assert (77, 7.77) == (product["Quantity"], product["Price"])

    @pytest.mark.parametrize("fault", ["category", "SKU in the shop", "SKU in the feed", "title", "attribute"])
    def test_one_bad_listing_leaves_the_others_alone(self, lister, linnworks, shop, fault):
        """A listing that cannot be gets an error message of its own, and those around it are listed."""
        first, last = lister.listing(), lister.listing()
        bad = _spoilt(lister, shop, first, fault)
        before = linnworks.products()
        good, refused, good_too = lister.create(first, bad, last)
        after = linnworks.products()

        assert [] == [message for message in good["Messages"] + good_too["Messages"] if message["Type"] == ERROR]
        assert bad["TemplateId"] == refused["TemplateId"]
        assert ERROR in {message["Type"] for message in refused["Messages"]}
        assert all(message["Message"] for message in refused["Messages"])
        assert [] == refused["ChannelReferences"]
        assert {first["SKU"], last["SKU"]} == set(after) - set(before)

    # -- update ----------------------------------------------------------------------------------------

    def test_a_listing_is_changed(self, lister, linnworks):
        """An update changes what is listed and keeps its Reference."""
        listing = lister.listing()
        (created,) = lister.create(listing)
        changed = {"Title": "A better thing", "Quantity": 9, "Price": 13.75}
        (result,) = lister.update({**listing, **changed, "ExternalListingId": created["ExternalListingId"]})
        product = linnworks.products()[listing["SKU"]]

        assert [] == [message for message in result["Messages"] if message["Type"] == ERROR]
        assert created["ExternalListingId"] == result["ExternalListingId"]
        assert created["ChannelReferences"] == result["ChannelReferences"]
        assert ("A better thing", 9, 13.75) == (product["Title"], product["Quantity"], product["Price"])

    def test_variations_are_changed_and_added(self, lister, linnworks, call):
        """An update changes known variations and adds new ones."""
        if not call("GetConfiguratorSettingsEndpoint", {})["IsVariationsAllowed"]:
            pytest.skip("the shop says that it has no variations")
        listing = lister.variable_listing()
        (created,) = lister.create(listing)
        option = listing["VariationOptions"][0]["Name"]
        first, second = listing["Variations"]
        third = lister.variation(listing["SKU"], option, 3, 6)
        (result,) = lister.update(
            {
                **listing,
                "ExternalListingId": created["ExternalListingId"],
                "Variations": [{**first, "Quantity": 40}, second, third],
            }
        )
        products = linnworks.products()
        skus = [variation["SKU"] for variation in (first, second, third)]

        assert [] == [message for message in result["Messages"] if message["Type"] == ERROR]
        assert created["ChannelReferences"] == result["ChannelReferences"][:2]
        assert skus == [known["SKU"] for known in result["ChannelReferences"]]
        assert [40, 5, 6] == [products[sku]["Quantity"] for sku in skus]

    def test_a_listing_that_begins_to_vary_is_sold_as_its_feed_says(self, lister, linnworks):
        """A simple listing updated with variations is refused, or sold as the references that CheckFeed told."""
        listing = lister.listing()
        (created,) = lister.create(listing)
        variation = lister.variation(listing["SKU"], "Colour", 1, 3)
        changed = {**listing, "ExternalListingId": created["ExternalListingId"], "Variations": [variation]}
        (result,) = lister.update(changed)
        sold = {listing["SKU"], variation["SKU"]} & set(linnworks.products())
        told = created if ERROR in {message["Type"] for message in result["Messages"]} else result

        assert {known["SKU"] for known in told["ChannelReferences"]} == sold

    def test_a_bad_change_is_refused(self, lister, linnworks):
        """What no new listing may be, an update may not make of an old one."""
        listing = lister.listing()
        (created,) = lister.create(listing)
        (result,) = lister.update({**listing, "Title": " ", "ExternalListingId": created["ExternalListingId"]})

        assert ERROR in {message["Type"] for message in result["Messages"]}
        assert listing["Title"] == linnworks.products()[listing["SKU"]]["Title"]

    def test_a_listing_that_is_not_there_is_not_changed(self, lister, linnworks):
        """An update of nothing gets an error message and makes nothing."""
        listing = lister.listing(ExternalListingId="987654321")
        (result,) = lister.update(listing)

        assert ERROR in {message["Type"] for message in result["Messages"]}
        assert listing["SKU"] not in linnworks.products()

    # -- delete ----------------------------------------------------------------------------------------

    def test_a_listing_is_deleted(self, lister, linnworks):
        """A deleted listing is no product any more, and deleting it again is no fault."""
        listing = lister.listing()
        (created,) = lister.create(listing)
        removal = {
            "ChannelSKU": listing["SKU"],
            "ExternalListingId": created["ExternalListingId"],
            "TemplateId": str(listing["TemplateId"]),
        }
        results = [*lister.delete(removal), *lister.delete(removal)]

        assert listing["SKU"] not in linnworks.products()
        assert [(listing["SKU"], listing["TemplateId"], [])] * 2 == [
            (result["SKU"], result["TemplateId"], result["Messages"]) for result in results
        ]

    def test_variations_go_with_their_listing(self, lister, linnworks, call):
        """Deleting a listing takes all its variations out of the shop."""
        if not call("GetConfiguratorSettingsEndpoint", {})["IsVariationsAllowed"]:
            pytest.skip("the shop says that it has no variations")
        listing = lister.variable_listing()
        before = set(linnworks.products())
        (created,) = lister.create(listing)
        lister.delete(
            {"ChannelSKU": listing["SKU"], "ExternalListingId": created["ExternalListingId"], "TemplateId": 1}
        )

        assert before == set(linnworks.products())

    # -- feeds -----------------------------------------------------------------------------------------

    def test_a_feed_is_not_ready_before_it_was_worked_off(self, lister, linnworks):
        """A feed that was only accepted says so, and nothing is listed yet."""
        listing = lister.listing()
        feed = lister.send("CREATE", listing)

        assert {"Error": None, "IsFeedReady": False, "ProductFeeds": []} == lister.check(feed)
        assert listing["SKU"] not in linnworks.products()

    def test_a_feed_answers_for_its_listings_in_order(self, lister):
        """Every listing of a feed is answered, in the order they came."""
        listings = [lister.listing() for _ in range(3)]
        results = lister.create(*listings)

        assert [listing["TemplateId"] for listing in listings] == [result["TemplateId"] for result in results]

    def test_feeds_of_others_are_unknown(self, lister, call, shop):
        """A feed belongs to the integration that sent it."""
        feed = lister.send("CREATE", lister.listing())
        stranger = Linnworks(call)
        stranger.finish_wizard(**shop.answers)
        answer = stranger("CheckFeedEndpoint", ChannelFeedId=feed)

        assert answer["Error"]
        assert [] == answer["ProductFeeds"]
        assert stranger("CheckFeedEndpoint", ChannelFeedId="no-such-feed")["Error"] == answer["Error"]

    def test_a_listing_worked_off_twice_is_listed_once(self, lister, linnworks):
        """A crash between the shop's answer and our note of it makes no second product and no error."""
        listing, variable = lister.listing(), lister.variable_listing()
        feed = lister.send("CREATE", listing, variable)
        first = lister.results(feed)
        before = linnworks.products()
        # as a process leaves it that was killed before it noted the results
        forgotten = FeedItem.update(done=False, result=None, claimed_until=EPOCH).where(FeedItem.feed == feed).execute()
        second = lister.results(feed)

        assert forgotten == 2
        assert [known["ChannelReferences"] for known in first] == [known["ChannelReferences"] for known in second]
        assert [[], []] == [[text for text in known["Messages"] if text["Type"] == ERROR] for known in second]
        assert before == linnworks.products()


def _value(attribute: Any) -> str:
    return attribute["ValueOptions"][0] if attribute["ValueOptions"] else VALUES[attribute["ExpectedType"]]


def _spoilt(lister: Lister, shop: Any, other: Any, fault: str) -> dict[str, Any]:
    """A listing with one fault."""
    if fault == "category":
        return {**lister.listing(), "Categories": ["987654321"]}
    if fault == "SKU in the shop":
        return lister.listing(shop.skus[0])
    if fault == "SKU in the feed":
        return lister.listing(other["SKU"])
    if fault == "title":
        return lister.listing(Title=" ")
    for category in lister.categories:
        listing = lister.listing(Categories=[str(category["CategoryId"])])
        if listing["Attributes"]:
            return {**listing, "Attributes": []}
    return pytest.skip("no category of this shop requires an attribute")
