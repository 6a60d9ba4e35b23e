from __future__ import annotations

import pytest

from bridge.channels.woocommerce import listing_images
from bridge.clock import EPOCH
from bridge.store.feeds import FeedItem
from bridge.sync import feeds
from tests.channels.contract.lister import Lister
from tests.channels.hostile.server import Fault
from tests.channels.woocommerce.fake.shop import WooShop

pytestmark = pytest.mark.service


@pytest.fixture
def lister(linnworks, work) -> Lister:
    """Linnworks' listing tool."""
    return Lister(linnworks, work, "https://example.com/new.jpg")


def messages_of(result) -> list[tuple[int, str]]:
    return [(message["Type"], message["Message"]) for message in result["Messages"]]


def attribute(name: str, value: str, custom: bool = False) -> dict[str, object]:
    return {"IsCustomAttribute": custom, "AttributeID": name, "AttributeValue": value}


def test_a_listing_has_all_its_values(lister, woo):
    """
    Sale price, measures, the shop's attributes with new terms, custom ones, tags and shipping class.
    """
    woo.add_attribute("Colour", "Red")
    woo.shipping_classes.append({"id": 1, "name": "Bulky", "slug": "bulky"})
    attributes = [
        attribute("sale_price", "9.00"),
        attribute("weight", "1.5"),
        attribute("length", "10"),
        attribute("pa_colour", "Red|Blue"),
        attribute("Material", "Oak", custom=True),
        attribute("shipping_class", "bulky"),
        attribute("tags", "new, nice"),
    ]
    (result,) = lister.create(lister.listing("TABLE", Attributes=attributes))
    product = woo.catalogue.find("TABLE")

    assert [] == messages_of(result)
    assert ("12.50", "9.00", "1.5", "10") == (
        product.regular_price,
        product.sale_price,
        product.weight,
        product.dimensions["length"],
    )
    assert {"Colour": {"Red", "Blue"}, "Material": {"Oak"}} == {one.name: {*one.options} for one in product.attributes}
    assert ["new", "nice"] == [tag["name"] for tag in product.tags]
    assert product.shipping_class == "bulky"


@pytest.mark.parametrize("kind", ["CREATE", "UPDATE"])
def test_a_listing_beyond_a_limit_fails_without_the_shop(lister, woo, kind):
    """
    Its feed has the error, and the shop is not called.
    """
    listing = lister.listing("TABLE", Description="x" * 100_001)
    before = len(woo.server.calls)
    (result,) = lister.results(lister.send(kind, listing))

    assert [(1, "The description has 100001 characters: 100000 are allowed")] == messages_of(result)
    assert before == len(woo.server.calls)


def test_a_sale_ends_with_an_update_without_a_sale_price(lister, woo):
    """
    The update removes the sale price.
    """
    listing = lister.listing("LAMP", Attributes=[attribute("sale_price", "9.00")])
    (created,) = lister.create(listing)
    lister.update({**listing, "Attributes": [], "ExternalListingId": created["ExternalListingId"]})

    assert woo.catalogue.find("LAMP").sale_price == ""


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ([attribute("sale_price", "20")], "not below the price"),
        ([attribute("sale_price", "cheap")], "is not a number"),
    ],
)
def test_invalid_values_are_refused(lister, attributes, message):
    """
    WooCommerce would ignore them without an error.
    """
    (result,) = lister.create(lister.listing(Attributes=attributes))

    assert message in messages_of(result)[0][1]
    assert messages_of(result)[0][0] == 1


def test_ignored_values_are_warnings(lister, woo):
    """
    The listing exists, and warnings name what is missing: an unknown shipping class, an image that cannot be read.
    """
    image = {"Url": "https://unreachable.example/1.jpg", "Tags": []}
    (result,) = lister.create(
        lister.listing("CHAIR", Attributes=[attribute("shipping_class", "no-such")], Images=[image])
    )

    assert [2, 2] == [kind for kind, _ in messages_of(result)]
    assert woo.catalogue.find("CHAIR").stock == 4


