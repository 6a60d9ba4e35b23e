from __future__ import annotations

from typing import Any

import pytest

from bridge.clock import EPOCH
from bridge.store.feeds import FeedItem
from tests.channels.contract.lister import VALUES, Lister
from tests.channels.contract.shop import Suite
from tests.linnworks import Linnworks

ERROR, WARNING = 1, 2


class ListingsContract(Suite):
    """Linnworks creates, updates and deletes listings in the shop, and their feeds report the results."""

    @pytest.fixture
    def lister(self, linnworks, work, shop) -> Lister:
        return Lister(linnworks, work, shop.picture)

    # -- what a listing can have -----------------------------------------------------------------------

    def test_settings_need_no_token(self, call):
        """GetConfiguratorSettings works without a token, because its answer depends on the channel only."""
        answer = call("GetConfiguratorSettingsEndpoint", {})
        ids = [setting["ConfigItemId"] for setting in answer["Settings"]]

        assert answer["Error"] is None
        assert sorted(set(ids)) == sorted(ids)
        assert all(setting["FriendlyName"] for setting in answer["Settings"])
        assert answer["MaxDescriptionLength"] > 0
        assert answer["ImageSettings"]["Type"] in (1, 2, 3)

    def test_categories_have_whole_numbers_and_names(self, lister):
        """Every category has a unique integer id, because Linnworks takes no other ids."""
        ids = [category["CategoryId"] for category in lister.categories]

        assert ids
        assert sorted(set(ids)) == sorted(ids)
        assert all(type(number) is int for number in ids)
        assert all(category["CategoryName"] for category in lister.categories)

    def test_every_category_has_valid_attributes_and_variations(self, lister):
        """Attributes and variations of each category have unique names and known types."""
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
        """A category that the shop does not have is refused."""
        assert lister.attributes("987654321")["Error"]
        assert lister.variations("987654321")["Error"]

    # -- create ----------------------------------------------------------------------------------------

    def test_a_simple_product_is_listed(self, lister, linnworks):
        """A created listing is a product with the Reference that CheckFeed returned."""
        listing = lister.listing()
        (result,) = lister.create(listing)
        product = linnworks.products()[listing["SKU"]]

        assert [] == [message for message in result["Messages"] if message["Type"] == ERROR]
        assert listing["SKU"] == result["SKU"]
        assert listing["TemplateId"] == result["TemplateId"]
        assert result["ExternalListingId"]
        assert [{"SKU": listing["SKU"], "Reference": product["Reference"]}] == result["ChannelReferences"]
        assert ("A new thing", 4, 12.5) == (product["Title"], product["Quantity"], product["Price"])

    def test_a_listing_may_have_no_stock(self, lister, linnworks):
        """A quantity of zero is no error."""
        listing = lister.listing(Quantity=0)
        (result,) = lister.create(listing)

        assert [] == result["Messages"]
        assert linnworks.products()[listing["SKU"]]["Quantity"] == 0

    def test_a_product_with_variations_is_listed(self, lister, linnworks):
        """Every variation is a product in CheckFeed's answer, and the parent is not."""
        lister.needs_variations()
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
        """A listed product is a product like any other."""
        listing = lister.listing()
        lister.create(listing)
        row = {"SKU": listing["SKU"], "Reference": ""}
        stock = linnworks("InventoryUpdateEndpoint", Products=[{**row, "Quantity": 77}])
        price = linnworks("PriceUpdateEndpoint", Products=[{**row, "Price": 7.77, "Tag": ""}])
        product = linnworks.products()[listing["SKU"]]

        assert [None, None] == [answer["Products"][0]["Error"] for answer in (stock, price)]
        assert (77, 7.77) == (product["Quantity"], product["Price"])

    @pytest.mark.parametrize("problem", ["category", "SKU in the shop", "SKU in the feed", "title", "attribute"])
    def test_one_bad_listing_leaves_the_others_alone(self, lister, linnworks, shop, problem):
        """An impossible listing gets its own error message, and the others are listed."""
        first, last = lister.listing(), lister.listing()
        bad = _bad_listing(lister, shop, first, problem)
        before = linnworks.products()
        good, refused, good_too = lister.create(first, {**bad, "ExternalListingId": "987654321"}, last)
        after = linnworks.products()

        assert [] == [message for message in good["Messages"] + good_too["Messages"] if message["Type"] == ERROR]
        assert bad["TemplateId"] == refused["TemplateId"]
        assert ERROR in {message["Type"] for message in refused["Messages"]}
        assert all(message["Message"] for message in refused["Messages"])
        assert ("", []) == (refused["ExternalListingId"], refused["ChannelReferences"])
        assert {first["SKU"], last["SKU"]} == set(after) - set(before)

    @pytest.mark.parametrize("kind", ["listing", "variable_listing"])
    def test_a_create_asked_again_finds_its_listing(self, lister, linnworks, kind):
        """In another feed, or twice in one, it has the same ids and makes no second product."""
        if kind == "variable_listing":
            lister.needs_variations()
        listing = getattr(lister, kind)()
        (first,) = lister.create(listing)
        before = linnworks.products()
        results = [*lister.create(listing), *lister.create(listing, listing)]

        assert first["ExternalListingId"]
        assert [_ids(first)] * 3 == [_ids(result) for result in results]
        assert [[]] * 3 == [_errors(result) for result in results]
        assert before == linnworks.products()

    def test_a_create_asked_again_overwrites_no_newer_price_or_stock(self, lister, linnworks):
        """What it does not change is a warning; its other values are those of the listing."""
        listing = lister.listing()
        lister.create(listing)
        row = {"SKU": listing["SKU"], "Reference": ""}
        linnworks("InventoryUpdateEndpoint", Products=[{**row, "Quantity": 77}])
        linnworks("PriceUpdateEndpoint", Products=[{**row, "Price": 7.77, "Tag": ""}])
        (result,) = lister.create({**listing, "Title": "A renamed thing"})
        product = linnworks.products()[listing["SKU"]]

        assert ("A renamed thing", 77, 7.77) == (product["Title"], product["Quantity"], product["Price"])
        assert WARNING in {message["Type"] for message in result["Messages"]}
        assert [] == _errors(result)

    @pytest.mark.parametrize("kind", ["listing", "variable_listing"])
    def test_a_listing_deleted_in_between_is_listed_again(self, lister, linnworks, kind):
        """The same listing created after it was deleted is for sale again, with the values of the new request."""
        if kind == "variable_listing":
            lister.needs_variations()
        listing = getattr(lister, kind)()
        (first,) = lister.create(listing)
        lister.delete(_removal(listing, first["ExternalListingId"]))
        gone = set(linnworks.products())
        sold = listing["Variations"] or [listing]
        for number, one in enumerate(sold):
            one |= {"Quantity": 20 + number, "Price": 30 + number}
        (second,) = lister.create(listing)
        products = linnworks.products()

        assert [] == _errors(second)
        assert second["ExternalListingId"]
        assert {known["SKU"] for known in second["ChannelReferences"]} == set(products) - gone
        assert [(one["Quantity"], one["Price"]) for one in sold] == [
            (products[one["SKU"]]["Quantity"], products[one["SKU"]]["Price"]) for one in sold
        ]

    # -- update ----------------------------------------------------------------------------------------

    def test_a_listing_is_changed(self, lister, linnworks):
        """An update changes a listing and keeps its Reference."""
        listing = lister.listing()
        (created,) = lister.create(listing)
        changed = {"Title": "A better thing", "Quantity": 9, "Price": 13.75}
        (result,) = lister.update({**listing, **changed, "ExternalListingId": created["ExternalListingId"]})
        product = linnworks.products()[listing["SKU"]]

        assert [] == [message for message in result["Messages"] if message["Type"] == ERROR]
        assert created["ExternalListingId"] == result["ExternalListingId"]
        assert created["ChannelReferences"] == result["ChannelReferences"]
        assert ("A better thing", 9, 13.75) == (product["Title"], product["Quantity"], product["Price"])

    def test_variations_are_changed_and_added(self, lister, linnworks):
        """An update changes known variations and adds new ones."""
        lister.needs_variations()
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

    def test_removed_variations_come_off_sale(self, lister, linnworks):
        """A variation that an update does not name is no product any more; named again, it is one again."""
        lister.needs_variations()
        listing = lister.variable_listing()
        (created,) = lister.create(listing)
        listing["ExternalListingId"] = created["ExternalListingId"]
        before = linnworks.products()
        kept, removed = [variation["SKU"] for variation in listing["Variations"]]
        (fewer,) = lister.update({**listing, "Variations": listing["Variations"][:1]})
        between = linnworks.products()
        (again,) = lister.update(listing)
        after = linnworks.products()

        assert [[], []] == [_errors(fewer), _errors(again)]
        assert created["ChannelReferences"][:1] == fewer["ChannelReferences"]
        assert before.keys() - {removed} == between.keys()
        assert before[kept] == between[kept]
        assert before.keys() == after.keys()
        assert [{"SKU": sku, "Reference": after[sku]["Reference"]} for sku in (kept, removed)] == again[
            "ChannelReferences"
        ]

    def test_an_update_without_variations_says_that_they_stay(self, lister, linnworks):
        """A listing without variations does not take those of its product off sale."""
        lister.needs_variations()
        listing = lister.variable_listing()
        (created,) = lister.create(listing)
        before = linnworks.products()
        (result,) = lister.update(
            {**listing, "ExternalListingId": created["ExternalListingId"], "Variations": [], "VariationOptions": []}
        )

        assert [WARNING] == [message["Type"] for message in result["Messages"]]
        assert _ids(created) == _ids(result)
        assert before.keys() == linnworks.products().keys()

    def test_a_changed_category_is_done_or_told(self, lister, shop):
        """The product has the new category, or the feed has a message that names it."""
        listing = lister.listing()
        (created,) = lister.create(listing)
        others = [str(row["CategoryId"]) for row in lister.categories if str(row["CategoryId"]) != lister.category]
        if not others:
            pytest.skip("the shop has a single category")
        changed = lister.listing(listing["SKU"], Categories=others[-1:], ExternalListingId=created["ExternalListingId"])
        before = shop.category(listing["SKU"])
        (result,) = lister.update(changed)
        told = any(others[-1] in message["Message"] for message in result["Messages"])

        assert lister.category == before
        assert told or others[-1] == shop.category(listing["SKU"])

    def test_a_changed_category_needs_its_attributes(self, lister, shop):
        """What a category requires of a new listing it requires of one that is moved to it."""
        for category in (str(row["CategoryId"]) for row in lister.categories):
            required = {one["AttributeID"] for one in lister.listing(Categories=[category])["Attributes"]}
            listing = lister.listing()
            if required - {one["AttributeID"] for one in listing["Attributes"]}:
                break
        else:
            pytest.skip("no category of this shop requires other attributes")
        (created,) = lister.create(listing)
        (result,) = lister.update(
            {**listing, "Categories": [category], "ExternalListingId": created["ExternalListingId"]}
        )

        assert _errors(result)
        assert lister.category == shop.category(listing["SKU"])

    def test_a_changed_sku_is_done_or_told(self, lister, linnworks):
        """The same product has the new SKU, or the feed has a message that names it."""
        listing, other = lister.listing(), lister.listing()
        (created,) = lister.create(listing)
        before = linnworks.products()
        (result,) = lister.update({**listing, "SKU": other["SKU"], "ExternalListingId": created["ExternalListingId"]})
        after = linnworks.products()
        (known,) = result["ChannelReferences"]

        if any(other["SKU"] in message["Message"] for message in result["Messages"]):
            assert before == after
        else:
            assert (other["SKU"], before[listing["SKU"]]["Reference"]) == (known["SKU"], known["Reference"])
            assert known["Reference"] == after[other["SKU"]]["Reference"]
            assert listing["SKU"] not in after

    def test_attribute_values_are_checked_as_on_create(self, lister):
        """What is said of an invalid value in a new listing is said of it in an update."""
        category, name = lister.invalid_attribute()
        invalid = {"IsCustomAttribute": False, "AttributeID": name, "AttributeValue": "no such value"}
        refused, listing = lister.listing(Categories=[category]), lister.listing(Categories=[category])
        refused["Attributes"] = [one for one in refused["Attributes"] if one["AttributeID"] != name] + [invalid]
        (expected,) = lister.create(refused)
        (created,) = lister.create(listing)
        (result,) = lister.update(
            {**listing, "Attributes": refused["Attributes"], "ExternalListingId": created["ExternalListingId"]}
        )

        assert expected["Messages"]
        assert expected["Messages"] == result["Messages"]

    def test_adding_variations_to_a_simple_listing_matches_its_feed(self, lister, linnworks):
        """A simple listing updated with variations is refused, or its products are those that CheckFeed returned."""
        listing = lister.listing()
        (created,) = lister.create(listing)
        variation = lister.variation(listing["SKU"], "Colour", 1, 3)
        changed = {**listing, "ExternalListingId": created["ExternalListingId"], "Variations": [variation]}
        (result,) = lister.update(changed)
        sold = {listing["SKU"], variation["SKU"]} & set(linnworks.products())
        expected = created if ERROR in {message["Type"] for message in result["Messages"]} else result

        assert {known["SKU"] for known in expected["ChannelReferences"]} == sold

    def test_a_bad_change_is_refused(self, lister, linnworks):
        """Values that are refused for a new listing are refused for an update too."""
        listing = lister.listing()
        (created,) = lister.create(listing)
        (result,) = lister.update({**listing, "Title": " ", "ExternalListingId": created["ExternalListingId"]})

        assert ERROR in {message["Type"] for message in result["Messages"]}
        assert listing["Title"] == linnworks.products()[listing["SKU"]]["Title"]

    def test_an_unknown_listing_is_not_updated(self, lister, linnworks):
        """The update of an unknown listing gets an error message and creates nothing."""
        listing = lister.listing(ExternalListingId="987654321")
        (result,) = lister.update(listing)

        assert ERROR in {message["Type"] for message in result["Messages"]}
        assert listing["SKU"] not in linnworks.products()

    # -- delete ----------------------------------------------------------------------------------------

    def test_a_listing_is_deleted(self, lister, linnworks):
        """A deleted listing is no product any more, and deleting it again is no error."""
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

    def test_variations_are_deleted_with_their_listing(self, lister, linnworks):
        """Deleting a listing deletes all its variations."""
        lister.needs_variations()
        listing = lister.variable_listing()
        before = set(linnworks.products())
        (created,) = lister.create(listing)
        lister.delete(
            {"ChannelSKU": listing["SKU"], "ExternalListingId": created["ExternalListingId"], "TemplateId": 1}
        )

        assert before == set(linnworks.products())

    @pytest.mark.parametrize("external_id", ["", "0", "987654321", "no-id-of-ours", "another listing's"])
    def test_nothing_is_deleted_by_sku_alone(self, lister, linnworks, external_id):
        """An id that does not lead to the listing of the SKU is an error."""
        listing, other = lister.listing(), lister.listing()
        _, second = lister.create(listing, other)
        before = linnworks.products()
        wrong = second["ExternalListingId"] if external_id == "another listing's" else external_id
        (result,) = lister.delete(_removal(listing, wrong))

        assert _errors(result)
        assert before == linnworks.products()

    # -- feeds -----------------------------------------------------------------------------------------

    def test_a_feed_is_not_ready_before_it_is_processed(self, lister, linnworks):
        """A feed that was only accepted is not ready, and nothing is listed yet."""
        listing = lister.listing()
        feed = lister.send("CREATE", listing)

        assert {"Error": None, "IsFeedReady": False, "ProductFeeds": []} == lister.check(feed)
        assert listing["SKU"] not in linnworks.products()

    def test_a_feed_has_its_results_in_order(self, lister):
        """Every listing of a feed has a result, in the order they came."""
        listings = [lister.listing() for _ in range(3)]
        results = lister.create(*listings)

        assert [listing["TemplateId"] for listing in listings] == [result["TemplateId"] for result in results]

    def test_feeds_of_others_are_unknown(self, lister, call, shop):
        """A feed belongs to the integration that sent it."""
        feed = lister.send("CREATE", lister.listing())
        other = Linnworks(call)
        other.finish_wizard(**shop.answers)
        answer = other("CheckFeedEndpoint", ChannelFeedId=feed)

        assert answer["Error"]
        assert [] == answer["ProductFeeds"]
        assert other("CheckFeedEndpoint", ChannelFeedId="no-such-feed")["Error"] == answer["Error"]

    def test_a_listing_processed_twice_is_listed_once(self, lister, linnworks):
        """A crash between the shop's answer and its record makes no second product and no error."""
        listing, variable = lister.listing(), lister.variable_listing()
        feed = lister.send("CREATE", listing, variable)
        sent = {item.id: item.request for item in FeedItem.select().where(FeedItem.feed == feed)}
        first = lister.results(feed)
        before = linnworks.products()
        for number, request in sent.items():  # the state after a process was killed before it recorded the results
            undone = {"done": False, "result": None, "claimed_until": EPOCH, "request": request}
            FeedItem.update(undone).where(FeedItem.id == number).execute()
        second = lister.results(feed)

        assert 2 == len(sent)
        assert [known["ChannelReferences"] for known in first] == [known["ChannelReferences"] for known in second]
        assert [[], []] == [[text for text in known["Messages"] if text["Type"] == ERROR] for known in second]
        assert before == linnworks.products()


def _errors(result: Any) -> list[str]:
    return [message["Message"] for message in result["Messages"] if message["Type"] == ERROR]


def _ids(result: Any) -> Any:
    return result["ExternalListingId"], result["ChannelReferences"]


def _removal(listing: Any, external_id: str) -> dict[str, Any]:
    return {"ChannelSKU": listing["SKU"], "ExternalListingId": external_id, "TemplateId": listing["TemplateId"]}


def _bad_listing(lister: Lister, shop: Any, other: Any, problem: str) -> dict[str, Any]:
    """Return a listing with one problem."""
    if problem == "category":
        return {**lister.listing(), "Categories": ["987654321"]}
    if problem == "SKU in the shop":
        return lister.listing(shop.skus[0])
    if problem == "SKU in the feed":
        return lister.listing(other["SKU"])
    if problem == "title":
        return lister.listing(Title=" ")
    for category in lister.categories:
        listing = lister.listing(Categories=[str(category["CategoryId"])])
        if listing["Attributes"]:
            return {**listing, "Attributes": []}
    return pytest.skip("no category of this shop requires an attribute")
