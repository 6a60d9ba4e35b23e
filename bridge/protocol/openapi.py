"""OpenAPI: the description of all endpoints, made from their schemas, so that it cannot differ from what they do."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterable
from typing import Any

import msgspec
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter

from bridge import __version__
from bridge.protocol.area import Area, Endpoint
from bridge.protocol.oauth import READ, WRITE
from bridge.protocol.schemas import fields
from bridge.protocol.schemas.base import schema_of

OPENAPI = "3.1.0"
TOKEN = "AuthorizationToken"  # noqa: S105 (its name)
INTRODUCTION = (
    "What Linnworks calls. Every answer has the status 200 and `Error`, null or in words. Keys are read in any case, "
    "unknown ones are ignored, null counts as absent; enums are read by name or number, numbers from texts too."
)
TOKEN_SCHEMA = {
    "type": "object",
    "required": [TOKEN],
    "properties": {TOKEN: {"type": "string", "description": "What AddNewUser answered"}},
}
EXAMPLE_TOKEN = "7947e4e0065a9d64b3289ff2faf32ccb"  # noqa: S105 (nobody's)
EXAMPLES: dict[str, dict[str, Any]] = {
    "AddNewUserEndpoint": {
        "LinnworksUniqueIdentifier": "8a3f3d0e-6c5b-4f5e-9c7b-2f7f0f6f3a11",
        "Email": "you@example.com",
        "AccountName": "My shop",
    },
    "SaveConfigEndpoint": {
        "StepName": "Shop",
        "ConfigItems": [
            {"ConfigItemId": "shop_name", "SelectedValue": "teapots"},
            {"ConfigItemId": "access_key", "SelectedValue": "let me in please"},
        ],
    },
    "OrdersEndpoint": {"PageNumber": 1, "UTCTimeFrom": "2026-11-23 22:00:00Z"},
    "InventoryUpdateEndpoint": {
        "Products": [
            {"SKU": "101-11", "Reference": "1", "Quantity": 7},
            {"SKU": "nothing", "Quantity": 1},
        ]
    },
    "DespatchEndpoint": {
        "Orders": [
            {
                "ReferenceNumber": "1061",
                "ShippingVendor": "Royal Mail",
                "TrackingNumber": "AB123456789GB",
                "ProcessedOn": "2026-11-23 22:00:00Z",
                "Items": [{"SKU": "101-11", "OrderLineNumber": "1", "DespatchedQuantity": 1}],
            }
        ]
    },
    "RefundEndpoint": {
        "Refund": {
            "ReferenceNumber": "1061",
            "Items": [{"SKU": "101-11", "OrderLineNumber": "1", "RefundAmount": 5.25, "Reason": "DAMAGED"}],
        }
    },
}
"""Bodies of the README's walk-through, by manifest parameter; the token comes to them where a call needs one."""


class _Converter(OpenAPIConverter):
    """Adds what our schemas have more than others: docstrings, keys written twice, answers that are always whole."""

    requests: Collection[type] = ()

    def schema2jsonschema(self, schema: Any) -> dict[str, Any]:
        made: dict[str, Any] = super().schema2jsonschema(schema)  # type: ignore[no-untyped-call]
        properties = made["properties"]
        if doc := vars(schema.object_class)["__doc__"]:
            made["description"] = inspect.cleandoc(doc)
        for field in schema.fields.values():
            if field.twice:
                properties |= dict.fromkeys(field.also, properties[field.data_key])
        if schema.object_class not in self.requests:
            made["required"] = list(properties)
        return made


class _Plugin(MarshmallowPlugin):
    Converter = _Converter


def _number_of_enum(_: OpenAPIConverter, field: Any, **__: Any) -> dict[str, Any]:
    """Say what the numbers of an enum mean that is written by number."""
    if not isinstance(field, fields.Enum) or not field.by_value:
        return {}
    return {"type": "integer", "description": ", ".join(f"{member.value} {member.name}" for member in field.enum)}


def document(areas: Iterable[Area], *, server: str, name: str, token_url: str) -> dict[str, Any]:
    """Return the OpenAPI document of these areas' calls, at the address `server`."""
    calls = [(area.name, call) for area in areas for call in area.calls]
    plugin = _Plugin()
    spec = APISpec(
        f"{name} for Linnworks",
        __version__,
        OPENAPI,
        plugins=[plugin],
        info={"description": INTRODUCTION},
        servers=[{"url": server}],
    )
    converter: Any = plugin.converter
    converter.requests = _nested(call.takes for _, call in calls)
    converter.add_attribute_function(_number_of_enum)
    spec.components.schema(TOKEN, TOKEN_SCHEMA)
    flow = {"tokenUrl": token_url, "scopes": {READ: "what reads", WRITE: "what changes something"}}
    spec.components.security_scheme(
        "oauth",
        {
            "type": "oauth2",
            "description": "Only where an OAuth client was made",
            "flows": {"clientCredentials": flow},
        },
    )
    for area, call in calls:
        spec.path(call.path, operations={"post": _operation(area, call)})
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.Encoder(decimal_format="number").encode(spec.to_dict()))
    return plain


def _operation(area: str, call: Endpoint) -> dict[str, Any]:
    takes, gives = schema_of(call.takes), schema_of(call.gives)
    example = {TOKEN: EXAMPLE_TOKEN} if call.token else {}
    asked = {
        "schema": {"allOf": [{"$ref": f"#/components/schemas/{TOKEN}"}, takes]} if call.token else takes,
        "example": example | EXAMPLES.get(call.manifest, {}),
    }
    return {
        "operationId": call.manifest,
        "tags": [area],
        "summary": call.description.partition(". ")[0].rstrip("."),
        "description": call.description,
        "security": [{}, {"oauth": [call.scope]}],
        "requestBody": {"required": True, "content": {"application/json": asked}},
        "responses": {"200": {"description": "The outcome", "content": {"application/json": {"schema": gives}}}},
    }


def _nested(kinds: Iterable[type]) -> set[type]:
    """Return these messages and all within them."""
    found: set[type] = set()
    waiting: list[Any] = [schema_of(kind) for kind in kinds]
    while waiting:
        schema = waiting.pop()
        found.add(schema.object_class)
        inner = [getattr(field, "inner", field) for field in schema.fields.values()]
        waiting += [field.schema for field in inner if isinstance(field, fields.Nested)]
    return found
