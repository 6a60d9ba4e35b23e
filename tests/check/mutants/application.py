"""The correct application: every endpoint in its simplest correct form, with hooks for mutants."""

from __future__ import annotations

import json
import re
import secrets
import struct
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qs

from tests.check.mutants.shop import Shop

CLIENT = ("linnworks", "the secret of linnworks")
EMPTY: dict[str, dict[str, Any]] = {
    "AddNewUser": {"AuthorizationToken": None},
    "UserConfig": {"ConfigItems": []},
    "SaveConfig": {"ConfigItems": []},
    "ShippingTags": {"ShippingTags": []},
    "PaymentTags": {"PaymentTags": []},
    "ConfigTest": {},
    "ConfigDeleted": {},
    "Orders": {"HasMorePages": False, "Orders": []},
    "Despatch": {"Orders": []},
    "Cancel": {},
    "Refund": {"RefundReference": ""},
    "PostSaleOptions": {"PostSaleReasons": []},
    "Products": {"HasMorePages": False, "Products": []},
    "InventoryUpdate": {"Products": []},
    "PriceUpdate": {"Products": []},
    "GetConfiguratorSettings": {"Settings": []},
    "GetCategories": {"HasMorePages": False, "Categories": []},
    "GetAttributesByCategory": {"Attributes": []},
    "GetVariationsByCategory": {"NeededVariations": []},
    "ListingUpdate": {"ChannelFeedId": ""},
    "ListingDelete": {"ChannelFeedId": ""},
    "CheckFeed": {"IsFeedReady": False, "ProductFeeds": []},
}
"""What each endpoint returns beside an Error."""

Body = dict[str, Any]


@dataclass
class Integration:
    token: str
    account: str
    name: str
    step: str = "Connect"
    settings: dict[str, str] = field(default_factory=lambda: {"IncludeTax": "True", "Prefix": "W"})


@dataclass
class Response:
    status: int
    payload: bytes
    headers: dict[str, str]
    chunked: bool = False


