"""The settings a seller chooses once for listings, and the listings that are sent with them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.check.response import objects, string
from bridge.check.wizard_values import made_up_value

CONFIGURATOR_ID = 1
READ_FROM_CHILD, READ_FROM_PARENT, READ_FROM_ANY = (True,), (False,), (True, False)
"""The attributes of a variation, of its parent, and of a listing without variations."""
WIZARD_TYPES = {"DECIMAL": "DOUBLE", "BOOL": "BOOLEAN"}
"""The wizard's names of types that listings name differently."""


@dataclass
class SentListing:
    """A listing as it was sent, and the ids CheckFeed returned for it."""

    sent: dict[str, Any]
    external_id: str = ""
    references: dict[str, str] = field(default_factory=dict)
    deleted: bool = False

    @property
    def sku(self) -> str:
        """Return the SKU of the listing."""
        return str(self.sent["SKU"])

    @property
    def skus(self) -> list[str]:
        """Return the SKUs of the variations, or its own when there are none."""
        return [child["SKU"] for child in self.sent["Variations"]] or [self.sku]

    def delete_row(self, template_type: type = int) -> dict[str, Any]:
        """Return the row of ListingDelete for this listing; its TemplateId can be sent as a number or as text."""
        return {
            "ChannelSKU": self.sku,
            "ExternalListingId": self.external_id,
            "TemplateId": template_type(self.sent["TemplateId"]),
        }


@dataclass
class ListingConfigurator:
    """What the application requires of listings, and the values chosen for it."""

    config: Mapping[str, str]
    rng: random.Random
    settings: dict[str, Any] = field(default_factory=dict)
    categories: list[str] = field(default_factory=list)
    attributes: list[dict[str, Any]] = field(default_factory=list)
    variations: dict[str, Any] = field(default_factory=dict)
    shipping: list[str] = field(default_factory=list)
    payment: list[str] = field(default_factory=list)

    def setting_values(self, *groups: str) -> list[dict[str, Any]]:
        """Return the settings of these groups that are required or have a value."""
        return [
            {"ID": string(setting.get("ConfigItemId")), "Values": values}
            for setting in objects(self.settings.get("Settings"))
            if setting.get("GroupName") in groups and (values := self._values_of(setting))
        ]

    def product_settings(self) -> list[dict[str, Any]]:
        """Return the Settings of a ListingUpdate."""
        settings = {
            "GeneralSettings": self.setting_values("GENERAL"),
            "ReturnsSettings": self.setting_values("RETURN"),
            "ShippingSettings": self.setting_values("SHIPPING"),
            "PaymentSettings": self.setting_values("PAYMENT"),
            "VariationSettings": self.setting_values("VARIATION"),
            "AttributeSettings": [],
            "PaymentMethods": self.payment[:1] if self.settings.get("IsPaymentListingSpecific") is True else [],
        }
        return [{"ConfiguratorId": CONFIGURATOR_ID, "ProductSettings": settings}]

    def listing(self, sku: str, variations: int = 0) -> SentListing:
        """Return a new listing in the first category with every required attribute."""
        has_shipping = self.settings.get("IsShippingListingSpecific") is True
        listing = {
            "ConfiguratorId": CONFIGURATOR_ID,
            "TemplateId": self.rng.randrange(100_000, 1_000_000),
            "ExternalListingId": "",
            "SKU": sku,
            "Title": f"Check of listing {sku}",
            "Description": "Created by a check, which also deletes it.",
            "Quantity": 3,
            "Images": [],
            "Price": 12.34,
            "Categories": self.categories[:1],
            "ShippingMethods": [{"ShippingMethodID": tag, "Price": 2.5} for tag in self.shipping[:1] if has_shipping],
            "Attributes": list(self._required_attributes(READ_FROM_PARENT if variations else READ_FROM_ANY)),
            "Variations": [self._variation(sku, position) for position in range(1, variations + 1)],
            "VariationOptions": [],
        }
        if variations:
            listing["VariationOptions"] = [
                {
                    "Name": name,
                    "Position": position_of_option,
                    "Values": [
                        {"Position": position, "Value": f"{name} {position}"} for position in range(1, variations + 1)
                    ],
                }
                for position_of_option, name in enumerate(self._option_names(), 1)
            ]
        return SentListing(listing)

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
                    "Position": position_of_option,
                    "Value": {"Position": position, "Value": f"{name} {position}"},
                }
                for position_of_option, name in enumerate(self._option_names(), 1)
            ],
            "AttributeSettings": list(self._required_attributes(READ_FROM_CHILD)),
        }

    def _option_names(self) -> list[str]:
        needed = [string(row.get("VariationName")) for row in objects(self.variations.get("NeededVariations"))]
        maximum = self.variations.get("MaxVariationAttributes")
        return (needed or ["Size"])[: maximum if isinstance(maximum, int) and maximum > 0 else None]

    def _required_attributes(self, read_from: tuple[bool, ...]) -> Iterator[dict[str, Any]]:
        for attribute in self.attributes:
            is_of_child = attribute.get("AttribueReadFrom") == "Child"
            if attribute.get("MustBeSpecified") == "Required" and is_of_child in read_from:
                name = string(attribute.get("ID"))
                value = self._value(name, attribute)
                yield {"IsCustomAttribute": False, "AttributeID": name, "AttributeValue": value}

    def _values_of(self, setting: dict[str, Any]) -> list[str]:
        name = string(setting.get("ConfigItemId"))
        initial = setting.get("InitialValues")
        if name not in self.config and isinstance(initial, list) and initial:
            return [str(value) for value in initial]
        required = setting.get("MustBeSpecified") is True
        return [self._value(name, setting)] if required or name in self.config else []

    def _value(self, name: str, field: dict[str, Any]) -> str:
        if name in self.config:
            return self.config[name]
        options = field.get("ValueOptions") or []
        expected_type = field.get("ExpectedType")
        item = {
            "ConfigItemId": name,
            "ValueType": "LIST" if options else WIZARD_TYPES.get(str(expected_type), expected_type),
            "ListValues": [{"Value": option} for option in options],
            "RegExValidation": field.get("RegExValidation"),
        }
        return made_up_value(item, self.rng)
