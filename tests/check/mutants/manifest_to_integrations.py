"""Mutants from the manifest to the separation of integrations, and of their deletion."""

from __future__ import annotations

import itertools
import threading

from tests.check.mutants.application import CLIENT, Application
from tests.check.mutants.builders import changes_request, changes_response, manifest, mutant, rejects, returns, status

manifest("MAN-01", InventoryUpdateBatchSize=50)
manifest("MAN-02", ConfigTestEndpoint=None)
manifest("MAN-03", ChannelName="My shop")
manifest("MAN-04", PriceUpdateBatchSize="many")
manifest("MAN-05", CheckFeedEndpoint=None)
manifest("MAN-06", OrdersEndpoint="/linn/Orders")
changes_response("MAN-07", lambda name, exchange: name == "Orders", status(404))
manifest("MAN-09", RefundEndpoint=None)
manifest("MAN-10", OrdersEndpoint="http://shop.example.com/orders")
manifest("MAN-11", OrderEndpoint="https://shop.example.com/orders")
manifest("MAN-12", PriceUpdateEndpoint=None)


@mutant("MAN-08")
def large_logo(app: Application) -> None:
    app.logo = app.logo.replace(b"\0\0\x009\0\0\x009", b"\0\0\x02\0\0\0\x02\0")


returns("CFG-01", "AddNewUser", AuthorizationToken="")
changes_request("CFG-02", "AddNewUser", lambda body: {**body, "Email": body["Email"] or "unnamed@example.com"})
changes_request("CFG-03", "AddNewUser", lambda body: {**body, "AccountName": body["AccountName"] or "Unnamed"})
changes_request("CFG-04", "AddNewUser", lambda body: {**body, "LinnworksUniqueIdentifier": "8a3f3d0e"})
returns("CFG-05", "UserConfig", Error="no configuration yet")
returns("CFG-09", "UserConfig", AccountName="A shop")
returns("CFG-10", "SaveConfig", when=lambda _, body: body["StepName"] == "UserConfig", StepName="Connect")
returns("CFG-12", "ShippingTags", ShippingTags=[{"Tag": "post", "FriendlyName": "By post"}] * 2)
returns("CFG-13", "PaymentTags", PaymentTags=[{"Tag": "card", "FriendlyName": "By card"}] * 2)
rejects("CFG-14", "ConfigTest", lambda body: True)
rejects("CFG-16", "SaveConfig", lambda body: any(item["ConfigItemId"] == "NoSuchItem" for item in body["ConfigItems"]))
rejects("CFG-17", "SaveConfig", lambda body: any("ValueType" not in item for item in body["ConfigItems"]))


@mutant("CFG-06")
def any_step_is_saved(app: Application) -> None:
    def finish(body):
        integration = app.find(body["AuthorizationToken"])
        integration.step = "UserConfig"
        return {**body, "StepName": integration.step}

    app.request_hooks["SaveConfig"].append(finish)


@mutant("CFG-07")
def nothing_is_required(app: Application) -> None:
    save = app.save
    app.save = lambda integration, values: save(integration, {**values, "Key": values.get("Key") or "none"})


@mutant("CFG-08")
def wizard_never_ends(app: Application) -> None:
    app.save = lambda integration, values: None


@mutant("CFG-11")
def settings_are_forgotten(app: Application) -> None:
    save = app.save
    app.save = lambda integration, values: save(integration, {"Key": values.get("Key", "")})


@mutant("CFG-15")
def tokens_are_numbers(app: Application) -> None:
    numbers = itertools.count(1001)
    app.new_token = lambda: str(next(numbers))


@mutant("CFG-18")
def tokens_count_up(app: Application) -> None:
    numbers = itertools.count(1001)
    app.new_token = lambda: f"integration-token-{next(numbers)}"


@mutant("OAU-01")
def another_token_type(app: Application) -> None:
    _change_grants(app, lambda payload: payload.replace(b"bearer", b"mac"))


@mutant("OAU-02")
def any_secret_is_accepted(app: Application) -> None:
    token = app.token
    right = f"client_id={CLIENT[0]}&client_secret={CLIENT[1]}".encode()
    app.token = lambda content: token(right)


