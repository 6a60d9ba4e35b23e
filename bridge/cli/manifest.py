"""`linnworks-bridge manifest`: print the manifest."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from bridge.cli.common import is_installed
from bridge.cli.output import print_document, say
from bridge.settings import load_settings


@click.command()
@click.option("--base-url", metavar="URL", help="Public address of the bridge, instead of BRIDGE_BASE_URL.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it to this file.")
def manifest(base_url: str | None, out: Path | None) -> None:
    """Print the manifest to enter in the Linnworks developer portal.

    It names the OAuth token endpoint if there is an OAuth client.
    """
    from bridge.channels import load_channel
    from bridge.ops.installation import open_installation
    from bridge.ops.owner import acting_as, owner_to_become
    from bridge.protocol.manifest import manifest as document
    from bridge.protocol.oauth import is_required

    environ = {**os.environ, **({"BRIDGE_BASE_URL": base_url} if base_url else {})}
    settings = load_settings(environ)
    with acting_as(owner_to_become(settings)):
        if is_installed(settings):
            open_installation(settings)
        with_oauth = is_installed(settings) and is_required()
    values = document(settings, load_channel(settings.channel), settings.url, with_oauth=with_oauth)
    text = json.dumps(values, indent=2) + "\n"
    if out:
        out.write_text(text, encoding="utf-8")
        say(f"Written to {out}")
    else:
        print_document(text)
