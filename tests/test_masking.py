"""Words that are kept have no personal data and no secrets."""

from __future__ import annotations

import pytest

from bridge.masking import masked


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Invalid billing email: jane.doe@example.com.", "Invalid billing email: ***"),
        ("<jane@example.com> is unknown, Jane%40example.org too", "<***> is unknown, *** too"),
        ("Call +49 (170) 123-4567 or 0049 170 1234567", "Call *** or ***"),
        ("Call 0170/1234567 or (0170) 123 45 67", "Call *** or ***"),
        ("See https://shop.example.com/wc?consumer_key=ck_1&x=2 now", "See https://shop.example.com/wc?*** now"),
        ("postgresql://user:password@host/name", "postgresql://***@host/name"),
        ("key ck_0123456789abcdef refused", "key *** refused"),
        ("Authorization: Bearer abc.def-123456", "Authorization: Bearer ***"),
        ("password=hunter, api_key: 'a1b2c3d4'", "password=***, api_key: '***'"),
        ("token 0123456789abcdef0123456789abcdef", "token ***"),
        ("IBAN DE89 3704 0044 0532 0130 00 is wrong", "IBAN *** is wrong"),
    ],
)
def test_personal_data_and_secrets_are_masked(text, expected):
    """
    E-mail addresses, telephone numbers, bank accounts and credentials become asterisks.
    """
    assert expected == masked(text)


@pytest.mark.parametrize(
    "text",
    [
        "The shop has no product 4006381333931",
        "The shop refused the request (400): Order 1231 is 2026-03-01 14:00:00, quantity -5",
        "The shop does not accept the credentials of this connection",
        "Basic authentication is off",
        "AuthorizationToken: Missing data for required field.",
        "https://shop.example.com/wp-json/wc/v3/orders/123 was not found",
        "Page 7 was asked for before page 6: please start at page 1",
    ],
)
def test_what_helps_stays(text):
    """
    Numbers, times and addresses without queries are not masked.
    """
    assert text == masked(text)
