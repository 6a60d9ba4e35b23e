"""The command line."""

from __future__ import annotations

import sys
from typing import Any

import click

from bridge import __version__
from bridge.cli.actions import actions
from bridge.cli.backup import after_restore, backup, restore
from bridge.cli.calls import calls
from bridge.cli.check import check
from bridge.cli.connections import connections
from bridge.cli.console import console
from bridge.cli.database import migrate_database
from bridge.cli.demo import demo
from bridge.cli.doctor import doctor
from bridge.cli.feeds import feeds
from bridge.cli.init import init
from bridge.cli.keys import keys
from bridge.cli.manifest import manifest
from bridge.cli.medusa import medusa
from bridge.cli.notify import notify
from bridge.cli.oauth import oauth
from bridge.cli.openapi import openapi
from bridge.cli.orders import orders
from bridge.cli.outbox import outbox
from bridge.cli.output import say
from bridge.cli.pause import pause, resume
from bridge.cli.report import report
from bridge.cli.serve import serve
from bridge.cli.woocommerce import woocommerce
from bridge.errors import BridgeError, StartError, in_words


class Commands(click.Group):
    """Prints our own errors as one sentence; exit status 1, or 2 if the installation is wrong."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (BridgeError, OSError) as error:
            say(f"linnworks-bridge: {in_words(error)}", err=True)
            sys.exit(2 if isinstance(error, StartError) else 1)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="linnworks-bridge")
def main() -> None:
    """A Linnworks channel application for small shops.

    Settings are environment variables that begin with BRIDGE_, also read from a file bridge.env in the
    current folder; docs/settings.md lists them.

    Completion in bash: eval "$(_LINNWORKS_BRIDGE_COMPLETE=bash_source linnworks-bridge)"
    """


for command in (
    init,
    serve,
    doctor,
    report,
    console,
    notify,
    backup,
    restore,
    after_restore,
    migrate_database,
    check,
    manifest,
    openapi,
    connections,
    calls,
    pause,
    resume,
    orders,
    actions,
    feeds,
    outbox,
    oauth,
    keys,
    medusa,
    woocommerce,
    demo,
):
    main.add_command(command)
