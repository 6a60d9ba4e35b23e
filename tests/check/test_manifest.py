"""Where `linnworks-bridge check` gets the manifest of the application from."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from bridge.check import Manifest, parse_manifest
from bridge.cli import main

PARAMETERS = {"ChannelName": "SHOP", "OrdersEndpoint": "https://a.example/o"}


@pytest.mark.parametrize(
    "document",
    [
        {
            "modules": [
                {"type": "ChannelIntegration", "parameters": [{"name": k, "value": v} for k, v in PARAMETERS.items()]}
            ]
        },
        {
            "LinnworksPermissions": {"Read": True},
            "Modules": [
                {"Type": "Macro", "Parameters": []},
                {
                    "Key": 1,
                    "Type": "channelintegration",
                    "Parameters": [{"Name": k.lower(), "Value": v} for k, v in PARAMETERS.items()],
                },
            ],
        },
        {"LinnworksPermissions": {"Modules": [{"Type": "ChannelIntegration", "Parameters": PARAMETERS}]}},
    ],
    ids=["plain", "portal", "nested"],
)
def test_a_manifest_is_read_in_every_form(document):
    """
    Both the plain form and the nested forms of the newer portal are understood.
    """
    assert PARAMETERS == parse_manifest(document).parameters


def test_a_manifest_can_be_moved_to_another_address():
    """
    The paths of a public manifest are kept for a service on this machine.
    """
    manifest = Manifest({"OrdersEndpoint": "https://a.example/api/o?x=1", "ChannelName": "A"})

    moved = manifest.with_base_url("http://[::1]:80/b")

    assert {"OrdersEndpoint": "http://[::1]:80/b/api/o?x=1", "ChannelName": "A"} == moved.parameters


def test_a_manifest_can_come_from_a_url(over_http, http_app):
    """
    A manifest that the application serves is downloaded.
    """
    document = {"modules": [{"type": "ChannelIntegration", "parameters": http_app.parameters}]}
    http_app.logo = json.dumps(document).encode()
    result = CliRunner().invoke(main, ["check", "--manifest", f"{over_http.url}/logo", "--only", "CFG-05"])

    assert 0 == result.exit_code, result.output