def test_images_are_downloaded_once(lister, woo):
    """
    An update with the same images does not send them again; one that failed is sent again.
    """
    listing = lister.variable_listing()
    good, bad = ({"Url": f"https://{host}/1.jpg", "Tags": []} for host in ("example.com", "unreachable.example"))
    listing["Variations"][0]["Images"], listing["Variations"][1]["Images"] = [good], [bad]
    (created,) = lister.create(listing)
    before = len(woo.server.calls)
    woo.unreachable_hosts.clear()
    (updated,) = lister.update({**listing, "ExternalListingId": created["ExternalListingId"]})
    writes = [path for method, path in woo.server.calls[before:] if method in ("PUT", "POST")]

    assert "unreachable.example/1.jpg is missing" in messages_of(created)[0][1]
    assert [] == messages_of(updated)
    assert len(writes) == 3  # the product, its variations, and the one image that was missing
    assert all(woo.catalogue.find(variation["SKU"]).images for variation in listing["Variations"])


# -- asked again ---------------------------------------------------------------------------------------


def test_a_create_that_was_interrupted_is_continued_in_another_feed(lister, woo):
    """
    The product that was left without variations gets those of the new feed, also where they have changed.
    """
    listing = lister.variable_listing()
    woo.faults.add(Fault.BROKEN, "/variations/batch", method="POST")
    feed = lister.send("CREATE", listing)
    lister.work()
    half_made = woo.catalogue.find(listing["SKU"])
    assert feeds.give_up(FeedItem.get(FeedItem.feed == feed), "Given up")
    (refused,) = lister.check(feed)["ProductFeeds"]
    other = lister.variation(listing["SKU"], "Colour", 9, 6)
    (result,) = lister.create({**listing, "Title": "Corrected", "Variations": [*listing["Variations"], other]})

    assert ("", [(1, "Given up")]) == (refused["ExternalListingId"], messages_of(refused))
    assert [] == messages_of(result)
    assert (str(half_made.id), "Corrected") == (result["ExternalListingId"], half_made.name)
    assert [4, 5, 6] == [product.stock for product in woo.catalogue.variations(half_made.id)]
    assert ["Colour 1", "Colour 2", "Colour 9"] == [
        option for product in woo.catalogue.variations(half_made.id) for _, option in product.chosen
    ]


def test_a_create_asked_again_keeps_prices_and_stock_of_variations(lister, linnworks, woo):
    """
    The levels that were set since are newer than the listing's.
    """
    listing = lister.variable_listing()
    lister.create(listing)
    sku = listing["Variations"][0]["SKU"]
    linnworks("InventoryUpdateEndpoint", Products=[{"SKU": sku, "Reference": "", "Quantity": 77}])
    linnworks("PriceUpdateEndpoint", Products=[{"SKU": sku, "Reference": "", "Price": 7.77, "Tag": ""}])
    (result,) = lister.create(listing)
    variation = woo.catalogue.find(sku)

    assert (77, "7.77") == (variation.stock, variation.regular_price)
    assert [(2, "The listing existed already: its prices and stock levels were left as they are")] == messages_of(
        result
    )


@pytest.mark.parametrize("kind", ["listing", "variable_listing"])
def test_a_create_asked_again_finds_a_product_whose_sku_was_changed_by_hand(lister, woo, kind):
    """
    It has the listing's SKU again, which is a warning; there is no second product.
    """
    listing = getattr(lister, kind)()
    (created,) = lister.create(listing)
    woo.edit_product(listing["SKU"], sku="BY-HAND")
    count = len(woo.catalogue.products)
    (again,) = lister.create(listing)

    assert created["ExternalListingId"] == again["ExternalListingId"]
    assert created["ChannelReferences"] == again["ChannelReferences"]
    assert count == len(woo.catalogue.products)
    assert [(2, f"The product had the SKU BY-HAND in the shop: it has {listing['SKU']} again")] == messages_of(again)


def test_a_deleted_listing_is_restored_also_if_its_sku_was_changed_by_hand(lister, woo):
    """
    The bridge remembers the id that it was given.
    """
    listing = lister.listing()
    (created,) = lister.create(listing)
    woo.edit_product(listing["SKU"], sku="BY-HAND")
    lister.delete({"ChannelSKU": "BY-HAND", "ExternalListingId": created["ExternalListingId"], "TemplateId": 1})
    (again,) = lister.create(listing)

    assert (created["ExternalListingId"], []) == (again["ExternalListingId"], messages_of(again))


