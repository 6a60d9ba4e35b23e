"""Plays Linnworks against a running channel application and judges its answers."""

from __future__ import annotations

from bridge.check.manifest import Manifest, ManifestUnreadable, manifest_of, read_manifest
from bridge.check.run import CheckCouldNotRun, Options, Run, recorded, run_check
from bridge.check.soak import Soaking

__all__ = [
    "CheckCouldNotRun",
    "Manifest",
    "ManifestUnreadable",
    "Options",
    "Run",
    "Soaking",
    "manifest_of",
    "read_manifest",
    "recorded",
    "run_check",
]
