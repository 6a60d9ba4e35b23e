"""`linnworks-bridge openapi`: print the OpenAPI description."""

from __future__ import annotations

import json
import os

import click

from bridge.cli.output import print_document
from bridge.settings import load_settings


@click.command()
def openapi() -> None:
    """Print the OpenAPI description of all endpoints."""
    from bridge.channels import load_channel
    from bridge.protocol.endpoints import AREAS
    from bridge.protocol.endpoints.oauth import PATH
    from bridge.protocol.openapi import document

    settings = load_settings(os.environ)
    name = settings.channel_friendly_name or load_channel(settings.channel).friendly_name
    print_document(json.dumps(document(AREAS, server=settings.url, name=name, token_url=settings.url + PATH), indent=2))
