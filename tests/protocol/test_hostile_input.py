"""Any bytes are answered in the envelope, and a refused request changes nothing."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from bridge.protocol.area import Endpoint
from bridge.protocol.body import SMALL_BYTES
from bridge.protocol.endpoints import AREAS
from bridge.protocol.schemas import fields
from bridge.protocol.schemas.base import MessageSchema, schema_of
from bridge.settings import Settings
from tests.conftest import access_key, dump, opened, sender
from tests.linnworks import Linnworks

CALLS = {call.manifest: call for area in AREAS for call in area.calls}
FEW, MANY = 15, 500  # examples of each kind and call

pytestmark = [pytest.mark.usefixtures("unhurried"), pytest.mark.broad]
usual_and_long = pytest.mark.parametrize("examples", [FEW, pytest.param(MANY, marks=pytest.mark.long)])


@pytest.fixture(scope="module")
def app(tmp_path_factory) -> Iterator[Flask]:
    """Make one application for all tests of this module: each compares only before and after its own calls."""
    with opened(Settings(data_dir=tmp_path_factory.mktemp("hostile") / "data")) as app:
        yield app


@pytest.fixture(scope="module")
def linnworks(app) -> Linnworks:
    """Make the integration that all these tests share."""
    linnworks = Linnworks(sender(app), "shared")
    linnworks.finish_wizard(shop_name="shared", access_key=access_key("shared"))
    return linnworks


def answer(app: Flask, path: str, raw: bytes, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """Return the answer to these bytes, which must be valid JSON in the envelope and no bug of the bridge."""
    response = app.test_client().post(path, data=raw, headers=headers)
    body = json.loads(response.data.decode(), parse_constant=_no_number)

    assert (200, len(response.data)) == (response.status_code, response.content_length)
    assert body["Error"] is None or (body["Error"] and isinstance(body["Error"], str))
    assert "Internal error" not in str(body["Error"])
    return body


def _no_number(constant: str) -> None:
    raise ValueError(constant)


# -- by hand -----------------------------------------------------------------------------------------------


def with_value(value: bytes) -> bytes:
    """Return a body with this value in an unknown field."""
    return b'{"AuthorizationToken": "%s", "PageNumber": 1, "More": ' + value + b"}"


DEEP = 100_000
BODIES = {
    "NaN": with_value(b"NaN"),
    "Infinity": with_value(b"Infinity"),
    "-Infinity": with_value(b"[1, -Infinity]"),
    "an exponent beyond all bounds": with_value(b"1e99999999999999999999"),
    "an exponent below all bounds": with_value(b"-1e-99999999999999999999"),
    "a whole number of a million digits": with_value(b"9" * 1_000_000),
    "a leading zero": with_value(b"007"),
    "hexadecimal": with_value(b"0x10"),
    "lists in lists": with_value(b"[" * DEEP + b"]" * DEEP),
    "objects in objects": with_value(b'{"a":' * DEEP + b"1" + b"}" * DEEP),
    "lists without end": with_value(b"[" * DEEP),
    "a key twice": with_value(b"1, " + b'"PageNumber": 2'),
    "a key twice further in": with_value(b'[{"a": {"b": 1, "b": 1}}]'),
    "a key twice in a row": with_value(b'1, "Products": [{"SKU": "a", "SKU": "b", "Quantity": 1}]'),
    "a key twice, and a row less": with_value(
        b'1, "Products": [{"SKU": "a", "Quantity": 1, "Quantity": 2}, {"SKU": "a"}]'
    ),
    "a key twice beside half a surrogate pair": with_value(b'"\\ud800", "PageNumber": 2'),
    "NaN beside half a surrogate pair": with_value(b'["\\ud800", NaN]'),
    "a key twice, once escaped": with_value(b'1, "\\u0050ageNumber": 2'),
    "the token twice": with_value(b'1, "AuthorizationToken": "other"'),
    "Latin-1": with_value('"é"'.encode("latin-1")),
    "bytes that are no text": with_value(b'"\xff\xfe\x80"'),
    "an overlong slash": with_value(b'"\xc0\xaf"'),
    "a surrogate in UTF-8": with_value(b'"\xed\xa0\x80"'),
    "a control character": with_value(b'"a\x01b"'),
    "UTF-16": with_value(b'"x"').decode().encode("utf-16"),
    "UTF-32": with_value(b'"x"').decode().encode("utf-32"),
    "two values": with_value(b"1") + b"{}",
    "a NUL behind it": with_value(b"1") + b"\x00",
    "single quotes": with_value(b"'x'"),
    "a comment": with_value(b"1 /* one */"),
    "a comma too many": with_value(b"[1,]"),
    "a script": b")]}',\n" + with_value(b"1"),
    "a form": b"AuthorizationToken=%s&PageNumber=1",
}


@pytest.mark.parametrize("name", BODIES)
def test_a_malformed_body_is_refused(app, linnworks, name):
    """
    On every call such bytes get an Error although their token is valid, and the database does not change.
    """
    before = dump()
    raw = BODIES[name].replace(b"%s", linnworks.token.encode())
    errors = {answer(app, call.path, raw)["Error"] for call in CALLS.values()}

    assert 1 == len(errors - {f"The request is longer than {SMALL_BYTES} bytes"})  # of calls that need no token
    assert all(error.startswith("The request ") for error in errors)
    assert before == dump()


@pytest.mark.parametrize("half", [b'"\\ud800"', b'"\\udc00x"', b'"\\udc00\\ud800"', b'{"\\ud83d": 1}'])
def test_half_a_surrogate_pair_costs_only_its_own_value(app, linnworks, half):
    """
    In an unknown field it is ignored, as anything there; in a token it matches no connection.
    """
    known = with_value(half).replace(b"%s", linnworks.token.encode())

    assert answer(app, "/api/Config/ConfigTest", known)["Error"] is None
    assert "Unknown authorization token" == answer(app, "/api/Config/ConfigTest", with_value(half))["Error"]


@pytest.mark.parametrize(("pack", "coding"), [(gzip.compress, "gzip"), (zlib.compress, "deflate"), (gzip.compress, "")])
def test_a_compressed_body_is_not_decompressed(app, linnworks, pack, coding):
    """
    A body has to be JSON as it is; the Error says that it is compressed.
    """
    for content in (b" " * 30_000_000, with_value(b"1").replace(b"%s", linnworks.token.encode())):
        error = answer(app, "/api/Product/Products", pack(content), {"Content-Encoding": coding})["Error"]

        assert "The request is compressed: please send it without a Content-Encoding" == error


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_a_body_in_another_unicode_encoding_is_told_so(app, linnworks, encoding):
    """
    The Error names the encoding that is needed.
    """
    raw = json.dumps({"AuthorizationToken": linnworks.token}).encode(encoding)

    assert "in UTF-8" in answer(app, "/api/Config/ConfigTest", raw)["Error"]


@pytest.mark.parametrize("nothing", [b"", b" ", b"{}", b"null", b"[]", b'""'])
def test_a_call_that_takes_nothing_takes_it_in_any_form(app, nothing):
    """
    GetConfiguratorSettings has neither fields nor a token, so any empty value is its request.
    """
    path = CALLS["GetConfiguratorSettingsEndpoint"].path

    assert answer(app, path, b"{}") == answer(app, path, nothing)
    assert answer(app, path, nothing)["Error"] is None
    assert "The request is not a JSON object" == answer(app, path, b"[1]")["Error"]


def test_numbers_of_any_size_are_bounded(linnworks):
    """
    A number that is valid JSON but out of range is named, in every field that takes a number.
    """
    before = dump()
    for digits in ("1e400", "-1e400", "1e-400", "9" * 400, "1" + "0" * 100 + ".5", "0." + "1" * 20_000):
        raw = '{"Products": [{"SKU": "101-11", "Price": %s, "Quantity": %s}], "AuthorizationToken": "%s"}'
        body = (raw % (digits, digits, linnworks.token)).encode()
        stock, price = (
            answered["Error"] or answered["Products"][0]["Error"]
            for answered in map(linnworks._call, ["InventoryUpdateEndpoint", "PriceUpdateEndpoint"], [body, body])
        )

        assert "Quantity: " in stock or "not valid JSON" in stock
        if "1111" not in digits:  # which is a valid price with too many decimal places
            assert "Out of range" in price or "not valid JSON" in price
            assert before == dump()


def test_the_longest_body_that_is_accepted_is_answered(app, linnworks):
    """
    A body of exactly the limit is read; one byte more is refused.
    """
    most = app.extensions["bridge"].settings.max_body_bytes
    raw = b'{"AuthorizationToken": "%s", "More": "%%s"}' % linnworks.token.encode()
    padded = raw % (b"x" * (most - len(raw) + 2))

    assert most == len(padded)
    assert answer(app, "/api/Config/ConfigTest", padded)["Error"] is None
    assert f"The request is longer than {most} bytes" == answer(app, "/api/Config/ConfigTest", padded + b" ")["Error"]


# -- by chance ---------------------------------------------------------------------------------------------

ODD_TEXTS = [
    *(
        "",
        " ",
        "\x00",
        "\ufeff",
        "\u202e",
        "💥",
        "é" * 300,
        "x" * 70_000,
        "../../etc/passwd",
        "%00",
        "${jndi:ldap://x}",
    ),
    *("'; DROP TABLE connection; --", "NaN", "Infinity", "1e999999", "-1", "0x10", "１２", "true", "null", "[]", "{}"),
    *(
        "9999-12-31T23:59:59.9999999Z",
        "0001-01-01",
        "/Date(-99999999999999)/",
        "2024-02-30",
        "2024-01-01 00:00:00+99:99",
    ),
]
ODD_VALUES = [
    *("null", "true", "false", "0", "-0", "-0.0", "1", "-1", "2147483648", "-2147483649", "9" * 30, "1e400", "-1e-400"),
    *("0.1", "1e9999999", "[]", "{}", "[[]]", "[null]", "[{}]", '[1, "a", {}]', '{"": ""}', "NaN", "-Infinity"),
    *('"\\ud800"', '"\\u0000"', '"\\n"', "1e99999999999999999999", '{"a": 1, "a": 2}', "[" * 300 + "]" * 300, "", "'"),
]

ODD = [json.dumps(text) for text in ODD_TEXTS] + ODD_VALUES

odd = st.sampled_from(ODD) | st.text(max_size=20).map(json.dumps)


def message(rng: Random, schema: MessageSchema) -> str:
    """Return a JSON object with some fields of a message, a few of them odd, repeated, or in another case."""
    pairs = []
    for field in schema.fields.values():
        if rng.random() < (0.95 if field.required else 0.5):
            key = str(field.data_key)
            pairs.append((rng.choice([key, key, key, key.lower(), key.upper()]), value(rng, field)))
    if rng.random() < 0.1:
        pairs.append((rng.choice(["", "More", *(key for key, _ in pairs)]), rng.choice(ODD)))
    return "{" + ", ".join(f"{json.dumps(key)}: {text}" for key, text in pairs) + "}"


def value(rng: Random, field: Any) -> str:
    """Return a valid value of a field as JSON, or sometimes an odd one."""
    if rng.random() < 0.1:
        return rng.choice(ODD)
    if isinstance(field, fields.Nested):
        return message(rng, field.schema)
    if isinstance(field, fields.List):
        return "[" + ", ".join(value(rng, field.inner) for _ in range(rng.choice([0, 1, 1, 2]))) + "]"
    if isinstance(field, fields.Enum):
        return rng.choice([text for member in field.enum for text in (f"{int(member)}", f'"{member.name}"')])
    if isinstance(field, fields.Integer):
        return str(rng.choice([0, 1, 2, 7, -1, rng.randrange(2**31)]))
    if isinstance(field, fields.Decimal):
        return rng.choice(["0", "1.25", "19.99", '"3.10"', f"{rng.random() * 1000:.{rng.randrange(12)}f}"])
    if isinstance(field, fields.Boolean):
        return rng.choice(["true", "false", '"True"'])
    if isinstance(field, fields.DateTime):
        return json.dumps(f"20{rng.randrange(10, 40)}-0{rng.randrange(1, 10)}-11 03:48:51Z")
    return rng.choice(['"1060"', '"101-11"', '"1"', '"UserConfig"', '"a"', '""', "5"])


def messages(kind: type) -> st.SearchStrategy[str]:
    return st.randoms(use_true_random=True).map(lambda rng: message(rng, schema_of(kind)))


def by_chance(strategy: st.SearchStrategy[Any], examples: int, check: Callable[[Any], None]) -> None:
    """Try this many examples of what the strategy draws: always the same ones in the usual run."""
    settings(max_examples=examples, derandomize=examples < MANY)(given(strategy)(check))()


def understood(call: Endpoint, raw: bytes) -> bool:
    """Return whether these bytes are a message that the call accepts."""
    try:
        schema_of(call.takes).load(json.loads(raw, parse_float=Decimal))
    except (ValueError, ValidationError, ArithmeticError, RecursionError):
        return False
    return True


@pytest.mark.parametrize("name", CALLS)
@usual_and_long
def test_messages_like_linnworks_and_not_quite(app, connect, name, examples):
    """
    With a valid token, any values in the fields are answered in the envelope; an invalid message changes nothing.
    """
    call = CALLS[name]
    token = connect("shared").token

    def check(sent: str) -> None:
        nonlocal token
        if name == "ConfigDeletedEndpoint":
            token = connect("shared").token
        raw = f'{{"AuthorizationToken": "{token}"{", " if len(sent) > 2 else ""}{sent[1:]}'.encode()
        before = dump()
        error = answer(app, call.path, raw)["Error"]
        if not understood(call, raw):
            assert error
            assert before == dump()

    by_chance(messages(call.takes), examples if name != "ConfigDeletedEndpoint" else examples // 15, check)


@pytest.mark.parametrize("name", CALLS)
@usual_and_long
def test_messages_without_a_token_change_nothing(app, linnworks, name, examples):
    """
    Without a token a valid message changes nothing and is told nothing.
    """
    call = CALLS[name]
    before = dump()

    def check(sent: str) -> None:
        body = answer(app, call.path, sent.encode())
        if name not in ("AddNewUserEndpoint", "GetConfiguratorSettingsEndpoint"):
            assert body["Error"]
            assert not [value for key, value in body.items() if value and key != "Error"]

    by_chance(messages(call.takes), examples, check)
    if name != "AddNewUserEndpoint":
        assert before == dump()


@usual_and_long
def test_bytes_of_any_kind(app, linnworks, examples):
    """
    Random bytes, and valid messages with a few bytes changed, are answered on every call.
    """
    before = dump()
    proper = b'{"AuthorizationToken": "%s", "PageNumber": 1, "Products": [{"SKU": "\\u00e9", "Quantity": 1.0}]}'

    def spoilt(at: int, cut: int, put: bytes) -> bytes:
        return proper[: at % len(proper)] + put + proper[at % len(proper) + cut :]

    bodies = st.binary(max_size=200) | st.builds(
        spoilt, st.integers(0, 200), st.integers(0, 3), st.binary(max_size=4) | odd.map(str.encode)
    )

    def check(sent: tuple[str, bytes]) -> None:
        answer(app, CALLS[sent[0]].path, sent[1])

    names = sorted(CALLS.keys() - {"AddNewUserEndpoint"})
    by_chance(st.tuples(st.sampled_from(names), bodies), 10 * examples, check)
    assert before == dump()


@usual_and_long
def test_tokens_and_headers_of_any_kind(app, linnworks, examples):
    """
    Random tokens and headers never authenticate a call.
    """
    before = dump()
    names = ["Authorization", "X-Forwarded-For", "Content-Type", "Content-Encoding", "Content-Length"]
    values = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40)

    def check(sent: tuple[str, dict[str, str]]) -> None:
        token, headers = sent
        raw = f'{{"AuthorizationToken": {token}}}'.encode()
        assert answer(app, "/api/Config/ConfigTest", raw, headers)["Error"]

    by_chance(st.tuples(odd, st.dictionaries(st.sampled_from(names[:-1]), values)), 5 * examples, check)
    assert before == dump()
