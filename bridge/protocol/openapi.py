"""OpenAPI: the description of all endpoints, made from their messages, so that it cannot differ from what they do.

Straight from the wires: to apispec's marshmallow plugin our fields are of no type that it knows, and teaching it
every one of them is all the work there is.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bridge import __version__
from bridge.protocol.area import Area
from bridge.protocol.oauth import READ, WRITE
from bridge.protocol.schemas.base import (
    UNLIMITED,
    Code,
    Flag,
    Many,
    Moment,
    Name,
    Number,
    One,
    Shape,
    Text,
    Whole,
    Wire,
    shape_of,
)

OPENAPI = "3.1.0"
TOKEN = "AuthorizationToken"  # noqa: S105 (its name)
INTRODUCTION = (
    "What Linnworks calls. Every answer has the status 200 and `Error`, null or in words. Keys are read in any case, "
    "unknown ones are ignored, null counts as absent; enums are read by name or number, numbers from texts too."
)
TOKEN_WORDS = {
    "type": "object",
    "required": [TOKEN],
    "properties": {TOKEN: {"type": "string", "description": "What AddNewUser answered"}},
}


def document(areas: Iterable[Area], *, server: str, name: str, token_url: str) -> dict[str, Any]:
    """The OpenAPI document of these areas' calls, at the address `server`."""
    calls = [(area.name, call) for area in areas for call in area.calls]
    asked = _messages(call.takes for _, call in calls)
    told = _messages(call.gives for _, call in calls)
    return {
        "openapi": OPENAPI,
        "info": {"title": f"{name} for Linnworks", "version": __version__, "description": INTRODUCTION},
        "servers": [{"url": server}],
        "paths": {
            call.path: {
                "post": {
                    "operationId": call.manifest,
                    "tags": [area],
                    "summary": call.description.partition(". ")[0].rstrip("."),
                    "description": call.description,
                    "security": [{}, {"oauth": [call.scope]}],
                    "requestBody": {"required": True, "content": _json(_asked(call.takes, call.token))},
                    "responses": {"200": {"description": "The outcome", "content": _json(_named(call.gives))}},
                }
            }
            for area, call in calls
        },
        "components": {
            "schemas": {
                TOKEN: TOKEN_WORDS,
                **{kind: _object(shape, whole=kind not in asked) for kind, shape in sorted((asked | told).items())},
            },
            "securitySchemes": {
                "oauth": {
                    "type": "oauth2",
                    "description": "Only where an OAuth client was made",
                    "flows": {
                        "clientCredentials": {
                            "tokenUrl": token_url,
                            "scopes": {READ: "what reads", WRITE: "what changes something"},
                        }
                    },
                }
            },
        },
    }


def _json(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _named(kind: type) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{kind.__name__}"}


def _asked(kind: type, token: bool) -> dict[str, Any]:
    return {"allOf": [{"$ref": f"#/components/schemas/{TOKEN}"}, _named(kind)]} if token else _named(kind)


def _messages(kinds: Iterable[type]) -> dict[str, Shape]:
    """The shapes of these messages and of all within them, by name."""
    found: dict[str, Shape] = {}
    waiting = [shape_of(kind) for kind in kinds]
    while waiting:
        shape = waiting.pop()
        if found.setdefault(_name(shape), shape) is shape:
            inner = [wire.of if isinstance(wire, Many) else wire for wire in shape.wires.values()]
            waiting += [wire.shape for wire in inner if isinstance(wire, One) and _name(wire.shape) not in found]
    return found


def _name(shape: Shape) -> str:
    return str(getattr(shape.make, "__name__", ""))


def _object(shape: Shape, *, whole: bool) -> dict[str, Any]:
    """A message; of one that is only told, `whole`, every key is there."""
    wires = {
        key: wire for wire in shape.wires.values() for key in (str(wire.data_key), *(wire.also if wire.twice else ()))
    }
    required = [key for key, wire in wires.items() if whole or (wire.required and key == wire.data_key)]
    words = vars(shape.make)["__doc__"]
    return {
        "type": "object",
        **({"description": inspect.cleandoc(words)} if words else {}),
        "properties": {key: _wire(wire) for key, wire in wires.items()},
        **({"required": required} if required else {}),
    }


def _wire(wire: Wire, *, listed: bool = False) -> dict[str, Any]:
    """A value; without a default it may be null, but not in a list."""
    schema = next(made(wire) for kind, made in _SCHEMAS.items() if isinstance(wire, kind))
    if listed or wire.required or wire.default is not None:
        return schema
    return {"anyOf": [schema, {"type": "null"}]}


def _whole(wire: Whole) -> dict[str, Any]:
    least = {"minimum": wire.least} if wire.least > -(2**31) else {}
    return {"type": "integer", "format": "int32", **least, **({"default": wire.default} if wire.default else {})}


def _text(wire: Text) -> dict[str, Any]:
    return {"type": "string", **({"maxLength": wire.limit} if wire.limit < UNLIMITED else {})}


def _code(wire: Code) -> dict[str, Any]:
    names = ", ".join(f"{member.value} {member.name}" for member in wire.kind)
    return {"type": "integer", "enum": [member.value for member in wire.kind], "description": names}


# a kind before those it is made of
_SCHEMAS: dict[type[Wire], Callable[[Any], dict[str, Any]]] = {
    Text: _text,
    Whole: _whole,
    Number: lambda wire: {"type": "number"},
    Flag: lambda wire: {"type": "boolean"},
    Moment: lambda wire: {"type": "string", "format": "date-time"},
    Code: _code,
    Name: lambda wire: {"type": "string", "enum": [member.name for member in wire.kind]},
    One: lambda wire: {"$ref": f"#/components/schemas/{_name(wire.shape)}"},
    Many: lambda wire: {"type": "array", "items": _wire(wire.of, listed=True)},
}