def test_another_template_makes_a_product_of_its_own(lister, woo):
    """
    Neither its template's id nor its SKU alone leads to the product of another listing.
    """
    first, second = lister.listing(), lister.listing()
    second["TemplateId"] = 10 * first["TemplateId"]
    ids = {lister.create(one)[0]["ExternalListingId"] for one in (first, second)}
    woo.edit_product(first["SKU"], sku="BY-HAND")
    for one in ({**first, "TemplateId": 7}, {**first, "SKU": "OTHER"}):
        ids.add(lister.create(one)[0]["ExternalListingId"])

    assert 4 == len(ids)


# -- the bin -------------------------------------------------------------------------------------------


def delete(lister, listing, result):
    return lister.delete(
        {"ChannelSKU": listing["SKU"], "ExternalListingId": result["ExternalListingId"], "TemplateId": 1}
    )


@pytest.mark.parametrize("kind", ["listing", "variable_listing"])
@pytest.mark.parametrize("template", ["same", "another"])
def test_a_deleted_listing_is_restored_from_the_bin(lister, woo, kind, template):
    """
    Its product keeps its id, address and images, and becomes what the new listing says, also from another template.
    """
    listing = getattr(lister, kind)()
    listing["Attributes"] = [attribute("Material", "Oak", custom=True)]
    (first,) = lister.create(listing)
    delete(lister, listing, first)
    again = {**listing, "Title": "Again", "Attributes": [attribute("Finish", "Oil", custom=True)]}
    if template == "another":
        again["TemplateId"] = next(lister.templates)
    (second,) = lister.create(again)
    product = woo.catalogue.find(listing["SKU"])

    assert [] == messages_of(second)
    assert (first["ExternalListingId"], first["ChannelReferences"]) == (
        second["ExternalListingId"],
        second["ChannelReferences"],
    )
    assert ("publish", "Again", 1) == (product.status, product.name, len(woo.media))
    assert "Material" not in {one.name for one in product.attributes}
    assert {"publish"} == {one.status for one in woo.catalogue.variations(product.id, all_of_them=True)} | {"publish"}


def test_a_restored_listing_may_have_other_variations(lister, woo):
    """
    Those it names are restored or made, the others stay in the bin until they are named; a simple one has none.
    """
    listing = lister.variable_listing()
    first, second = listing["Variations"]
    third = lister.variation(listing["SKU"], "Colour", 3, 6)
    (created,) = lister.create(listing)
    delete(lister, listing, created)
    (fewer,) = lister.create({**listing, "Variations": [first, third]})
    binned = [one.sku for one in woo.catalogue.products.values() if one.status == "trash"]
    listing["ExternalListingId"] = created["ExternalListingId"]
    (updated,) = lister.update({**listing, "Variations": [first, second, third]})
    delete(lister, listing, created)
    (simple,) = lister.create({**listing, "Variations": [], "VariationOptions": []})
    product = woo.catalogue.find(listing["SKU"])

    assert [[], [], []] == [messages_of(result) for result in (fewer, updated, simple)]
    assert [second["SKU"]] == binned
    assert created["ChannelReferences"][1] == updated["ChannelReferences"][1]
    assert ("simple", "12.50", str(product.id)) == (
        product.type,
        product.regular_price,
        created["ExternalListingId"],
    )
    assert [] == woo.catalogue.variations(product.id)


def test_a_product_of_the_shops_own_in_the_bin_is_told(lister, woo):
    """
    WooCommerce does not give its SKU to another product, so the message says what to do about it.
    """
    number = woo.catalogue.find("MUG").id
    woo.remove_product("MUG", for_good=False)
    (result,) = lister.create(lister.listing("MUG"))

    assert messages_of(result) == [
        (
            1,
            f"The SKU MUG belongs to product {number} in the shop's bin: restore that product or delete it "
            "permanently, and list this one again",
        )
    ]
    assert [number] == [product.id for product in woo.catalogue.with_sku("MUG")]


def test_a_bin_that_blocks_no_sku_is_left_alone(connected, work):
    """
    Old versions give a SKU in the bin to a new product.
    """
    with WooShop(version="7.9.0", hpos=False) as shop:
        lister = Lister(connected(shop), work, "https://example.com/new.jpg")
        shop.add_product("MUG")
        shop.remove_product("MUG", for_good=False)
        (result,) = lister.create(lister.listing("MUG"))

        assert [] == messages_of(result)
        assert ["trash", "publish"] == [product.status for product in shop.catalogue.with_sku("MUG")]


