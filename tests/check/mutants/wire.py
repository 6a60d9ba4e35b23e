"""Wrong refusals and wrong answers altogether, and what goes wrong only in the long run."""

from __future__ import annotations

import fnmatch
import itertools
import json
import posixpath
import time
from typing import Any

from tests.check.mutants.application import Application, Body, Integration, Response
from tests.check.mutants.joints import answers, mutant, rows, sends, status


def _anybody(rule: str, whom: Any) -> None:
    """A token for which `whom` is true is anybody's."""

    @mutant(rule)
    def bend(app: Application) -> None:
        app.find = lambda token: (
            next(iter(app.integrations.values())) if whom(token) and app.integrations else app.by_token(token)
        )


@mutant("REF-01")
def no_token_is_needed(app: Application) -> None:
    app.asked["Orders"].append(lambda body: {"AuthorizationToken": next(iter(app.integrations)), **body})


_anybody("REF-02", lambda token: token == "")
_anybody("REF-03", lambda token: isinstance(token, str) and len(token) == 32)
sends("REF-04", lambda name, seen: isinstance(seen.get("AuthorizationToken"), list), status(500))


def _unreadable(sent: bytes) -> bool:
    try:
        json.loads(sent)
    except ValueError:
        return bool(sent)
    return False


def _is_object(sent: bytes) -> bool:
    return not sent or _unreadable(sent) or isinstance(json.loads(sent), dict)


sends("REF-05", lambda name, seen: _unreadable(seen["sent"]), status(400))
sends("REF-06", lambda name, seen: not _is_object(seen["sent"]), status(500))
sends("REF-07", lambda name, seen: not seen["sent"] and seen["method"] == "POST", status(400))
sends("REF-08", lambda name, seen: seen["method"] == "GET", status(405))
sends("REF-09", lambda name, seen: "no-such-call" in name, status(404))
sends("REF-10", lambda name, seen: name == "Orders" and isinstance(seen.get("PageNumber"), dict), status(500))


@mutant("REF-11")
def tokens_are_files(app: Application) -> None:
    app.find = lambda token: app.by_token(posixpath.normpath(token.lstrip("./")))


@mutant("REF-12")
def tokens_are_patterns(app: Application) -> None:
    def find(token: str) -> Integration:
        known = fnmatch.filter(app.integrations, token)
        return app.by_token(known[0] if known else token)

    app.find = find


sends("ANS-01", lambda name, seen: (seen["answer"].get("Error") or "").startswith("unknown auth"), status(401))
sends("ANS-02", lambda name, seen: name == "ShippingTags", lambda response: response.headers.update(Length="unsaid"))
sends("ANS-03", lambda name, seen: name == "Orders", lambda response: setattr(response, "chunked", True))


def _garbled(response: Response) -> None:
    response.payload = response.payload[:-1]


sends("ANS-04", lambda name, seen: (seen["answer"].get("Error") or "").startswith("unknown auth"), _garbled)
sends("ANS-06", lambda name, seen: name == "ConfigTest", lambda response: time.sleep(0.6))


@mutant("ANS-05")
def errors_are_dropped(app: Application) -> None:
    app.answering["ConfigTest"].append(lambda answer, body: answer if answer.pop("Error", None) else {"Took": 1})


answers("ANS-07", "UserConfig", WizardStepTitle=None)
rows("ANS-08", "Orders", "Orders", lambda order: order["OrderItems"][0].update(Qty="two"))
answers("ANS-09", "PostSaleOptions", RefundShippingTypes="Sometimes")
rows("ANS-10", "Products", "Products", lambda row: row.update(Reference=None))
answers(
    "ANS-11", "GetConfiguratorSettings", Settings=[{"GroupName": "GENERAL", "ConfigItemId": "a", "ExpectedType": 9}]
)
answers(
    "ANS-12", "UserConfig", when=lambda answer, body: answer["ConfigItems"].append(answer["ConfigItems"][0]) is None
)
answers("ANS-20", "UserConfig", when=lambda answer, body: answer["ConfigItems"][0].update(ValueType="LIST") is None)
answers("ANS-14", "ShippingTags", ShippingTags=[{"Tag": "x" * 65, "FriendlyName": "By post"}])
rows("ANS-16", "Products", "Products", lambda row: row.update(Quantity=str(row["Quantity"])))
rows("ANS-18", "Orders", "Orders", lambda order: order.update(ReceivedDate="2026-11-01 12:00:00.5Z"))


@mutant("ANS-13")
def passwords_come_back(app: Application) -> None:
    save, item = app.save, app.item
    typed: dict[str, str] = {}

    def keep(one: Integration, values: dict[str, str]) -> None:
        typed.update(values)
        save(one, values)

    app.save = keep
    app.item = lambda name, kind, value, **more: item(name, kind, value, Description=typed.get("Password"), **more)


@mutant("ANS-15")
def only_failures_are_told(app: Application) -> None:
    def leave_out(answer: Body, body: Body) -> Body:
        return {**answer, "Products": [row for row in answer["Products"] if row["Error"]]}

    app.answering["InventoryUpdate"].append(leave_out)


@mutant("ANS-17")
def camels(app: Application) -> None:
    app.answering["Orders"].append(lambda answer, body: {key[0].lower() + key[1:]: answer[key] for key in answer})


@mutant("ANS-19")
def more_pages_of_errors(app: Application) -> None:
    app.answering["Orders"].append(lambda answer, body: {**answer, "HasMorePages": bool(answer["Error"])})


sends("REP-01", lambda name, seen: name == "Products" and seen.get("PageNumber") == 7, status(500))


@mutant("SOK-01")
def tired_of_updates(app: Application) -> None:
    turns = itertools.count()
    app.asked["InventoryUpdate"].append(lambda body: body if next(turns) < 2 else {"Products": 1})


rows("SOK-02", "Orders", "Orders", lambda order: order.update(ReferenceNumber="9"))


@mutant("SOK-03")
def despatched_once(app: Application) -> None:
    seen: set[str] = set()
    action = app.shop.despatch

    def despatch(parcel: Body) -> None:
        if parcel["ReferenceNumber"] in seen:
            raise ValueError("it has left already")
        seen.add(parcel["ReferenceNumber"])
        action(parcel)

    app.shop.despatch = despatch


@mutant("SOK-04")
def the_first_value_stays(app: Application) -> None:
    first: dict[str, int] = {}
    app.asked["InventoryUpdate"].append(
        lambda body: (
            [row.update(Quantity=first.setdefault(row["SKU"], row["Quantity"])) for row in body["Products"]] and None
        )
    )
