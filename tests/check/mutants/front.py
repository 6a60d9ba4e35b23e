"""Wrong manifests, wizards, token endpoints, and walls between integrations."""

from __future__ import annotations

import itertools
import threading

from tests.check.mutants.application import CLIENT, Application
from tests.check.mutants.joints import answers, hears, mutant, parameters, refuses, sends, status

parameters("MAN-01", InventoryUpdateBatchSize=50)
parameters("MAN-02", ConfigTestEndpoint=None)
parameters("MAN-03", ChannelName="My shop")
parameters("MAN-04", PriceUpdateBatchSize="many")
parameters("MAN-05", CheckFeedEndpoint=None)
parameters("MAN-06", OrdersEndpoint="/linn/Orders")
sends("MAN-07", lambda name, seen: name == "Orders", status(404))
parameters("MAN-09", RefundEndpoint=None)
parameters("MAN-10", OrdersEndpoint="http://shop.example.com/orders")
parameters("MAN-11", OrderEndpoint="https://shop.example.com/orders")
parameters("MAN-12", PriceUpdateEndpoint=None)


@mutant("MAN-08")
def a_large_logo(app: Application) -> None:
    app.logo = app.logo.replace(b"\0\0\x009\0\0\x009", b"\0\0\x02\0\0\0\x02\0")


answers("CFG-01", "AddNewUser", AuthorizationToken="")
hears("CFG-02", "AddNewUser", lambda body: {**body, "Email": body["Email"] or "nobody@example.com"})
hears("CFG-03", "AddNewUser", lambda body: {**body, "AccountName": body["AccountName"] or "Nobody"})
hears("CFG-04", "AddNewUser", lambda body: {**body, "LinnworksUniqueIdentifier": "8a3f3d0e"})
answers("CFG-05", "UserConfig", Error="no configuration yet")
answers("CFG-09", "UserConfig", AccountName="A shop")
answers("CFG-10", "SaveConfig", when=lambda _, body: body["StepName"] == "UserConfig", StepName="Connect")
answers("CFG-12", "ShippingTags", ShippingTags=[{"Tag": "post", "FriendlyName": "By post"}] * 2)
answers("CFG-13", "PaymentTags", PaymentTags=[{"Tag": "card", "FriendlyName": "By card"}] * 2)
refuses("CFG-14", "ConfigTest", lambda body: True)
refuses("CFG-16", "SaveConfig", lambda body: any(item["ConfigItemId"] == "NoSuchItem" for item in body["ConfigItems"]))
refuses("CFG-17", "SaveConfig", lambda body: any("ValueType" not in item for item in body["ConfigItems"]))


@mutant("CFG-06")
def any_step_is_saved(app: Application) -> None:
    def take(body):
        one = app.find(body["AuthorizationToken"])
        one.step = "UserConfig"
        return {**body, "StepName": one.step}

    app.asked["SaveConfig"].append(take)


@mutant("CFG-07")
def nothing_is_required(app: Application) -> None:
    save = app.save
    app.save = lambda one, values: save(one, {**values, "Key": values.get("Key") or "none"})


@mutant("CFG-08")
def a_wizard_without_end(app: Application) -> None:
    app.save = lambda one, values: None


@mutant("CFG-11")
def settings_are_forgotten(app: Application) -> None:
    save = app.save
    app.save = lambda one, values: save(one, {"Key": values.get("Key", "")})


@mutant("CFG-15")
def tokens_are_counted(app: Application) -> None:
    numbers = itertools.count(1001)
    app.new_token = lambda: str(next(numbers))


@mutant("OAU-01")
def another_kind_of_token(app: Application) -> None:
    _grants(app, lambda payload: payload.replace(b"bearer", b"mac"))


@mutant("OAU-02")
def any_secret_will_do(app: Application) -> None:
    token = app.token
    right = f"client_id={CLIENT[0]}&client_secret={CLIENT[1]}".encode()
    app.token = lambda content: token(right)


@mutant("OAU-03")
def nobody_looks_at_the_bearer(app: Application) -> None:
    app.wants_bearer = False


@mutant("OAU-04")
def a_refusal_with_200(app: Application) -> None:
    token = app.token

    def softly(content: bytes):
        response = token(content)
        response.status = 200
        return response

    app.token = softly


@mutant("OAU-05")
def a_scope_is_wanted(app: Application) -> None:
    token = app.token
    app.token = lambda content: token(content if b"scope" in content else b"")


def _grants(app: Application, change) -> None:
    token = app.token

    def changed(content: bytes):
        response = token(content)
        response.payload = change(response.payload)
        return response

    app.token = changed


@mutant("INT-01")
def names_may_repeat(app: Application) -> None:
    app.names_once = id


@mutant("INT-02")
def one_token_for_the_account(app: Application) -> None:
    app.names_once = id
    app.answering["AddNewUser"].append(
        lambda answer, body: {**answer, "AuthorizationToken": next(iter(app.integrations), None)}
    )


@mutant("INT-03")
def a_name_is_taken_at_once(app: Application) -> None:
    app.asked["AddNewUser"].append(
        lambda body: (
            {**body, "AccountName": ""}
            if any(other.name == body["AccountName"] for other in app.integrations.values())
            else None
        )
    )


@mutant("INT-04")
def the_last_one_made_counts(app: Application) -> None:
    app.find = lambda token: app.by_token(token) and list(app.integrations.values())[-1]


@mutant("INT-05")
def settings_are_shared(app: Application) -> None:
    shared = {"IncludeTax": "True", "Prefix": "W"}
    save = app.save

    def together(one, values):
        one.settings = shared
        save(one, values)

    app.save = together


@mutant("INT-06")
def names_are_unique_in_the_world(app: Application) -> None:
    app.names_once = lambda other: other.name


@mutant("INT-07")
def one_at_a_time(app: Application) -> None:
    """Whoever called last is whom all answers are for, as in an application that keeps the caller in a global."""
    last: list = []

    def find(token):
        last.append(app.by_token(token))
        threading.Event().wait(0.005)  # as long as a shop takes
        return last[-1]

    app.find = find


@mutant("END-01")
def all_of_an_account_go(app: Application) -> None:
    app.asked["ConfigDeleted"].append(lambda body: app.integrations.clear())


refuses("END-02", "ConfigDeleted", lambda body: True)


@mutant("END-03")
def nothing_is_deleted(app: Application) -> None:
    app.asked["ConfigDeleted"].append(lambda body: {**body, "AuthorizationToken": "nobody's"})


@mutant("END-04")
def deleting_again_breaks(app: Application) -> None:
    seen: set[str] = set()

    def send(name, body, response):
        token = body.get("AuthorizationToken")
        if name == "ConfigDeleted" and token in seen:
            response.status = 500
        seen.update({token} if name == "ConfigDeleted" and isinstance(token, str) else ())

    app.sending.append(send)
