"""The manifest names the endpoints that the application answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.channels.demo import DemoChannel
from bridge.protocol.manifest import manifest, parameters
from bridge.settings import Settings

BASE = "https://bridge.example.com"


def test_the_manifest_in_the_repository_is_the_one_for_the_defaults():
    """
    manifest.json is what `linnworks-bridge manifest` prints without settings.
    """
    stored = json.loads(Path(__file__).parents[2].joinpath("manifest.json").read_text(encoding="utf-8"))

    assert stored == manifest(Settings(), DemoChannel, Settings().url)


def test_every_endpoint_in_the_manifest_is_answered(app, settings):
    """
    Each URL leads to an endpoint.
    """
    client = app.test_client()
    named = parameters(settings, DemoChannel, "")
    paths = {path for name, path in named.items() if name.endswith("Endpoint") or name == "PostSaleOptions"}
    answers = [client.post(path, data="{}").get_json() for path in paths]

    assert 22 == len(paths)
    assert not [answer for answer in answers if answer["Error"] == "There is no endpoint at this address"]


def test_every_value_is_a_text():
    """
    Numbers and booleans are written as Linnworks wants them: "1000", "True".
    """
    (module,) = manifest(Settings(), DemoChannel, BASE)["modules"]

    assert "ChannelIntegration" == module["type"]
    assert all(isinstance(parameter["value"], str) for parameter in module["parameters"])
    assert tuple(
        parameters(Settings(), DemoChannel, BASE)[name]
        for name in ("InventoryUpdateBatchSize", "DespatchUpdateBatchSize", "IsListingSupported")
    ) == ("1000", "100", "True")


def test_oauth_is_named_only_where_it_is_configured():
    """
    Its URL and scopes appear if there are clients.
    """
    with_oauth = parameters(Settings(), DemoChannel, BASE, with_oauth=True)

    assert not [name for name in parameters(Settings(), DemoChannel, BASE) if "OAuth" in name]
    assert f"{BASE}/api/oauth/authorize" == with_oauth["OAuthAuthorizationEndpoint"]
    assert "read write" == with_oauth["OAuthScopesRequested"]


def test_a_channel_without_listings_names_none_of_their_endpoints():
    """
    IsListingSupported is then False.
    """

    class Plain(DemoChannel):
        supports_listings = False

    named = parameters(Settings(), Plain, BASE)

    assert "False" == named["IsListingSupported"]
    assert not [name for name, value in named.items() if "/Listing/" in value]


@pytest.mark.parametrize("name", ["PostSaleOptions", "PostSaleOptionsEndpoint"])
def test_the_name_that_sources_disagree_on_can_be_set(name):
    """
    BRIDGE_POST_SALE_OPTIONS_NAME decides between the two names.
    """
    named = parameters(Settings(post_sale_options_name=name), DemoChannel, BASE)

    assert f"{BASE}/api/processedorders/postsaleoptions" == named[name]
    assert 1 == len([known for known in named if known.startswith("PostSaleOptions")])


def test_names_come_from_the_settings():
    """
    The operator may set the name and the friendly name.
    """
    named = parameters(Settings(channel_name="TEA_SHOP", channel_friendly_name="Tea shop"), DemoChannel, BASE)

    assert ("TEA_SHOP", "Tea shop") == (named["ChannelName"], named["ChannelFriendlyName"])