class Application:
    """A channel application; hooks change the request's body, the response's body, and the HTTP response."""

    def __init__(self, base_url: str) -> None:
        self.shop = Shop()
        self.integrations: dict[str, Integration] = {}
        self.request_hooks: dict[str, list[Callable[[Body], Body | None]]] = defaultdict(list)
        self.body_hooks: dict[str, list[Callable[[Body, Body], Body | None]]] = defaultdict(list)
        self.response_hooks: list[Callable[[str, Body, Response], None]] = []
        self.unique_name: Callable[[Integration], Any] = lambda other: (other.account, other.name)
        self.new_token: Callable[[], str] = lambda: secrets.token_hex(16)
        self.find: Callable[[Any], Integration] = self.by_token
        self.bearers: set[str] = set()
        self.requires_bearer_token = False
        self.logo = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 57, 57)
        self.parameters: dict[str, Any] = {
            "ChannelName": "MUTANT",
            "ChannelFriendlyName": "A shop",
            "ChannelLogoURL": f"{base_url}/logo",
            **{f"{name}Endpoint": f"{base_url}/linn/{name}" for name in EMPTY if name != "PostSaleOptions"},
            "PostSaleOptions": f"{base_url}/linn/PostSaleOptions",
            "InventoryUpdateBatchSize": "50",
            "PriceUpdateBatchSize": "50",
            "DespatchUpdateBatchSize": "20",
            "IsListingSupported": "True",
        }

    def with_oauth(self, base_url: str) -> None:
        """Require an access token with every call."""
        self.requires_bearer_token = True
        self.parameters["OAuthAuthorizationEndpoint"] = f"{base_url}/token"
        self.parameters["OAuthScopesRequested"] = "read write"

    def respond(self, method: str, path: str, headers: dict[str, str], content: bytes) -> Response:
        if path == "/logo":
            return Response(200, self.logo, {"Content-Type": "image/png"})
        if path == "/token":
            return self.token(content)
        name = path.removeprefix("/linn/")
        body: Body = {}
        try:
            if name not in EMPTY or method != "POST":
                raise ValueError("no such call")
            if (
                self.requires_bearer_token
                and headers.get("Authorization", "").removeprefix("Bearer ") not in self.bearers
            ):
                raise ValueError("no valid access token")
            body = self.read(name, content, headers)
            result = {"Error": None, **getattr(self, name)(body)}
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            result = {"Error": str(error) or "failed", **EMPTY.get(name, {})}
        for hook in self.body_hooks[name]:
            result = hook(result, body) or result
        response = Response(200, json.dumps(result).encode(), {"Content-Type": "application/json"})
        for hook in self.response_hooks:
            hook(name, {**body, "sent": content, "method": method, "headers": headers, "result": result}, response)
        return response

    def read(self, name: str, content: bytes, headers: dict[str, str]) -> Body:
        body = json.loads(content) if content or name != "GetConfiguratorSettings" else {}
        if not isinstance(body, dict):
            raise ValueError("no object")
        body = self.spell(body)
        for hook in self.request_hooks[name]:
            body = hook(body) or body
        return body

    def spell(self, body: Body) -> Body:
        """Return the body with keys as the protocol spells them."""
        return {"UTCTimeFrom" if key == "utcTimeFrom" else key[:1].upper() + key[1:]: body[key] for key in body}

    def token(self, content: bytes) -> Response:
        form = {name: values[0] for name, values in parse_qs(content.decode()).items()}
        if (form.get("client_id"), form.get("client_secret")) != CLIENT:
            return Response(401, b'{"error": "invalid_client"}', {"Content-Type": "application/json"})
        bearer = secrets.token_hex(16)
        self.bearers.add(bearer)
        grant = {"access_token": bearer, "token_type": "bearer", "expires_in": 3600, "scope": form.get("scope", "")}
        return Response(200, json.dumps(grant).encode(), {"Content-Type": "application/json"})

    def by_token(self, token: Any) -> Integration:
        if not isinstance(token, str) or token not in self.integrations:
            raise ValueError("unknown authorization token")
        return self.integrations[token]

    def AddNewUser(self, body: Body) -> Body:
        new = Integration(self.new_token(), body["LinnworksUniqueIdentifier"], body["AccountName"])
        if not body["Email"] or not new.name or not new.account.strip("0-"):
            raise ValueError("incomplete")
        for token, other in list(self.integrations.items()):
            if self.unique_name(other) == self.unique_name(new):
                if other.step == "UserConfig":
                    raise ValueError("that name is taken")
                del self.integrations[token]
        self.integrations[new.token] = new
        return {"AuthorizationToken": new.token}

    def UserConfig(self, body: Body) -> Body:
        return self.show(self.find(body.get("AuthorizationToken")))

    def show(self, integration: Integration) -> Body:
        items = [
            self.item("Key", "STRING", "", MustBeSpecified=True),
            self.item("Password", "PASSWORD", ""),
        ]
        if integration.step == "UserConfig":
            items = [
                self.item("IncludeTax", "BOOLEAN", integration.settings["IncludeTax"]),
                self.item("Prefix", "STRING", integration.settings["Prefix"]),
            ]
        return {
            "StepName": integration.step,
            "AccountName": integration.name,
            "WizardStepTitle": integration.step,
            "WizardStepDescription": "What the shop needs",
            "ConfigItems": items,
        }

    def item(self, name: str, value_type: str, value: str, **more: Any) -> Body:
        return {
            "ConfigItemId": name,
            "Name": name,
            "ValueType": value_type,
            "SelectedValue": value,
            "SortOrder": 1,
            **more,
        }

    def SaveConfig(self, body: Body) -> Body:
        integration = self.find(body.get("AuthorizationToken"))
        if body["StepName"] != integration.step:
            raise ValueError(f"Invalid step name expected {integration.step}")
        values = {item["ConfigItemId"]: item["SelectedValue"] for item in body["ConfigItems"]}
        self.save(integration, values)
        return self.show(integration)

    def save(self, integration: Integration, values: dict[str, str]) -> None:
        if integration.step == "Connect" and not values.get("Key"):
            raise ValueError("Key is required")
        integration.settings.update({name: value for name, value in values.items() if name in integration.settings})
        integration.step = "UserConfig"

    def ShippingTags(self, body: Body) -> Body:
        self.find(body.get("AuthorizationToken"))
        return {"ShippingTags": [{"Tag": "post", "FriendlyName": "By post", "Site": ""}]}

    def PaymentTags(self, body: Body) -> Body:
        self.find(body.get("AuthorizationToken"))
        return {"PaymentTags": [{"Tag": "card", "FriendlyName": "By card", "Site": ""}]}

    def ConfigTest(self, body: Body) -> Body:
        self.find(body.get("AuthorizationToken"))
        return {}

    def ConfigDeleted(self, body: Body) -> Body:
        self.integrations.pop(body["AuthorizationToken"], None)
        return {}

    def Orders(self, body: Body) -> Body:
        self.find(body.get("AuthorizationToken"))
        return self.page("Orders", self.shop.changed_since(self.time(body["UTCTimeFrom"])), body["PageNumber"])

    def time(self, written: str) -> datetime:
        if found := re.fullmatch(r"/Date\((\d+)\)/", written):
            return datetime.fromtimestamp(int(found[1]) / 1000, timezone.utc)
        plain = re.sub(r"\.\d+", "", written).replace("Z", "+00:00").replace(" ", "T")
        read = datetime.fromisoformat(plain)
        return read if read.tzinfo else read.replace(tzinfo=timezone.utc)

    def page(self, name: str, rows: list[Body], number: Any) -> Body:
        if int(number) < 1:
            raise ValueError("Invalid page number")
        first = (int(number) - 1) * 10
        shown = json.loads(json.dumps(rows[first : first + 10]))
        return {"HasMorePages": len(rows) > first + 10, name: shown}

    def Despatch(self, body: Body) -> Body:
        self.find(body.get("AuthorizationToken"))
        rows = [self.result_row("ReferenceNumber", parcel, self.shop.despatch) for parcel in body["Orders"] or []]
        return {"Orders": [{**row, "Retry": False} for row in rows]}

    def result_row(self, key: str, row: Body, action: Callable[[Body], object]) -> Body:
        try:
            action(row)
        except (ValueError, KeyError, TypeError) as error:
            return {key: row[key], "Error": str(error)}
        return {key: row[key], "Error": None}

    def Cancel(self, body: Body) -> Body:
        self.find(body.get("AuthorizationToken"))
        cancellation = body["Cancellation"]
        self.shop.cancel(cancellation["ReferenceNumber"], cancellation["Items"])
        return {}

    def Refund(self, body: Body) -> Body:
        self.find(body.get("AuthorizationToken"))
        return {"RefundReference": self.shop.refund(body["Refund"])}

    def PostSaleOptions(self, body: Body) -> Body:
        self.find(body.get("AuthorizationToken"))
        return {
            "CanCancel": True,
            "CanCancelOrderLines": True,
            "CanCancelOrderLinesPartially": True,
            "CanRefund": True,
            "CanAttachRefundToItem": True,
            "RefundShippingTypes": 3,
            "CanReturn": False,
            "PostSaleReasons": [{"Tag": "other", "DisplayName": "Other", "Types": [0, 1, 2], "SubReasons": []}],
        }

    def Products(self, body: Body) -> Body:
        self.find(body.get("AuthorizationToken"))
        return self.page("Products", list(self.shop.products.values()), body["PageNumber"])

    def InventoryUpdate(self, body: Body) -> Body:
        return self.update(body, "Quantity", int)

    def PriceUpdate(self, body: Body) -> Body:
        return self.update(body, "Price", float)

    def update(self, body: Body, name: str, convert: type) -> Body:
        self.find(body.get("AuthorizationToken"))

        def store(row: Body) -> None:
            if row["SKU"] not in self.shop.products:
                raise ValueError("no such SKU")
            if not row.get("Tag"):
                self.shop.products[row["SKU"]][name] = convert(row[name])

        return {"Products": [self.result_row("SKU", row, store) for row in body["Products"] or []]}

    def GetConfiguratorSettings(self, body: Body) -> Body:
        return {"Settings": [], "IsVariationsAllowed": True}

    def GetCategories(self, body: Body) -> Body:
        self.find(body.get("AuthorizationToken"))
        return self.page("Categories", [{"CategoryId": 501, "CategoryName": "Things"}], body["PageNumber"])

    def GetAttributesByCategory(self, body: Body) -> Body:
        self.find(body.get("AuthorizationToken"))
        material = {"ID": "material", "MustBeSpecified": "Required", "ExpectedType": "STRING"}
        return {"Attributes": [{**material, "AttribueReadFrom": "Parent"}]}

    def GetVariationsByCategory(self, body: Body) -> Body:
        self.find(body.get("AuthorizationToken"))
        return {"MaxVariationAttributes": 2, "NeededVariations": [{"VariationName": "Size", "Description": ""}]}

    def ListingUpdate(self, body: Body) -> Body:
        token = self.find(body.get("AuthorizationToken")).token
        return {"ChannelFeedId": self.shop.list(token, body["Listings"])}

    def ListingDelete(self, body: Body) -> Body:
        token = self.find(body.get("AuthorizationToken")).token
        return {"ChannelFeedId": self.shop.unlist(token, body["ExternalListingIds"])}

    def CheckFeed(self, body: Body) -> Body:
        token = self.find(body.get("AuthorizationToken")).token
        feed = self.shop.feeds.get(body["ChannelFeedId"])
        if feed is None or not self.may_see(token, feed):
            raise ValueError("no such feed")
        return {"IsFeedReady": True, "ProductFeeds": feed["rows"]}

    def may_see(self, token: str, feed: Body) -> bool:
        return feed["token"] == token
