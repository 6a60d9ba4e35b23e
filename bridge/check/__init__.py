"""Act as Linnworks towards a running channel application and check its responses against the protocol's rules."""

from __future__ import annotations

from bridge.check.manifest import Manifest, ManifestUnreadable, parse_manifest, read_manifest
from bridge.check.options import CheckCouldNotRun, CheckOptions, SoakOptions, read_recorded_calls
from bridge.check.rule import RuleSeverity
from bridge.check.run import CheckRun, run_check

__all__ = [
    "CheckCouldNotRun",
    "CheckOptions",
    "CheckRun",
    "Manifest",
    "ManifestUnreadable",
    "RuleSeverity",
    "SoakOptions",
    "parse_manifest",
    "read_manifest",
    "read_recorded_calls",
    "run_check",
]