@mutant("OAU-03")
def bearer_token_is_ignored(app: Application) -> None:
    app.requires_bearer_token = False


@mutant("OAU-04")
def rejection_with_status_200(app: Application) -> None:
    token = app.token

    def with_status_200(content: bytes):
        response = token(content)
        response.status = 200
        return response

    app.token = with_status_200


@mutant("OAU-05")
def scope_is_required(app: Application) -> None:
    token = app.token
    app.token = lambda content: token(content if b"scope" in content else b"")


def _change_grants(app: Application, change) -> None:
    token = app.token

    def changed(content: bytes):
        response = token(content)
        response.payload = change(response.payload)
        return response

    app.token = changed


@mutant("INT-01")
def names_may_repeat(app: Application) -> None:
    app.unique_name = id


@mutant("INT-09")
def the_token_in_use_is_returned(app: Application) -> None:
    add = app.AddNewUser

    def add_or_find(body):
        for integration in app.integrations.values():
            same = (body["LinnworksUniqueIdentifier"], body["AccountName"]) == (integration.account, integration.name)
            if same and integration.step == "UserConfig":
                return {"AuthorizationToken": integration.token}
        return add(body)

    app.AddNewUser = add_or_find


@mutant("INT-02")
def one_token_for_the_account(app: Application) -> None:
    app.unique_name = id
    app.body_hooks["AddNewUser"].append(
        lambda result, body: {**result, "AuthorizationToken": next(iter(app.integrations), None)}
    )


@mutant("INT-03")
def unfinished_name_is_taken(app: Application) -> None:
    app.request_hooks["AddNewUser"].append(
        lambda body: (
            {**body, "AccountName": ""}
            if any(other.name == body["AccountName"] for other in app.integrations.values())
            else None
        )
    )


@mutant("INT-04")
def last_integration_counts(app: Application) -> None:
    app.find = lambda token: app.by_token(token) and list(app.integrations.values())[-1]


@mutant("INT-05")
def settings_are_shared(app: Application) -> None:
    shared = {"IncludeTax": "True", "Prefix": "W"}
    save = app.save

    def save_shared(integration, values):
        integration.settings = shared
        save(integration, values)

    app.save = save_shared


@mutant("INT-06")
def names_are_unique_over_all_accounts(app: Application) -> None:
    app.unique_name = lambda other: other.name


@mutant("INT-07")
def integration_is_a_global(app: Application) -> None:
    """All parallel calls get the response of the last one, as in an application with a global variable."""
    last: list = []

    def find(token):
        last.append(app.by_token(token))
        threading.Event().wait(0.005)  # the shop needs some time
        return last[-1]

    app.find = find


def _mix_up_after(app: Application, tests: int) -> None:
    """After so many calls of ConfigTest by the second integration, show its settings to all."""
    seen: list = []

    def remember(body) -> None:
        integration = app.by_token(body["AuthorizationToken"])
        if integration is list(app.integrations.values())[-1]:
            seen.append(integration)

    app.request_hooks["ConfigTest"].append(remember)
    by_token = app.by_token
    app.find = lambda token: by_token(token) and (seen[-1] if len(seen) >= tests else by_token(token))


@mutant("INT-08")
def last_tested_integration_counts(app: Application) -> None:
    _mix_up_after(app, 1)


@mutant("END-05")
def integrations_are_mixed_up_later(app: Application) -> None:
    _mix_up_after(app, 2)


@mutant("END-01")
def all_integrations_are_deleted(app: Application) -> None:
    app.request_hooks["ConfigDeleted"].append(lambda body: app.integrations.clear())


rejects("END-02", "ConfigDeleted", lambda body: True)


@mutant("END-03")
def nothing_is_deleted(app: Application) -> None:
    app.request_hooks["ConfigDeleted"].append(lambda body: {**body, "AuthorizationToken": "unknown"})


@mutant("END-04")
def deleting_again_breaks(app: Application) -> None:
    seen: set[str] = set()

    def fail_second_time(name, body, response):
        token = body.get("AuthorizationToken")
        if name == "ConfigDeleted" and token in seen:
            response.status = 500
        seen.update({token} if name == "ConfigDeleted" and isinstance(token, str) else ())

    app.response_hooks.append(fail_second_time)
