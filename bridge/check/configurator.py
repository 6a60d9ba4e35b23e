"""What a seller sets up once to list stock items, and the listings made of it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.check.answer import objects, string
from bridge.check.filling import fitting

CONFIGURATOR_ID = 1
TYPED_AS = {"DECIMAL": "DOUBLE", "BOOL": "BOOLEAN"}


@dataclass
class Listing:
    """One listing as it was sent, and what CheckFeed said of it."""

    sent: dict[str, Any]
    external_id: str = ""
    references: dict[str, str] = field(default_factory=dict)
    deleted: bool = False

    @property
    def sku(self) -> str:
        return str(self.sent["SKU"])

    @property
    def skus(self) -> list[str]:
        """The SKUs that are sold: those of the variations, or its own."""
        return [child["SKU"] for child in self.sent["Variations"]] or [self.sku]

    def named(self, template: type = int) -> dict[str, Any]:
        """What ListingDelete says of it."""
        return {
            "ChannelSKU": self.sku,
            "ExternalListingId": self.external_id,
            "TemplateId": template(self.sent["TemplateId"]),
        }


@dataclass
class Configurator:
    answers: Mapping[str, str]
    rng: random.Random
    settings: dict[str, Any] = field(default_factory=dict)
    categories: list[str] = field(default_factory=list)
    attributes: list[dict[str, Any]] = field(default_factory=list)
    variations: dict[str, Any] = field(default_factory=dict)
    shipping: list[str] = field(default_factory=list)
    payment: list[str] = field(default_factory=list)

    def values(self, *groups: str) -> list[dict[str, Any]]:
        """The settings of these groups that have to be specified or come with a value."""
        return [
            {"ID": string(setting.get("ConfigItemId")), "Values": values}
            for setting in objects(self.settings.get("Settings"))
            if setting.get("GroupName") in groups and (values := self._setting_values(setting))
        ]

    def product_settings(self) -> list[dict[str, Any]]:
        """The Settings of a ListingUpdate."""
        settings = {
            "GeneralSettings": self.values("GENERAL"),
            "ReturnsSettings": self.values("RETURN"),
            "ShippingSettings": self.values("SHIPPING"),
            "PaymentSettings": self.values("PAYMENT"),
            "VariationSettings": self.values("VARIATION"),
            "AttributeSettings": [],
            "PaymentMethods": self.payment[:1] if self.settings.get("IsPaymentListingSpecific") is True else [],
        }
        return [{"ConfiguratorId": CONFIGURATOR_ID, "ProductSettings": settings}]

    def listing(self, sku: str, variations: int = 0) -> Listing:
        """A listing in the first category with every required attribute."""
        by_post = self.settings.get("IsShippingListingSpecific") is True
        listing = {
            "ConfiguratorId": CONFIGURATOR_ID,
            "TemplateId": self.rng.randrange(100_000, 1_000_000),
            "ExternalListingId": "",
            "SKU": sku,
            "Title": f"Check of listing {sku}",
            "Description": "Made by a check, to be deleted by it.",
            "Quantity": 3,
            "Images": [],
            "Price": 12.34,
            "Categories": self.categories[:1],
            "ShippingMethods": [{"ShippingMethodID": tag, "Price": 2.5} for tag in self.shipping[:1] if by_post],
            "Attributes": list(self._attributes(child=False if variations else None)),
            "Variations": [self._variation(sku, position) for position in range(1, variations + 1)],
            "VariationOptions": [],
        }
        if variations:
            listing["VariationOptions"] = [
                {
                    "Name": name,
                    "Position": place,
                    "Values": [
                        {"Position": position, "Value": f"{name} {position}"} for position in range(1, variations + 1)
                    ],
                }
                for place, name in enumerate(self._options(), 1)
            ]
        return Listing(listing)

    def _variation(self, sku: str, position: int) -> dict[str, Any]:
        return {
            "SKU": f"{sku}-{position}",
            "Title": f"Check of listing {sku}, variation {position}",
            "Quantity": position,
            "Images": [],
            "Price": 12.34 + position,
            "OptionValues": [
                {
                    "Name": name,
                    "Position": place,
                    "Value": {"Position": position, "Value": f"{name} {position}"},
                }
                for place, name in enumerate(self._options(), 1)
            ],
            "AttributeSettings": list(self._attributes(child=True)),
        }

    def _options(self) -> list[str]:
        needed = [string(row.get("VariationName")) for row in objects(self.variations.get("NeededVariations"))]
        most = self.variations.get("MaxVariationAttributes")
        return (needed or ["Size"])[: most if isinstance(most, int) and most > 0 else None]

    def _attributes(self, child: bool | None) -> Iterator[dict[str, Any]]:
        """The required attributes: all, those read from a variation, or those read from its parent."""
        for attribute in self.attributes:
            of_child = attribute.get("AttribueReadFrom") == "Child"
            if attribute.get("MustBeSpecified") == "Required" and child in (None, of_child):
                name = string(attribute.get("ID"))
                value = self._value(name, attribute)
                yield {"IsCustomAttribute": False, "AttributeID": name, "AttributeValue": value}

    def _setting_values(self, setting: dict[str, Any]) -> list[str]:
        name = string(setting.get("ConfigItemId"))
        held = setting.get("InitialValues")
        if name not in self.answers and isinstance(held, list) and held:
            return [str(value) for value in held]
        required = setting.get("MustBeSpecified") is True
        return [self._value(name, setting)] if required or name in self.answers else []

    def _value(self, name: str, field: dict[str, Any]) -> str:
        if name in self.answers:
            return self.answers[name]
        options = field.get("ValueOptions") or []
        kind = field.get("ExpectedType")
        item = {
            "ConfigItemId": name,
            "ValueType": "LIST" if options else TYPED_AS.get(str(kind), kind),
            "ListValues": [{"Value": option} for option in options],
            "RegExValidation": field.get("RegExValidation"),
        }
        return fitting(item, self.rng)
