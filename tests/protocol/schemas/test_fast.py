"""The fast ways give what the schemas give: same objects, same errors, same bytes."""

from __future__ import annotations

import json
from datetime import timedelta, timezone
from decimal import Decimal
from functools import partial
from operator import attrgetter
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from bridge.protocol.body import parse_object
from bridge.protocol.endpoints import AREAS
from bridge.protocol.schemas import fields
from bridge.protocol.schemas.base import MessageSchema, load, read_rows, schema_of, to_json
from bridge.protocol.schemas.products import (
    InventoryUpdateRequest,
    Price,
    PriceUpdateRequest,
    StockLevel,
    UpdatedProduct,
    UpdateResponse,
)
from bridge.protocol.schemas.rows import load_row, load_rows

pytestmark = pytest.mark.broad

ANSWERS = sorted({call.gives for area in AREAS for call in area.calls}, key=attrgetter("__name__"))
REQUESTS = sorted({call.takes for area in AREAS for call in area.calls}, key=attrgetter("__name__"))
ZONES = [timezone.utc, timezone(timedelta(hours=-7, minutes=30))]

odd_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**33), 2**33),
    st.decimals(allow_nan=False, allow_infinity=False, places=12),
    st.text(max_size=3),
    st.sampled_from(
        [
            *(Decimal("1E+5"), Decimal("-0"), Decimal("1e-30"), Decimal("123456789012345678"), 10**30, 2**31),
            *("1", "2.5", " 7 ", "1_000", "１２", "Infinity", "NaN", "a", "a\0b", "a\ud800", "x" * 70, "NONE", [], {}),
        ]
    ),
)
usual_values = {
    "SKU": st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5),
    "Reference": st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5),
    "Tag": st.just(""),
    "Quantity": st.integers(-5, 10**6),
    "Price": st.integers(0, 10**5) | st.decimals(0, 10**5, places=2),
}


@st.composite
def lists_of_rows(draw: Any) -> list[Any]:
    """Rows as Linnworks sends them, some with odd values or keys, and now and then something else."""
    rows = draw(st.lists(st.fixed_dictionaries(usual_values), max_size=6))
    for _ in range(draw(st.integers(0, 3)) if rows else 0):
        row = draw(st.sampled_from(rows))
        row |= draw(st.dictionaries(st.sampled_from([*usual_values, "sku", "quantity", "PRICE", "New"]), odd_values))
        for key in draw(st.sets(st.sampled_from(list(usual_values)), max_size=2)):
            row.pop(key, None)
    return rows + draw(st.lists(odd_values, max_size=1))


@pytest.mark.parametrize("kind", [StockLevel, Price])
@given(rows=lists_of_rows())
def test_rows_together_load_as_each_does_by_itself(kind, rows):
    """
    Whatever is in them, loading many rows gives the objects and the errors that the schema gives row by row.
    """
    schema = schema_of(kind)
    together, singly = load_rows(schema, rows), [load_row(schema, row) for row in rows]

    assert singly == list(together)
    assert repr(singly) == repr(list(together))


@pytest.mark.parametrize("kind", [InventoryUpdateRequest, PriceUpdateRequest])
@given(rows=lists_of_rows(), ascii=st.booleans())
def test_a_body_that_is_parsed_into_objects_loads_as_any_other(kind, rows, ascii):
    """
    Whatever is in it, it gives what loading the parsed body gives.
    """
    raw = _body(rows, ensure_ascii=ascii)
    at_once = read_rows(kind, raw)

    assert at_once is None or load(kind, parse_object(raw)) == load(kind, at_once)


@pytest.mark.parametrize("kind", [InventoryUpdateRequest, PriceUpdateRequest])
def test_a_body_as_linnworks_writes_it_is_parsed_into_objects(kind):
    """
    Its rows are objects, whatever the order of the keys.
    """
    row = {"Tag": "", "Price": Decimal("9.990"), "Reference": "é", "SKU": "a"}
    if kind is InventoryUpdateRequest:
        row = {"Quantity": 0, "Reference": "", "SKU": "a"}
    raw = _body([row, row], ensure_ascii=False)
    body = read_rows(kind, raw)

    assert body is not None
    assert "token" == body["AuthorizationToken"]
    assert load(kind, parse_object(raw)).products == tuple(body["Products"])  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "row",
    [
        '{"SKU": "a", "SKU": "b", "Reference": "", "Quantity": 1}',
        '{"SKU": "a", "\\u0053KU": "b", "Reference": "", "Quantity": 1}',
        '{"SKU": "a", "sku": "b", "Reference": "", "Quantity": 1}',
        '{"SKU": "a", "Reference": "", "Quantity": 1, "Quantity": 2}',
        '{"SKU": "a", "SKU": "a", "Quantity": 1}',
        '{"SKU": "a", "Reference": "", "Quantity": 1, "New": 1}',
        '{"SKU": "a", "Reference": "", "Quantity": -1}',
        '{"SKU": "a", "Reference": "", "Quantity": 2147483648}',
        '{"SKU": "a", "Reference": "", "Quantity": "1"}',
        '{"SKU": "a", "Reference": "", "Quantity": 1.0}',
        '{"SKU": "a\\u0000", "Reference": "", "Quantity": 1}',
        '{"SKU": "a", "Reference": null, "Quantity": 1}',
        '{"SKU": "a", "Quantity": 1}',
        "null",
    ],
)
def test_any_other_body_is_parsed_as_it_is(row):
    """
    A key twice, in disguise or unknown, and a value that is not what the field loads: the schema looks at it.
    """
    raw = _body([{"SKU": "b", "Reference": "", "Quantity": 1}]).replace(b"[", b"[" + row.encode() + b", ")

    assert read_rows(InventoryUpdateRequest, raw) is None


