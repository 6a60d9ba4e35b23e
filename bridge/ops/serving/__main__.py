"""The process that `linnworks-bridge serve` turns into."""

from __future__ import annotations

import os
import sys

import click

from bridge.errors import StartError
from bridge.ops.serving import Server
from bridge.settings import load_settings

try:
    Server(load_settings(os.environ)).run()
except StartError as error:
    click.echo(f"linnworks-bridge: {error}", err=True)
    sys.exit(2)
