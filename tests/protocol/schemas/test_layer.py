"""Every level of every message goes through its marshmallow schema: proved from outside, field by field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, get_args

import marshmallow
import msgspec
import pytest

from bridge.protocol.endpoints import AREAS
from bridge.protocol.schemas import fields
from bridge.protocol.schemas.base import Message, MessageSchema, schema_of
from bridge.protocol.schemas.rows import Rows
from bridge.settings import Settings
from tests.conftest import opened, sender
from tests.linnworks import LONG_AGO, Linnworks

pytestmark = pytest.mark.broad

CALLS = {call.manifest: call for area in AREAS for call in area.calls}
GOOD = {fields.Integer: 1, fields.Decimal: 1, fields.Boolean: True, fields.DateTime: LONG_AGO, fields.String: "1"}
JUNK = {"a": [{"b": None}]}  # which no plain value is, and no field of ours has

VALUES: list[Any] = [
    None,
    True,
    "",
    "abc",
    "12",
    "0.5",
    "9" * 400,
    "1e400",
    "NaN",
    "2025-07-05 03:48:51Z",
    0,
    -1,
    7.5,
    2147483648,
    10**30,
    "a\0b",
    "a\ud800",
    "x" * 20_000,
    [],
    [None],
    [[]],
    {},
    JUNK,
]


def paths(kind: Any, *above: str) -> Iterator[tuple[str, ...]]:
    """The keys that lead to each field of a message and of all within it, by what the objects declare."""
    for info in msgspec.structs.fields(kind):
        path = (*above, info.encode_name)
        yield path
        if within := message_in(info.type):
            yield from paths(within, *path)


def message_in(hint: Any) -> Any:
    """The message that a type is of or has within it; None where there is none."""
    if isinstance(hint, type) and issubclass(hint, Message):
        return hint
    return next((found for part in get_args(hint) if (found := message_in(part))), None)


def entry(field: Any) -> Any:
    """What a list is of; of any other field, itself."""
    return getattr(field, "inner", field)


PATHS = [(name, path) for name, call in CALLS.items() for path in paths(call.takes)]
ids = [".".join((name, *path)) for name, path in PATHS]


def sample(field: Any) -> Any:
    """A good value of a field."""
    if isinstance(field, fields.List):
        return [sample(field.inner)]
    if isinstance(field, fields.Nested):
        return required(field.schema)
    if isinstance(field, fields.Enum):
        return next(iter(field.enum)).name
    return GOOD[type(field)]


def required(schema: MessageSchema) -> dict[str, Any]:
    """The least that a message has."""
    return {str(field.data_key): sample(field) for field in schema.fields.values() if field.required}


def field_at(schema: Any, path: tuple[str, ...]) -> Any:
    """The field where these keys lead."""
    field = next(field for field in schema.fields.values() if field.data_key == path[0])
    return field if len(path) == 1 else field_at(entry(field).schema, path[1:])


def body(schema: Any, path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """A message that is good but for one value, where these keys lead."""
    field = field_at(schema, path[:1])
    if len(path) > 1:
        value = body(entry(field).schema, path[1:], value)
        value = [value] if isinstance(field, fields.List) else value
    beside = {"Listings": [{"SKU": "1"}]} if path[0] == "Settings" else {}  # that these are the settings of
    return required(schema) | beside | {path[0]: value}


@pytest.fixture(scope="module")
def linnworks(tmp_path_factory) -> Iterator[Linnworks]:
    """An integration that all these tests share: nothing they send changes it."""
    with opened(Settings(data_dir=tmp_path_factory.mktemp("layer"))) as app:
        found = Linnworks(sender(app), "layer")
        found.finish_wizard(shop_name="layer", access_key="let me in")
        yield found


def errors(linnworks: Linnworks, name: str, sent: dict[str, Any]) -> str:
    """All that the answer says is wrong, also in its rows and in its feed."""
    answer = linnworks._call(name, sent | {"AuthorizationToken": linnworks.token})
    if answer.get("ChannelFeedId"):
        answer = linnworks("CheckFeedEndpoint", ChannelFeedId=answer["ChannelFeedId"])
        return "; ".join(message["Message"] for row in answer["ProductFeeds"] for message in row["Messages"])
    rows = answer.get("Products") or answer.get("Orders") or []
    return "; ".join([str(answer["Error"]), *(str(row.get("Error")) for row in rows)])


@pytest.mark.parametrize(("name", "path"), PATHS, ids=ids)
def test_a_bad_value_is_refused_at_every_level(linnworks, name, path):
    """
    What a field does not take is named by its key; only the date that no channel needs costs nothing.
    """
    schema = schema_of(CALLS[name].takes)
    bad = "no object" if isinstance(entry(field_at(schema, path)), fields.Nested) else JUNK
    named = errors(linnworks, name, body(schema, path, bad))

    assert "Internal error" not in named
    assert (path[-1] != "ProcessedOn") == (path[-1] in named)


@pytest.mark.parametrize(("name", "path"), PATHS, ids=ids)
def test_whatever_a_field_holds_is_answered(linnworks, name, path):
    """
    The answer is in the envelope with an Error in words or null; every row is answered, and the good ones are done.
    """
    schema = schema_of(CALLS[name].takes)
    bodies = [body(schema, path, value) for value in VALUES]
    if isinstance(field_at(schema, path[:1]), Rows) and len(path) > 1:
        rows = [row for sent in bodies for row in sent[path[0]]]
        good = {"SKU": "101-11", "Quantity": 5, "Price": 5}
        bodies = [bodies[0] | {path[0]: [good, *rows, good]}]
    for sent in bodies:
        answer = linnworks._call(name, sent | {"AuthorizationToken": linnworks.token})

        assert answer["Error"] is None or (answer["Error"] and "Internal error" not in answer["Error"])
        answered = answer.get("Products") or answer.get("Orders")
        if answered and len(path) > 1:
            assert len(sent[path[0]]) == len(answered)
        if answer.get("Products") and len(path) > 1:
            assert {"SKU": "101-11", "Error": None} == answered[0] == answered[-1]


@pytest.mark.parametrize("name", sorted({name for name, _ in PATHS}))
def test_every_nested_schema_loads_what_is_in_it(linnworks, name, monkeypatch):
    """
    One call that has every field loads each message within its message through that one's own schema.
    """
    loaded = set()
    usual = marshmallow.Schema._do_load

    def load(self: Any, data: Any, **options: Any) -> Any:
        loaded.add(self.object_class)
        return usual(self, data, **options)

    monkeypatch.setattr(MessageSchema, "_do_load", load)
    schema = schema_of(CALLS[name].takes)
    within = set() if schema.is_plain else {schema.object_class}  # test_fast holds these to theirs
    for path in paths(CALLS[name].takes):
        field = field_at(schema, path)
        if isinstance(of := entry(field), fields.Nested):
            within |= set() if of.schema.object_class.fast else {of.schema.object_class}
            sent = body(schema, path, required(of.schema) if of is field else [required(of.schema)])
            linnworks._call(name, in_lower_case(sent) | {"AuthorizationToken": linnworks.token})
    linnworks._call(name, {"AuthorizationToken": linnworks.token})

    assert within <= loaded


def in_lower_case(value: Any) -> Any:
    """The same with keys that no fast way takes."""
    return json.loads(json.dumps(value), object_hook=lambda found: {key.lower(): one for key, one in found.items()})


def test_the_fields_are_marshmallow_s():
    """
    Each subclasses the one of its name, and each schema is a marshmallow Schema.
    """
    ours = {field for name, path in PATHS for field in [type(field_at(schema_of(CALLS[name].takes), path))]}

    assert {"String", "Integer", "Decimal", "Boolean", "Enum", "DateTime", "Nested", "List", "Rows"} >= {
        kind.__name__ for kind in ours
    }
    for kind in ours:
        assert issubclass(kind, getattr(marshmallow.fields, kind.__name__, marshmallow.fields.List))
