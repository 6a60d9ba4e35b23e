"""Linnworks, as far as tests need it: one integration, its token, and the calls it makes."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

LONG_AGO = "2000-01-01 00:00:00Z"


class Linnworks:
    """One integration of a Linnworks account; raises AssertionError if a step of its wizard fails."""

    def __init__(self, call: Callable[..., Any], shop_name: str = "", account_name: str = "") -> None:
        self._call = call
        self.shop_name = shop_name
        self.account = str(uuid.uuid4())
        self.account_name = account_name or f"Account of {shop_name}"
        begun = self.begin()
        assert begun["Error"] is None
        self.token = begun["AuthorizationToken"]

    def begin(self) -> Any:
        """Call AddNewUser as Linnworks does."""
        return self._call(
            "AddNewUserEndpoint",
            LinnworksUniqueIdentifier=self.account,
            Email="seller@example.com",
            AccountName=self.account_name,
        )

    def __call__(self, name: str, **fields: Any) -> Any:
        """Call an endpoint with this integration's token."""
        return self._call(name, AuthorizationToken=self.token, **fields)

    def save(self, step: str, **values: str) -> Any:
        """Call SaveConfig with values by ConfigItemId."""
        items = [{"ConfigItemId": name, "SelectedValue": value} for name, value in values.items()]
        return self("SaveConfigEndpoint", StepName=step, ConfigItems=items)

    def finish_wizard(self, **values: str) -> None:
        """Go through every step of the wizard with the same values; each step takes those it knows."""
        step = self("UserConfigEndpoint")
        while step["StepName"] != "UserConfig":
            step = self.save(step["StepName"], **values)
            assert step["Error"] is None

    def pages(self, name: str, rows: str, **fields: Any) -> list[Any]:
        """Return the rows of all pages."""
        found: list[Any] = []
        more, number = True, 1
        while more:
            page = self(name, PageNumber=number, **fields)
            assert page["Error"] is None
            found += page[rows]
            more, number = page["HasMorePages"], number + 1
        return found

    def orders(self, since: str = LONG_AGO) -> dict[str, Any]:
        """Return all orders by ReferenceNumber."""
        return {order["ReferenceNumber"]: order for order in self.pages("OrdersEndpoint", "Orders", UTCTimeFrom=since)}

    def products(self) -> dict[str, Any]:
        """Return all products by SKU."""
        return {product["SKU"]: product for product in self.pages("ProductsEndpoint", "Products")}
