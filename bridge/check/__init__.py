"""Plays Linnworks against a running channel application and judges its answers."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping

import requests
from rich.console import Console

from bridge.check.linnworks import Linnworks
from bridge.check.play import Play
from bridge.check.plays import programme
from bridge.check.registry import Verdict, perform
from bridge.check.report import progress, report

__all__ = ["CheckCouldNotRun", "run_check"]


class CheckCouldNotRun(Exception):
    """Nothing answers at the URL."""


def run_check(
    base_url: str,
    endpoints: Mapping[str, str],
    answers: Mapping[str, str],
    oauth: tuple[str, str] | None,
    console: Console,
    timeout: float = 10.0,
    seed: int | None = None,
) -> bool:
    """
    Leads integrations of its own through their whole life, prints what held and what did not, and tells
    whether everything held.

    Orders of the shop are despatched, cancelled and refunded on the way; stock, prices, settings and
    listings are put back, and its integrations deleted, also when the run is interrupted.
    """
    _someone_answers(base_url, timeout)
    rng = random.Random(seed)  # noqa: S311 (makes names up, keeps no secrets)
    checks = programme(oauth is not None, endpoints.get("IsListingSupported", "True").lower() == "true")
    linnworks = Linnworks(base_url, endpoints, oauth, timeout, rng)
    play = Play(linnworks, answers, rng)
    started = time.monotonic()
    try:
        with progress(console, len(checks)) as watch:
            outcomes = perform(play, checks, watch)
    finally:
        play.clear_up()
        linnworks.close()
    report(console, outcomes, time.monotonic() - started)
    return all(outcome.verdict is not Verdict.FAIL for outcome in outcomes)


def _someone_answers(base_url: str, timeout: float) -> None:
    try:
        requests.get(base_url, timeout=timeout, allow_redirects=False)
    except requests.RequestException as error:
        raise CheckCouldNotRun(f"nothing answers at {base_url}: {type(error).__name__}") from error
