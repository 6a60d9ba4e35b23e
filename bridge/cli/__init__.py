"""The command line."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from bridge import __version__
from bridge.cli.check import check
from bridge.cli.common import is_installed, try_to_listen
from bridge.cli.connections import connections
from bridge.cli.database import migrate_database
from bridge.cli.demo import demo
from bridge.cli.init import init
from bridge.cli.keys import keys
from bridge.cli.maintenance import backup, doctor, restore
from bridge.cli.oauth import oauth
from bridge.cli.woocommerce import woocommerce
from bridge.cli.work import actions, feeds, orders, outbox
from bridge.errors import BridgeError, StartError
from bridge.settings import load_settings, unknown_variables


class Commands(click.Group):
    """Tells our own errors as one sentence: exit status 1, or 2 where the installation is at fault."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (BridgeError, OSError) as error:
            click.echo(f"linnworks-bridge: {error}", err=True)
            sys.exit(2 if isinstance(error, StartError) else 1)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="linnworks-bridge")
def main() -> None:
    """A Linnworks channel application for small shops.

    Settings are environment variables that begin with BRIDGE_, also read from a file bridge.env in the
    current folder; the README lists them.
    """


@main.command()
@click.option("--bind", metavar="HOST:PORT", help="Listen here instead of at BRIDGE_BIND.")
def serve(bind: str | None) -> None:
    """Run the service until it is stopped.

    The first start makes the data folder with the database and the key file. SIGTERM or Ctrl-C stops it
    after the requests in hand; SIGHUP restarts its processes. A socket that systemd hands over is listened
    on instead of BRIDGE_BIND: callers wait in it while the service is restarted.
    """
    environ = {**os.environ, **({"BRIDGE_BIND": bind} if bind else {})}
    for sentence in unknown_variables(environ):
        click.echo(f"linnworks-bridge: {sentence}", err=True)
    # what gunicorn would refuse in a traceback is refused here in a sentence
    settings = load_settings(environ)
    if "LISTEN_FDS" not in environ:
        try_to_listen(settings.bind)
    environ.setdefault("MALLOC_ARENA_MAX", "2")  # threads would otherwise keep tens of megabytes each to themselves
    os.execve(sys.executable, [sys.executable, "-m", "bridge.ops.serving"], environ)  # noqa: S606 our own interpreter


@main.command()
@click.option("--base-url", metavar="URL", help="Public address of the bridge, instead of BRIDGE_BASE_URL.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it to this file.")
def manifest(base_url: str | None, out: Path | None) -> None:
    """Print the manifest to enter in the Linnworks developer portal.

    It names the OAuth token endpoint once there is an OAuth client.
    """
    from bridge.channels import load_channel
    from bridge.ops.installation import open_installation
    from bridge.protocol.manifest import manifest as document
    from bridge.protocol.oauth import is_required

    environ = {**os.environ, **({"BRIDGE_BASE_URL": base_url} if base_url else {})}
    settings = load_settings(environ)
    if is_installed(settings):
        open_installation(settings)
    with_oauth = is_installed(settings) and is_required()
    values = document(settings, load_channel(settings.channel), settings.url, with_oauth=with_oauth)
    text = json.dumps(values, indent=2) + "\n"
    if out:
        out.write_text(text, encoding="utf-8")
        click.echo(f"Written to {out}")
    else:
        click.echo(text, nl=False)


@main.command()
def openapi() -> None:
    """Print the OpenAPI description of all endpoints."""
    from bridge.channels import load_channel
    from bridge.protocol.endpoints import AREAS
    from bridge.protocol.endpoints.oauth import PATH
    from bridge.protocol.openapi import document

    settings = load_settings(os.environ)
    name = settings.channel_friendly_name or load_channel(settings.channel).friendly_name
    click.echo(json.dumps(document(AREAS, server=settings.url, name=name, token_url=settings.url + PATH), indent=2))


for command in (
    init,
    doctor,
    backup,
    restore,
    migrate_database,
    check,
    connections,
    orders,
    actions,
    feeds,
    outbox,
    oauth,
    keys,
    woocommerce,
    demo,
):
    main.add_command(command)
