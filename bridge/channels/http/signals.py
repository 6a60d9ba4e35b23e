"""Signals of the HTTP client, for modules that count or record calls to shops."""

from __future__ import annotations

from blinker import Namespace

shop_called = Namespace().signal("shop-called")
"""Sent after each call to a shop with `status` (None if there was no answer) and `seconds` until the answer began."""
