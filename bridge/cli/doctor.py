"""`linnworks-bridge doctor`: check the installation."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress

import click

from bridge.cli.common import format_time, own_settings
from bridge.cli.output import print_document, show_table
from bridge.errors import StartError


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def doctor(as_json: bool) -> None:
    """Check the installation and say what to do; changes nothing.

    Checks settings, disk, database, key, the running service, its public address and certificate, clocks, each shop,
    when Linnworks last asked for orders, and what waits, has failed or is held.

    Exit status: 0 everything is ok, 1 there are warnings, 2 there are errors.
    """
    from bridge.clock import now
    from bridge.ops.doctor import examine, worst

    with suppress(StartError):  # which it finds as well
        own_settings()
    findings = list(examine(os.environ, now))
    state = worst(findings)
    if as_json:
        rows = [one.as_data() for one in findings]
        print_document(json.dumps({"state": state.value, "findings": rows}, indent=2))
    else:
        cells = [(one.name, one.state.value, one.message, one.advice, format_time(one.since)) for one in findings]
        show_table(("Check", "State", "Message", "Advice", "Since (UTC)"), cells, "")
    sys.exit(state.status)
