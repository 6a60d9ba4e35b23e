"""A Linnworks channel application that small shops host themselves."""

__version__ = "0.1.0"