def test_a_variation_in_the_bin_with_its_product_is_told(lister, woo):
    """
    Its product is what the owner can restore or delete; for a new variation its SKU is free.
    """
    parent = woo.add_variable("TEE", {"TEE-S": "S"})
    woo.remove_product("TEE", for_good=False)
    (refused,) = lister.create(lister.listing("TEE-S"))
    listing = lister.variable_listing()
    listing["Variations"][0]["SKU"] = "TEE-S"
    (result,) = lister.create(listing)

    assert [(1, f"The SKU TEE-S belongs to a variation of product {parent} in the shop's bin")] == [
        (kind, text.partition(":")[0]) for kind, text in messages_of(refused)
    ]
    assert [] == messages_of(result)


def test_a_variation_that_was_binned_alone_blocks_nothing(lister, woo):
    """
    WordPress shows it nowhere, so its owner could not free its SKU.
    """
    woo.add_variable("TEE", {"TEE-S": "S", "TEE-M": "M"})
    woo.remove_product("TEE-S", for_good=False)
    (result,) = lister.create(lister.listing("TEE-S"))

    assert [] == messages_of(result)
    assert ["simple"] == [product.type for product in woo.catalogue.with_sku("TEE-S")]


# -- images --------------------------------------------------------------------------------------------


def images(*names: str) -> list[dict[str, object]]:
    return [{"Url": f"https://example.com/{name}.jpg", "Tags": []} for name in names]


def names_of(product) -> list[str]:
    return [image["name"].removesuffix(".jpg") for image in product.images]


PROBLEMS = ["Not Found", "cURL error 28: Operation timed out", "Sorry, you are not allowed to upload this file type."]


@pytest.mark.parametrize("problem", PROBLEMS)
def test_one_bad_image_loses_only_itself(lister, woo, problem):
    """
    The others are set in their order, the warning names it, and further tries download nothing twice.
    """
    woo.bad_images["/bad"] = problem
    listing = lister.listing("LAMP", Images=images("front", "bad", "back", "bad-too", "front"))
    (created,) = lister.create(listing)
    again = [lister.create(listing)[0] for _ in range(2)]
    woo.bad_images.clear()
    (updated,) = lister.update({**listing, "ExternalListingId": created["ExternalListingId"]})

    assert ["front", "bad", "back", "bad-too"] == names_of(woo.catalogue.find("LAMP"))
    assert 4 == len(woo.media)
    for result in (created, *again):
        assert [2, 2] == [kind for kind, _ in messages_of(result)]
        assert messages_of(result)[0][1].startswith("The image https://example.com/bad.jpg is missing: WooCommerce: ")
        assert problem.rstrip(".") in messages_of(result)[0][1]
    assert [] == messages_of(updated)


def test_bad_images_do_not_take_the_time_of_the_others(lister, woo, monkeypatch):
    """
    Those that failed lately are tried again last, and are warnings if there is no time for that.
    """
    monkeypatch.setattr(listing_images, "LEAST_SECONDS", 100)  # more than a budget: one image for each attempt
    woo.bad_images["/bad"] = "Not Found"
    listing = lister.listing("LAMP", Images=images("bad", "a", "bad-too", "b"))
    (result,) = until_ready(lister, lister.send("CREATE", listing))

    assert ["a", "b"] == names_of(woo.catalogue.find("LAMP"))
    assert ["bad.jpg", "bad-too.jpg"] == [text.split()[2].rpartition("/")[2] for _, text in messages_of(result)]


def test_images_are_changed_without_downloading_the_others_again(lister, woo):
    """
    Another order, one more and one less need the new one only.
    """
    listing = lister.listing("LAMP", Images=images("a", "b", "c"))
    (created,) = lister.create(listing)
    listing["ExternalListingId"] = created["ExternalListingId"]
    shown = []
    for names in ("cba", "cd", "d", "dbx"):
        woo.bad_images = {"/x": "Not Found"}
        lister.update({**listing, "Images": images(*names)})
        shown.append("".join(names_of(woo.catalogue.find("LAMP"))))

    assert ["cba", "cd", "d", "db"] == shown
    assert ["a.jpg", "b.jpg", "c.jpg", "d.jpg", "b.jpg"] == [image["name"] for image in woo.media.values()]


