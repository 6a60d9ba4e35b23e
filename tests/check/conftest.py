from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.check import CheckOptions, CheckRun, Manifest, run_check
from bridge.cli import main
from tests.check.mutants import (  # noqa: F401 (they register their mutants)
    manifest_to_integrations,
    post_sale_and_listings,
    products_to_despatch,
    rejections_to_soak,
)
from tests.check.mutants.application import Application
from tests.check.mutants.server import HttpServer, InProcessServer, http_server

SHORT_PATIENCE = 0.15


@pytest.fixture(scope="session")
def over_http() -> Iterator[HttpServer]:
    """A server that serves one application after the other over HTTP."""
    with http_server() as server:
        yield server


@pytest.fixture
def in_process() -> InProcessServer:
    """A server that serves one application after the other without a socket."""
    return InProcessServer()


@pytest.fixture
def app(in_process) -> Application:
    """The correct application, served without a socket."""
    return in_process.serve()


@pytest.fixture
def run_in_process(in_process) -> Callable[..., CheckRun]:
    """Check the application that `in_process` serves."""

    def run(on_progress=lambda message: None, **options) -> CheckRun:
        return check_server(in_process, on_progress, **options)

    return run


def check_server(server: InProcessServer, on_progress=lambda message: None, **options) -> CheckRun:
    """Check the application of a server."""
    defaults = {"seed": 1, "patience": SHORT_PATIENCE, "open_session": server.open_session}
    return run_check(
        CheckOptions(Manifest(server.app.parameters), **{**defaults, **options}), lambda total: None, on_progress
    )


@pytest.fixture
def http_app(over_http) -> Application:
    """The correct application, served over HTTP."""
    return over_http.serve()


@pytest.fixture
def manifest_file(http_app, tmp_path) -> Path:
    """The manifest of `http_app` in a file, in the form of today's portal."""
    parameters = [{"Name": name, "Value": value} for name, value in http_app.parameters.items()]
    document = {"LinnworksPermissions": {}, "Modules": [{"Type": "ChannelIntegration", "Parameters": parameters}]}
    (tmp_path / "manifest.json").write_text(json.dumps(document))
    return tmp_path / "manifest.json"


@pytest.fixture
def check_command(manifest_file, tmp_path):
    """Run `linnworks-bridge check --manifest` with that file; return its output and its JSON report."""

    def run(*arguments: str, status: int = 0):
        report = tmp_path / "run.json"
        always = ["--manifest", str(manifest_file), "--patience", str(SHORT_PATIENCE), "--seed", "1"]
        result = CliRunner().invoke(main, ["check", *always, "--json", str(report), *arguments])

        assert status == result.exit_code, result.output
        return result.output, json.loads(report.read_text()) if report.exists() else {}

    return run


def verdicts(report: dict) -> dict[str, str]:
    return {rule["id"]: rule["verdict"] for rule in report["rules"]}
