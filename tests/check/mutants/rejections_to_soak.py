"""Mutants of rejections and of all responses, and those that only a replay or a soak finds."""

from __future__ import annotations

import fnmatch
import itertools
import json
import posixpath
import time
from collections.abc import Callable
from typing import Any

from tests.check.mutants.application import Application, Body, Integration, Response
from tests.check.mutants.builders import changes_response, changes_rows, mutant, returns, status
from tests.check.mutants.server import NO_LENGTH


def _accept_token(rule: str, when: Callable[[Any], Any]) -> None:
    """Accept a wrong token as that of the first integration."""

    @mutant(rule)
    def change(app: Application) -> None:
        app.find = lambda token: (
            next(iter(app.integrations.values())) if when(token) and app.integrations else app.by_token(token)
        )


@mutant("REF-01")
def token_is_optional(app: Application) -> None:
    app.request_hooks["Orders"].append(lambda body: {"AuthorizationToken": next(iter(app.integrations)), **body})


_accept_token("REF-02", lambda token: token == "")
_accept_token("REF-03", lambda token: isinstance(token, str) and len(token) == 32)
changes_response("REF-04", lambda name, exchange: isinstance(exchange.get("AuthorizationToken"), list), status(500))


def _is_invalid_json(sent: bytes) -> bool:
    try:
        json.loads(sent)
    except ValueError:
        return bool(sent)
    return False


def _is_object(sent: bytes) -> bool:
    return not sent or _is_invalid_json(sent) or isinstance(json.loads(sent), dict)


changes_response("REF-05", lambda name, exchange: _is_invalid_json(exchange["sent"]), status(400))
changes_response("REF-06", lambda name, exchange: not _is_object(exchange["sent"]), status(500))
changes_response("REF-07", lambda name, exchange: not exchange["sent"] and exchange["method"] == "POST", status(400))
changes_response("REF-08", lambda name, exchange: exchange["method"] == "GET", status(405))
changes_response("REF-09", lambda name, exchange: "no-such-call" in name, status(500))
changes_response(
    "REF-10", lambda name, exchange: name == "Orders" and isinstance(exchange.get("PageNumber"), dict), status(500)
)


@mutant("REF-11")
def tokens_are_files(app: Application) -> None:
    app.find = lambda token: app.by_token(posixpath.normpath(token.lstrip("./")))


@mutant("REF-12")
def tokens_are_patterns(app: Application) -> None:
    def find(token: str) -> Integration:
        known = fnmatch.filter(app.integrations, token)
        return app.by_token(known[0] if known else token)

    app.find = find


def _is_unknown_token(name: str, exchange: Body) -> bool:
    return (exchange["result"].get("Error") or "").startswith("unknown auth")


def _send_no_length(response: Response) -> None:
    response.headers[NO_LENGTH] = ""


def _send_in_chunks(response: Response) -> None:
    response.chunked = True


changes_response("ANS-01", _is_unknown_token, status(401))
changes_response("ANS-02", lambda name, exchange: name == "ShippingTags", _send_no_length)
changes_response("ANS-03", lambda name, exchange: name == "Orders", _send_in_chunks)


def _truncate(response: Response) -> None:
    response.payload = response.payload[:-1]


changes_response("ANS-04", _is_unknown_token, _truncate)
changes_response("ANS-06", lambda name, exchange: name == "ConfigTest", lambda response: time.sleep(0.6))


@mutant("ANS-05")
def error_key_is_dropped(app: Application) -> None:
    app.body_hooks["ConfigTest"].append(lambda result, body: result if result.pop("Error", None) else {"Took": 1})


returns("ANS-07", "UserConfig", WizardStepTitle=None)
changes_rows("ANS-08", "Orders", "Orders", lambda order: order["OrderItems"][0].update(Qty="two"))
returns("ANS-09", "PostSaleOptions", RefundShippingTypes="Sometimes")
changes_rows("ANS-10", "Products", "Products", lambda row: row.update(Reference=None))
returns(
    "ANS-11", "GetConfiguratorSettings", Settings=[{"GroupName": "GENERAL", "ConfigItemId": "a", "ExpectedType": 9}]
)
returns(
    "ANS-12", "UserConfig", when=lambda result, body: result["ConfigItems"].append(result["ConfigItems"][0]) is None
)
returns("ANS-20", "UserConfig", when=lambda result, body: result["ConfigItems"][0].update(ValueType="LIST") is None)
returns(
    "ANS-21", "UserConfig", when=lambda result, body: result["ConfigItems"][0].update(RegExValidation="[a-") is None
)
returns("ANS-14", "ShippingTags", ShippingTags=[{"Tag": "x" * 65, "FriendlyName": "By post"}])
changes_rows("ANS-16", "Products", "Products", lambda row: row.update(Quantity=str(row["Quantity"])))
changes_rows("ANS-18", "Orders", "Orders", lambda order: order.update(ReceivedDate="2026-11-01 12:00:00.5Z"))


@mutant("ANS-22")
def errors_list_all_tokens(app: Application) -> None:
    find = app.find

    def find_or_list(token):
        try:
            return find(token)
        except ValueError as error:
            raise ValueError(f"unknown token, there are {list(app.integrations)}") from error

    app.find = find_or_list


@mutant("ANS-13")
def passwords_are_returned(app: Application) -> None:
    save, item = app.save, app.item
    typed: dict[str, str] = {}

    def remember_and_save(integration: Integration, values: dict[str, str]) -> None:
        typed.update(values)
        save(integration, values)

    app.save = remember_and_save
    app.item = lambda name, value_type, value, **more: item(
        name, value_type, value, Description=typed.get("Password"), **more
    )


@mutant("ANS-15")
def only_errors_are_returned(app: Application) -> None:
    def leave_out(result: Body, body: Body) -> Body:
        return {**result, "Products": [row for row in result["Products"] if row["Error"]]}

    app.body_hooks["InventoryUpdate"].append(leave_out)


@mutant("ANS-17")
def camel_case(app: Application) -> None:
    app.body_hooks["Orders"].append(lambda result, body: {key[0].lower() + key[1:]: result[key] for key in result})


@mutant("ANS-19")
def more_pages_beside_an_error(app: Application) -> None:
    app.body_hooks["Orders"].append(lambda result, body: {**result, "HasMorePages": bool(result["Error"])})


changes_response("REP-01", lambda name, exchange: name == "Products" and exchange.get("PageNumber") == 7, status(500))


@mutant("SOK-01")
def updates_fail_after_a_while(app: Application) -> None:
    calls = itertools.count()
    app.request_hooks["InventoryUpdate"].append(lambda body: body if next(calls) < 2 else {"Products": 1})


changes_rows("SOK-02", "Orders", "Orders", lambda order: order.update(ReferenceNumber="9"))


@mutant("SOK-03")
def despatched_once(app: Application) -> None:
    seen: set[str] = set()
    despatch_first = app.shop.despatch

    def despatch(parcel: Body) -> None:
        if parcel["ReferenceNumber"] in seen:
            raise ValueError("already despatched")
        seen.add(parcel["ReferenceNumber"])
        despatch_first(parcel)

    app.shop.despatch = despatch


@mutant("SOK-04")
def first_value_stays(app: Application) -> None:
    first: dict[str, int] = {}
    app.request_hooks["InventoryUpdate"].append(
        lambda body: (
            [row.update(Quantity=first.setdefault(row["SKU"], row["Quantity"])) for row in body["Products"]] and None
        )
    )