def test_a_product_keeps_its_images_if_no_new_one_can_be_downloaded(lister, woo):
    """
    A product without any image would be worse.
    """
    listing = lister.listing("LAMP", Images=images("a", "b"))
    (created,) = lister.create(listing)
    woo.bad_images["/c"] = "Not Found"
    (result,) = lister.update({**listing, "Images": images("c"), "ExternalListingId": created["ExternalListingId"]})

    assert [2] == [kind for kind, _ in messages_of(result)]
    assert ["a", "b"] == names_of(woo.catalogue.find("LAMP"))


def test_images_that_were_changed_by_hand_are_used_as_far_as_they_are_there(lister, woo):
    """
    An image that was deleted in the shop is downloaded again when the listing's images change.
    """
    listing = lister.listing("LAMP", Images=images("a", "b"))
    (created,) = lister.create(listing)
    product = woo.catalogue.find("LAMP")
    del woo.media[product.images[0]["id"]]
    product.images = [*product.images[1:]]
    listing["ExternalListingId"] = created["ExternalListingId"]
    lister.update(listing)
    left = names_of(product)
    (result,) = lister.update({**listing, "Images": images("a", "b", "c")})

    assert ["b"] == left
    assert [] == messages_of(result)
    assert ["a", "b", "c"] == names_of(product)


def test_variations_share_an_image(lister, woo):
    """
    It is downloaded once, also if the product has it too; a bad one is one warning.
    """
    woo.bad_images["/bad"] = "Not Found"
    listing = lister.variable_listing()
    more = [lister.variation(listing["SKU"], "Colour", position, 1) for position in (3, 4, 5, 6)]
    listing["Variations"] += more
    listing["Images"] = images("main")
    for variation, name in zip(listing["Variations"], ("main", "red", "red", "bad", "bad", "blue"), strict=True):
        variation["Images"] = images(name)
    (created,) = lister.create(listing)
    (again,) = lister.create(listing)
    shown = [names_of(woo.catalogue.find(variation["SKU"])) for variation in listing["Variations"]]

    assert [["main"], ["red"], ["red"], [], [], ["blue"]] == shown
    assert ["main.jpg", "red.jpg", "blue.jpg"] == [image["name"] for image in woo.media.values()]
    assert [["https://example.com/bad.jpg"]] * 2 == [
        [text.split()[2] for _, text in messages_of(result)] for result in (created, again)
    ]


@pytest.mark.parametrize("fault", [Fault.DROP_BEFORE, Fault.BROKEN, Fault.DROP_AFTER])
def test_an_image_that_the_shop_cannot_take_in_is_left_out_in_the_end(lister, linnworks, woo, work, fault):
    """
    Its server may be silent, or the image too large for PHP; one whose answer was lost is found again.
    """
    listing = lister.listing("LAMP", Images=images("a", "b", "c"))
    # the product is created with POST, and changed with PUT when the listing is tried again
    woo.faults.add(fault, "/products/", method="PUT", skip=1)
    woo.faults.add(fault, "/products/", method="PUT", skip=3)
    (result,) = until_ready(lister, lister.send("CREATE", listing))
    product = woo.catalogue.find("LAMP")

    if fault is Fault.DROP_AFTER:
        assert [] == messages_of(result)
        assert ["a", "b", "c"] == names_of(product)
    else:
        assert [(2, "The image https://example.com/b.jpg is missing")] == [
            (kind, text.partition(": the")[0]) for kind, text in messages_of(result)
        ]
        assert ["a", "c"] == names_of(product)
    assert len(product.images) == len(woo.media)


def until_ready(lister, feed):
    """Return the results of a feed whose listings are due again at once."""
    for _ in range(5):
        lister.work()
        FeedItem.update(next_at=EPOCH).where(FeedItem.feed == feed).execute()
    return lister.results(feed)


# -- updates -------------------------------------------------------------------------------------------


def settings(**values: str) -> list[dict[str, object]]:
    answers = [{"ID": name, "Values": [value]} for name, value in values.items()]
    return [{"ConfiguratorId": 1, "ProductSettings": {"GeneralSettings": answers}}]