def _body(rows: Any, **options: Any) -> bytes:
    return json.dumps({"AuthorizationToken": "token", "Products": rows}, default=float, **options).encode(
        errors="surrogatepass"
    )


@pytest.mark.parametrize("kind", [kind for kind in REQUESTS if schema_of(kind).is_plain])
@given(data=st.data())
def test_plain_requests_load_as_their_schema_loads_them(kind, data):
    """
    Whatever is in one, it gives the object or the error that the schema gives.
    """
    keys = [*(field.data_key for field in schema_of(kind).fields.values()), "pagenumber", "New"]
    body = data.draw(st.dictionaries(st.sampled_from(keys), odd_values))

    assert _loaded(schema_of(kind).load, body) == _loaded(partial(load, kind), body)


def _loaded(load: Any, body: Any) -> Any:
    try:
        return load(body)
    except ValidationError as error:
        return error.messages


def values(field: Any) -> st.SearchStrategy[Any]:
    """What a field of an answer may hold."""
    if isinstance(field, fields.List):
        made = st.lists(values(field.inner), max_size=2).map(tuple)
    elif isinstance(field, fields.Nested):
        made = objects(field.schema)
    elif isinstance(field, fields.Enum):
        made = st.sampled_from(list(field.enum))
    elif isinstance(field, fields.DateTime):
        made = st.datetimes(timezones=st.sampled_from(ZONES))
    elif isinstance(field, fields.Integer):
        made = st.integers(-(2**40), 2**40)
    elif isinstance(field, fields.Decimal):
        made = st.decimals(allow_nan=False, allow_infinity=False)
    elif isinstance(field, fields.Boolean):
        made = st.booleans()
    else:
        made = st.text(st.characters(codec="utf-8"), max_size=4)
    return made | st.none() if field.allow_none else made


def objects(schema: MessageSchema) -> st.SearchStrategy[Any]:
    """Any messages of this kind."""
    return st.builds(schema.object_class, **{name: values(field) for name, field in schema.fields.items()})


@pytest.mark.parametrize("kind", ANSWERS)
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_answers_are_written_as_their_schema_dumps_them(kind, data):
    """
    The bytes are those of `Schema.dump` and the encoder.
    """
    message = data.draw(objects(schema_of(kind)))

    assert msgspec.json.Encoder(decimal_format="number").encode(schema_of(kind).dump(message)) == to_json(message)


def test_one_bad_row_among_a_thousand_leaves_the_others_fast(monkeypatch):
    """
    The schema loads that row and no more than a few of its neighbours.
    """
    loaded = []
    usual = MessageSchema.load
    monkeypatch.setattr(
        MessageSchema, "load", lambda self, data, **more: loaded.append(data) or usual(self, data, **more)
    )
    rows: list[Any] = [{"SKU": f"{number}", "Quantity": number} for number in range(1000)]
    rows[500] = {"SKU": "500", "Quantity": "many"}
    found = load_rows(schema_of(StockLevel), rows)

    assert 1000 == len(found)
    assert "Quantity: Not a whole number." == found[500].error
    assert 2 >= len(loaded)


def test_what_callers_name_their_keys_is_not_kept():
    """
    Rows with ever new keys leave the schema as it was.
    """
    schema = schema_of(StockLevel)
    before = dict(vars(schema))
    for number in range(100):
        load_rows(schema, [{"SKU": "a", "Quantity": 1, f"Key{number}": 1}])

    assert before == vars(schema)


def test_half_a_surrogate_pair_is_written_as_it_was_received():
    """
    An answer can always be written.
    """
    answer = UpdateResponse(products=(UpdatedProduct(sku="a\ud800", error="no"),))

    assert {"Error": None, "Products": [{"SKU": "a\ud800", "Error": "no"}]} == json.loads(to_json(answer))
