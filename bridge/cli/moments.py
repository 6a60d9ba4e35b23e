"""Moments as people type them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

import click

from bridge.clock import now

FORMS = "14:00, yesterday 14:00, 2026-03-01, 2026-03-01 14:00, 30m, 2h or 3d ago"
_AGO = re.compile(r"(\d{1,5})\s*(m|min|h|d)(?:\s+ago)?")
_UNITS = {"m": "minutes", "min": "minutes", "h": "hours", "d": "days"}
_FORMATS = ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d")


def utc_moment(text: str) -> datetime:
    """Return the moment that an option names, in UTC like the times in our tables; raises click.BadParameter."""
    found = parse_moment(text, now())
    if found is None:
        raise click.BadParameter(f"{text} is no time such as {FORMS}")
    return found


def parse_moment(text: str, moment: datetime) -> datetime | None:
    """Return what a text means at this moment, in UTC; None if it is no time.

    A time of day alone is the last one that has passed.
    """
    text = " ".join(text.strip().lower().removesuffix("utc").removesuffix("z").split())
    if ago := _AGO.fullmatch(text):
        return moment - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    day, _, time_of_day = text.rpartition(" ")
    if day in ("", "today", "yesterday"):
        days = {"today": moment.date(), "yesterday": moment.date() - timedelta(days=1)}
        if time_of_day in days:
            return datetime.combine(days[time_of_day], datetime.min.time(), timezone.utc)
        for form in ("%H:%M:%S", "%H:%M"):
            found = _parsed(time_of_day, form)
            if found:
                at = datetime.combine(days.get(day, moment.date()), found.timetz())
                return at - timedelta(days=1) if not day and at > moment else at
    return next(filter(None, (_parsed(text.replace(" ", "T").upper(), form) for form in _FORMATS)), None)


def _parsed(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form).replace(tzinfo=timezone.utc)
    except ValueError:
        return None