@pytest.mark.parametrize("kind", ["listing", "variable_listing"])
def test_settings_count_in_an_update(lister, linnworks, woo, kind):
    """
    They change the product as they make a new one; what the shop does not have is a warning.
    """
    listing = getattr(lister, kind)()
    (created,) = lister.create(listing)
    changed = settings(status="draft", tax_class="reduced-rate", backorders="notify", shipping_class="no-such")
    answer = linnworks(
        "ListingUpdateEndpoint",
        Type="UPDATE",
        Listings=[{**listing, "ExternalListingId": created["ExternalListingId"]}],
        Settings=changed,
    )
    (result,) = lister.results(answer["ChannelFeedId"])
    product = woo.catalogue.find(listing["SKU"])
    sold = woo.catalogue.variations(product.id) or [product]

    assert ("draft", "reduced-rate") == (product.status, product.tax_class)
    assert {"notify"} == {one.backorders for one in sold}
    assert [(2, "The shop has no shipping class no-such")] == messages_of(result)


def test_an_attribute_is_replaced_by_an_update(lister, woo):
    """
    The product does not keep its old value beside the new one; attributes that are not named stay.
    """
    attributes = [attribute("Material", "Oak", custom=True), attribute("Finish", "Oil", custom=True)]
    listing = lister.listing("TABLE", Attributes=attributes)
    (created,) = lister.create(listing)
    listing["Attributes"] = [attribute("Material", "Pine", custom=True)]
    lister.update({**listing, "ExternalListingId": created["ExternalListingId"]})

    assert {"Material": ["Pine"], "Finish": ["Oil"]} == {
        one.name: one.options for one in woo.catalogue.find("TABLE").attributes
    }


def test_images_that_are_not_named_any_more_are_removed(lister, woo):
    """
    A product of the shop's own keeps its images until a listing names some.
    """
    listing = lister.listing("TABLE")
    (created,) = lister.create(listing)
    (result,) = lister.update({**listing, "Images": [], "ExternalListingId": created["ExternalListingId"]})
    woo.edit_product("MUG", images=[{"src": "https://example.com/mug.jpg"}])
    lister.update(lister.listing("MUG", Images=[]))

    assert [] == messages_of(result)
    assert [] == woo.catalogue.find("TABLE").images
    assert 1 == len(woo.catalogue.find("MUG").images)


def test_a_removed_variation_is_disabled(lister, woo):
    """
    It keeps its id for orders and for the case that it is listed again; variations without a SKU are the shop's own.
    """
    listing = lister.variable_listing()
    (created,) = lister.create(listing)
    first, second = listing["Variations"]
    parent = woo.catalogue.find(listing["SKU"])
    own = woo.catalogue.add({"regular_price": "3.00"}, parent.id)
    listing["ExternalListingId"] = created["ExternalListingId"]
    lister.update({**listing, "Variations": [second]})
    disabled = woo.catalogue.find(first["SKU"])

    assert ("private", "publish", "publish") == (
        disabled.status,
        woo.catalogue.find(second["SKU"]).status,
        own.status,
    )
    (result,) = lister.update(listing)
    assert created["ChannelReferences"] == result["ChannelReferences"]
    assert disabled.status == "publish"


# -- deletes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sku", "deleted"), [("MUG", True), ("mug", True), ("", True), ("BOOK", False), ("no-such", False)]
)
def test_a_product_that_linnworks_did_not_list_is_deleted_only_with_its_sku(lister, woo, sku, deleted):
    """
    Another SKU is an error, and so is one that the shop does not have.
    """
    product = woo.catalogue.find("MUG")
    (result,) = lister.delete({"ChannelSKU": sku, "ExternalListingId": str(product.id), "TemplateId": 1})

    assert ("trash" if deleted else "publish") == product.status
    assert deleted == (messages_of(result) == [])


@pytest.mark.parametrize(("of_variation", "deleted"), [(False, True), (True, False)])
def test_a_listing_may_be_named_by_the_sku_of_a_variation(lister, woo, of_variation, deleted):
    """
    The id must be the listing's; a variation's is an error.
    """
    listing = lister.variable_listing()
    (created,) = lister.create(listing)
    variation = woo.catalogue.find(listing["Variations"][0]["SKU"])
    number = str(variation.id) if of_variation else created["ExternalListingId"]
    (result,) = lister.delete({"ChannelSKU": variation.sku, "ExternalListingId": number, "TemplateId": 1})

    assert ("trash" if deleted else "publish") == variation.status
    assert deleted == (messages_of(result) == [])
