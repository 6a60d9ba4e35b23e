"""The manifest of the checked application: its endpoints, batch sizes and abilities."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

CONFIGURATION_ENDPOINTS = (
    "AddNewUserEndpoint",
    "UserConfigEndpoint",
    "SaveConfigEndpoint",
    "ShippingTagsEndpoint",
    "PaymentTagsEndpoint",
    "ConfigDeletedEndpoint",
    "ConfigTestEndpoint",
)
DAILY_ENDPOINTS = (
    "OrdersEndpoint",
    "DespatchEndpoint",
    "ProductsEndpoint",
    "InventoryUpdateEndpoint",
    "PriceUpdateEndpoint",
)
LISTING_ENDPOINTS = (
    "GetConfiguratorSettingsEndpoint",
    "GetCategoriesEndpoint",
    "GetAttributesByCategoryEndpoint",
    "GetVariationsByCategoryEndpoint",
    "ListingUpdateEndpoint",
    "ListingDeleteEndpoint",
    "CheckFeedEndpoint",
)
POST_SALE_ENDPOINTS = ("CancelEndpoint", "RefundEndpoint", "PostSaleOptions", "PostSaleOptionsEndpoint")
BATCH_SIZES = ("InventoryUpdateBatchSize", "PriceUpdateBatchSize", "DespatchUpdateBatchSize", "ListingUpdateBatchSize")
ENDPOINTS = (
    *CONFIGURATION_ENDPOINTS,
    *DAILY_ENDPOINTS,
    *POST_SALE_ENDPOINTS,
    *LISTING_ENDPOINTS,
    "OAuthAuthorizationEndpoint",
)
OTHER_PARAMETERS = (
    "ChannelName",
    "ChannelFriendlyName",
    "ChannelLogoURL",
    "OAuthScopesRequested",
    "AllowRefundOnCancel",
    "IsListingSupported",
)
PARAMETERS = (*ENDPOINTS, *BATCH_SIZES, *OTHER_PARAMETERS)


class ManifestUnreadable(Exception):
    """The document is not the manifest of a channel."""


@dataclass(frozen=True)
class Manifest:
    """The parameters as they are written, under the protocol's names where the case differs."""

    parameters: Mapping[str, Any]

    def text(self, name: str) -> str:
        """Return a parameter as text, "" when it is missing."""
        value = self.parameters.get(name)
        return "" if value is None else str(value).strip()

    def url(self, name: str) -> str:
        """Return the URL of an endpoint, "" when it has none; PostSaleOptions is named with or without Endpoint."""
        return self.text(f"{name}Endpoint") or self.text(name)

    def batch_size(self, name: str, default: int) -> int:
        """Return the maximum number of rows in one call."""
        size = self.text(f"{name}BatchSize")
        return int(size) if size.isdigit() and int(size) > 0 else default

    @property
    def supports_listings(self) -> bool:
        """Return whether listings are supported."""
        return self.text("IsListingSupported").lower() == "true"

    def with_base_url(self, base_url: str) -> Manifest:
        """Return the same manifest with the paths of its URLs at another address."""
        base = base_url.rstrip("/") + "/"

        def move(value: Any) -> Any:
            parts = urlsplit(str(value))
            return urljoin(base, parts._replace(scheme="", netloc="").geturl().lstrip("/"))

        urls = (*ENDPOINTS, "ChannelLogoURL")
        return Manifest(
            {name: move(value) if name in urls and value else value for name, value in self.parameters.items()}
        )


def read_manifest(source: str, timeout: float) -> Manifest:
    """Read the manifest from a file or URL, or raise ManifestUnreadable."""
    try:
        if source.startswith(("http://", "https://")):
            response = requests.get(source, timeout=timeout)
            response.raise_for_status()
            document = json.loads(response.content.decode("utf-8-sig"))
        else:
            document = json.loads(Path(source).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise ManifestUnreadable(f"{source} cannot be read as a manifest: {error}") from None
    return parse_manifest(document, source)


def parse_manifest(document: Any, source: str = "the manifest") -> Manifest:
    """Return the channel's parameters from a manifest of the plain form or of the newer portal's nested form."""
    names = {name.casefold(): name for name in PARAMETERS}
    for module in _modules(document):
        rows = module.get("parameters")
        pairs = list(rows.items()) if isinstance(rows, dict) else _pairs(rows)
        if pairs:
            return Manifest({names.get(str(name).casefold(), str(name)): value for name, value in pairs})
    raise ManifestUnreadable(f"{source} has no module of the type ChannelIntegration with parameters")


def _pairs(rows: Any) -> list[tuple[Any, Any]]:
    lowered = [_lowered(row) for row in rows] if isinstance(rows, list) else []
    return [(row["name"], row.get("value")) for row in lowered if row.get("name")]


def _modules(document: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of the document that has the type of a channel module."""
    if isinstance(document, list):
        for element in document:
            yield from _modules(element)
    elif isinstance(document, dict):
        module = _lowered(document)
        if str(module.get("type", "")).casefold() == "channelintegration":
            yield module
        for value in document.values():
            yield from _modules(value)


def _lowered(value: Any) -> dict[str, Any]:
    return {str(key).casefold(): element for key, element in value.items()} if isinstance(value, dict) else {}
