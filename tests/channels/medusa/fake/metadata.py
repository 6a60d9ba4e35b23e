"""Fields and metadata as they are sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.channels.medusa.fake.rows import Row


def merged(metadata: Row | None, sent: Row | None) -> Row | None:
    """Return metadata with what was sent; an empty text removes a field."""
    if not sent:
        return metadata if sent is None else {}
    return {key: value for key, value in {**(metadata or {}), **sent}.items() if value != ""}


def known_fields(defaults: Mapping[str, Any], sent: Mapping[str, Any]) -> Row:
    return {key: value for key, value in sent.items() if key in defaults and key != "metadata"} | (
        {"metadata": merged(None, sent["metadata"])} if sent.get("metadata") is not None else {}
    )
