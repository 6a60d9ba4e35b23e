"""Settings, metrics, modules and files that the documentation names are there, and each metric is documented."""

from __future__ import annotations

import dataclasses
import re

import pytest

from bridge.clock import now
from bridge.ops.status import current_status, gauges
from bridge.settings import BUILT_IN, Settings, variable
from tests.docs.pages import PAGES, ROOT, name_of, prose

OF_COMPOSE = "BRIDGE_HOST"
SETTINGS = {variable(field) for field in dataclasses.fields(Settings)} | {"BRIDGE_ENV_FILE", OF_COMPOSE}
METRIC = re.compile(r"\bbridge_[a-z_]+\b")


def test_settings_exist():
    """
    Each variable that a page names is a setting, or a switch of the tests.
    """
    tests = {name for file in ROOT.glob("tests/**/*.py") for name in re.findall(r"BRIDGE_TEST_\w+", file.read_text())}
    named = {
        (name_of(page), name)
        for page in PAGES
        for name in re.findall(r"(?<!_)\bBRIDGE_[A-Z_]*[A-Z]\b", page.read_text("utf-8"))
    }

    assert [] == sorted((page, name) for page, name in named if name not in SETTINGS | tests)


@pytest.fixture
def metrics(app) -> dict[str, str]:
    """What each metric says of itself, by the name under which it is read."""
    text = app.test_client().get("/metrics").get_data(as_text=True)
    counted = dict(re.findall(r"^# HELP (bridge_\w+) (.+)$", text, re.MULTILINE))
    now_known = current_status(app.extensions["bridge"].settings, now())
    public = dataclasses.replace(now_known, certificate_days=1.0, certificate_lifetime_days=2.0)
    return counted | {gauge.name: gauge.documentation for gauge in gauges(public)}


def test_metrics_are_documented(metrics):
    """
    docs/metrics.md has a row for each metric, with its own words, and no other row.
    """
    rows = [f"| `{name}` | {words} |" for name, words in sorted(metrics.items()) if not name.endswith("_created")]
    page = (ROOT / "docs/metrics.md").read_text("utf-8")

    assert rows == [line for line in page.splitlines() if line.startswith("| `bridge_")]


def test_metrics_exist(metrics):
    """
    Pages and alerts name only metrics that are counted.
    """
    named = {
        name for page in [*PAGES, ROOT / "packaging/alerts.yml"] for name in METRIC.findall(page.read_text("utf-8"))
    }
    unknown = {name for name in named if re.sub("_(bucket|count|sum)$", "", name) not in metrics}

    assert set() == unknown


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_and_modules_exist(page):
    """
    A path in a span that begins with a folder of ours is a file, a folder or a module.
    """
    spans = re.findall(r"`([\w./-]+/[\w./-]*)`", prose(page))
    paths = [span for span in spans if span.split("/")[0] in FOLDERS and not PLACEHOLDER.search(span)]
    missing = [
        path
        for path in paths
        if not any((top / f"{path}{ending}").exists() for top in (ROOT, ROOT / "bridge") for ending in ("", ".py"))
    ]

    assert [] == missing


FOLDERS = {path.name for top in (ROOT, ROOT / "bridge") for path in top.iterdir() if path.is_dir()} - {"data"}
PLACEHOLDER = re.compile(r"SHOP|AREA|NNNN|\d\.\d")


def test_every_module_is_on_the_map():
    """
    docs/architecture.md names each room, and each module and package in it except the shops.
    """
    page = prose(ROOT / "docs/architecture.md")
    shops = {module.partition(":")[0].rpartition(".")[2] for module in BUILT_IN.values()}
    named = {part for span in re.findall(r"`([^`]+)`", page) for part in re.split(r"[/.]", span)}
    modules = {
        path.stem
        for room in (
            ROOT / "bridge",
            *(ROOT / "bridge" / name for name in ("protocol", "sync", "store", "ops", "channels")),
        )
        for path in room.iterdir()
        if not path.name.startswith("_") and (path.suffix == ".py" or path.joinpath("__init__.py").exists())
    }

    assert set() == modules - shops - named
