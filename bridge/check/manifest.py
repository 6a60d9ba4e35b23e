"""The manifest of the application under check: its endpoints, batch sizes and abilities."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

CONFIGURATION = (
    "AddNewUserEndpoint",
    "UserConfigEndpoint",
    "SaveConfigEndpoint",
    "ShippingTagsEndpoint",
    "PaymentTagsEndpoint",
    "ConfigDeletedEndpoint",
    "ConfigTestEndpoint",
)
SALES = ("OrdersEndpoint", "DespatchEndpoint", "ProductsEndpoint", "InventoryUpdateEndpoint", "PriceUpdateEndpoint")
LISTINGS = (
    "GetConfiguratorSettingsEndpoint",
    "GetCategoriesEndpoint",
    "GetAttributesByCategoryEndpoint",
    "GetVariationsByCategoryEndpoint",
    "ListingUpdateEndpoint",
    "ListingDeleteEndpoint",
    "CheckFeedEndpoint",
)
AFTER_THE_SALE = ("CancelEndpoint", "RefundEndpoint", "PostSaleOptions", "PostSaleOptionsEndpoint")
BATCHES = ("InventoryUpdateBatchSize", "PriceUpdateBatchSize", "DespatchUpdateBatchSize", "ListingUpdateBatchSize")
ENDPOINTS = (*CONFIGURATION, *SALES, *AFTER_THE_SALE, *LISTINGS, "OAuthAuthorizationEndpoint")
OTHERS = (
    "ChannelName",
    "ChannelFriendlyName",
    "ChannelLogoURL",
    "OAuthScopesRequested",
    "AllowRefundOnCancel",
    "IsListingSupported",
)
PARAMETERS = (*ENDPOINTS, *BATCHES, *OTHERS)


class ManifestUnreadable(Exception):
    """Nothing that Linnworks would take for the manifest of a channel."""


@dataclass(frozen=True)
class Manifest:
    """The parameters as they were written, by the protocol's names where the case differs."""

    given: Mapping[str, Any]

    def says(self, name: str) -> str:
        """A parameter as text, "" where it is missing."""
        value = self.given.get(name)
        return "" if value is None else str(value).strip()

    def url(self, name: str) -> str:
        """Where an endpoint is, named with Endpoint behind it or without (PostSaleOptions); "" where nowhere."""
        return self.says(f"{name}Endpoint") or self.says(name)

    def batch(self, name: str, otherwise: int) -> int:
        """The most rows of one call."""
        size = self.says(f"{name}BatchSize")
        return int(size) if size.isdigit() and int(size) > 0 else otherwise

    @property
    def lists(self) -> bool:
        """Whether listings are supported."""
        return self.says("IsListingSupported").lower() == "true"

    def moved_to(self, base_url: str) -> Manifest:
        """The same endpoints at another address."""
        base = base_url.rstrip("/") + "/"

        def moved(value: Any) -> Any:
            parts = urlsplit(str(value))
            return urljoin(base, parts._replace(scheme="", netloc="").geturl().lstrip("/"))

        urls = (*ENDPOINTS, "ChannelLogoURL")
        return Manifest({n: moved(value) if n in urls and value else value for n, value in self.given.items()})


def read_manifest(source: str, timeout: float) -> Manifest:
    """The manifest in a file or at a URL."""
    try:
        if source.startswith(("http://", "https://")):
            answer = requests.get(source, timeout=timeout)
            answer.raise_for_status()
            document = json.loads(answer.content.decode("utf-8-sig"))
        else:
            document = json.loads(Path(source).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise ManifestUnreadable(f"{source} cannot be read as a manifest: {error}") from None
    return manifest_of(document, source)


def manifest_of(document: Any, source: str = "the manifest") -> Manifest:
    """The channel's parameters, in the plain shape or inside what the newer portal wraps around it."""
    names = {name.casefold(): name for name in PARAMETERS}
    for module in _modules(document):
        rows = module.get("parameters")
        pairs = [(key, value) for key, value in rows.items()] if isinstance(rows, dict) else _pairs(rows)
        if pairs:
            return Manifest({names.get(str(name).casefold(), str(name)): value for name, value in pairs})
    raise ManifestUnreadable(f"{source} has no module of the type ChannelIntegration with parameters")


def _pairs(rows: Any) -> list[tuple[Any, Any]]:
    lowered = [_lowered(row) for row in rows] if isinstance(rows, list) else []
    return [(row["name"], row.get("value")) for row in lowered if row.get("name")]


def _modules(document: Any) -> Iterator[dict[str, Any]]:
    """Every object anywhere in the document that says it is the module of a channel."""
    if isinstance(document, list):
        for element in document:
            yield from _modules(element)
    elif isinstance(document, dict):
        here = _lowered(document)
        if str(here.get("type", "")).casefold() == "channelintegration":
            yield here
        for value in document.values():
            yield from _modules(value)


def _lowered(value: Any) -> dict[str, Any]:
    return {str(key).casefold(): held for key, held in value.items()} if isinstance(value, dict) else {}
