"""What the client tells whoever wants to count or record its calls."""

from __future__ import annotations

from blinker import Namespace

shop_called = Namespace().signal("shop-called")
"""Sent after each call to a shop with `status`, None where there was no answer, and `seconds` until it began."""
