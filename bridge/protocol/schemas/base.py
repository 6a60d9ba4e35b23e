"""How a message is declared: a frozen object whose annotations say its marshmallow schema.

    class Product(Message):
        sku: str
        title: str = ""
        reference: Annotated[str, fields.String(validate=Length(max=64))] = ""

`str` is a `fields.String`, another message a `fields.Nested`, `tuple[..., ...]` a `fields.List`, and so on; where more
is to be said, `Annotated` has the field. What has no default is required. `schema_of(Product)` is the schema: its
`load` makes the object and its `dump` writes it. What Linnworks may send otherwise is read by it and by the fields:
keys in any case, unknown keys, nulls.

Objects are msgspec's: they are made several times as fast as dataclasses, and its encoder writes them as they are.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from copy import copy
from datetime import datetime
from decimal import Decimal
from enum import IntEnum
from functools import cache
from types import UnionType
from typing import Annotated, Any, ClassVar, Union, get_args, get_origin

import msgspec
from marshmallow import EXCLUDE, Schema, missing, post_dump, post_load, pre_load

from bridge.protocol.schemas import fast, fields
from bridge.protocol.schemas.rows import InvalidRow, Rows

if sys.version_info >= (3, 11):
    from typing import dataclass_transform
else:
    from typing_extensions import dataclass_transform

__all__ = [
    "Answer",
    "InvalidRow",
    "Message",
    "MessageSchema",
    "field",
    "from_plain_data",
    "load",
    "plain_data",
    "read_rows",
    "schema_of",
    "to_json",
]

field = msgspec.field

_encode = msgspec.json.Encoder(decimal_format="number").encode


def wire_name(name: str) -> str:
    """Return a field's key on the wire, in PascalCase."""
    return "".join({"sku": "SKU", "utc": "UTC"}.get(word) or word.capitalize() for word in name.split("_"))


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Message(msgspec.Struct, frozen=True, rename=wire_name, gc=False):
    """A frozen object that knows how it looks on the wire; what is secret is not in its repr.

    The garbage collector need not look at it: what is frozen, and holds only the like, is in no cycle.

    Where there may be a thousand of them in a request, a `fast` one spares most of marshmallow's time: it has texts,
    numbers and decimals, and forbids unknown fields and has no defaults, so that what is parsed as it is has each key.
    """

    fast: ClassVar[bool] = False

    def __repr__(self) -> str:
        known: Any = schema_of(type(self)).declared_fields
        shown = (name for name in self.__struct_fields__ if not known[name].secret)
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"


class MessageSchema(Schema):
    """The marshmallow schema of a message."""

    object_class: ClassVar[type[Message]]
    TYPE_MAPPING = {
        str: fields.String,
        int: fields.Integer,
        bool: fields.Boolean,
        Decimal: fields.Decimal,
        datetime: fields.DateTime,
    }
    error_messages = {"type": "Not an object."}

    class Meta:
        unknown = EXCLUDE
        register = False

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        own: Any = self.fields.values()
        self.is_plain = fast.takes(self)
        self.keys = {key.casefold(): field.data_key for field in own for key in (*field.also, field.data_key)}
        self.twice = {key: field.data_key for field in own if field.twice for key in field.also}

    @pre_load
    def map_keys(self, data: Any, **_: Any) -> Any:
        """Give the values that are not null their canonical keys; of several the canonical one, else the first."""
        if not isinstance(data, dict):
            return data
        found: dict[str, Any] = {}
        for key, value in data.items():
            canonical = self.keys.get(key.casefold()) if value is not None else None
            if canonical and (canonical not in found or key == canonical):
                found[canonical] = value
        return found

    @post_load
    def make_message(self, data: dict[str, Any], **_: Any) -> Message:
        """Make the object."""
        return self.object_class(**data)

    @post_dump
    def write_twice(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Repeat the values on whose key sources disagree."""
        return data | {key: data[first] for key, first in self.twice.items()}

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Return a field's value: a message has all of them."""
        return getattr(obj, attr)


@cache
def schema_of(kind: type[Message]) -> MessageSchema:
    """Return the schema of a message."""
    members: dict[str, Any] = {"object_class": kind}
    for info in msgspec.structs.fields(kind):
        made = _field(info.type)
        made.data_key = info.encode_name
        made.required = info.required and made.load_default is missing
        if not info.required:
            made.load_default = info.default
            made.allow_none = info.default is None
        members[info.name] = made
    if "Meta" in vars(kind):
        members["Meta"] = kind.Meta  # type: ignore[attr-defined]
    schema: MessageSchema = type(f"{kind.__name__}Schema", (MessageSchema,), members)()
    return schema


def _field(hint: Any) -> Any:
    """Return a new field for a type: the one that it is annotated with, or the usual one."""
    if get_origin(hint) is Annotated:
        return copy(next(extra for extra in hint.__metadata__ if isinstance(extra, fields.Field)))
    if get_origin(hint) is tuple:
        of, *_ = get_args(hint)
        return Rows(_field(get_args(of)[0])) if InvalidRow in get_args(of) else fields.List(_field(of))
    if get_origin(hint) in (Union, UnionType):
        return _field(get_args(hint)[0])  # the other is None
    if issubclass(hint, Message):
        return fields.Nested(schema_of(hint))
    if issubclass(hint, IntEnum):
        return fields.Enum(hint)
    return MessageSchema.TYPE_MAPPING[hint]()


def load(kind: type[Message], data: Any) -> Message:
    """Return the message that a request has; raises ValidationError."""
    schema = schema_of(kind)
    made = fast.load(schema, data) if schema.is_plain else None
    message: Message = schema.load(data) if made is None else made
    return message


def read_rows(kind: type[Message], raw: bytes) -> dict[str, Any] | None:
    """Parse a body into what `load` takes, its rows already objects; None where that takes a parsed body."""
    return fast.read(schema_of(kind), raw)


def to_json(message: Message) -> bytes:
    """Return the message as it goes over the wire; money as exact numbers."""
    schema = schema_of(type(message))
    try:
        return _encode(fast.dump(schema, message))
    except UnicodeEncodeError:  # half a surrogate pair, in a SKU that is answered as received or from a shop
        return json.dumps(schema.dump(message), default=float).encode()


def plain_data(message: Message) -> dict[str, Any]:
    """Return the message as plain data under its wire names: what JSON has, and decimals."""
    return schema_of(type(message)).dump(message)  # type: ignore[no-any-return]


def from_plain_data(kind: Any, data: Any) -> Any:
    """Return what `plain_data` was made of, `kind` or a list of it, from the store: it was validated before."""
    return msgspec.convert(data, kind)


class Answer(Message):
    """What every answer has: `Error`, null on success."""

    error: str | None = None

    @property
    def row_errors(self) -> Sequence[str | None]:
        """The Error of each row, None where there is none; empty for answers without rows."""
        return ()
