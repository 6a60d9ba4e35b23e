"""How pages are written: everything that others have written is escaped, and shows no control characters."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from typing import Any

from flask import Response
from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from bridge.clock import now
from bridge.errors import printable
from bridge.ops.wording import counted

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""Of every page: nothing is loaded but our own stylesheet, and no page of others has one in it."""


def page(template: str, segments: int, status: int = 200, **values: Any) -> Response:
    """Return a page whose path has so many segments: links are relative, as a proxy may serve it below a prefix."""
    home = "../" * (segments - 1) + "console"
    text = (
        _environment()
        .get_template(template)
        .render(home=home, style=f"{home}/style.css?{stylesheet()[1]}", now=now(), **values)
    )
    return Response(text, status, headers=HEADERS, content_type="text/html; charset=utf-8")


@cache
def stylesheet() -> tuple[bytes, str]:
    """Return the stylesheet and what names this version of it."""
    content = resources.files(__package__).joinpath("style.css").read_bytes()
    return content, hashlib.sha256(content).hexdigest()[:12]


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("bridge.ops.console"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    made.filters |= {"moment": _moment, "ago": _ago, "counted": counted, "command": _command}
    return made


def _shown(value: Any) -> Any:
    """Return a value as it may be shown; Markup is our own."""
    if value is None:
        return ""
    return printable(value, keep="\n") if isinstance(value, str) and not isinstance(value, Markup) else value


def _command(text: str) -> Markup:
    """Return a command whose words break only where they are longer than a line."""
    words = [Markup("<span>{}</span>").format(_shown(word)) for word in text.split(" ")]
    return Markup("<code>{}</code>").format(Markup(" ").join(words))


def _moment(at: datetime | None) -> Markup:
    """Return a moment in UTC."""
    if at is None:
        return Markup("never")
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(timespec="seconds"), f"{at:%Y-%m-%d %H:%M:%S}")


def _ago(at: datetime | None) -> str:
    """Return how long ago a moment was, in its largest unit."""
    if at is None:
        return ""
    seconds = max(timedelta(0), now() - at).total_seconds()
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            return f"{counted(int(seconds // length), unit)} ago"
    return "just now"
