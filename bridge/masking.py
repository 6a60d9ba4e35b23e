"""Masking: what personal data and secrets become in words that are kept, such as those of a shop."""

from __future__ import annotations

import re

MASK = "***"

_PATTERNS = (
    (re.compile(r"(?<=[^\s?])\?[^\s?\"'<>][^\s\"'<>]*"), rf"?{MASK}"),
    (re.compile(r"(?i)\b([a-z][a-z+]{0,20}://)[^\s/@]+@"), rf"\1{MASK}@"),
    # it begins where such a run of characters begins, so that none is read twice
    (re.compile(r"(?<![^\s@%<>\"'()\[\],;:=/*])[^\s@%<>\"'()\[\],;:=/*]+(?:@|%40)[^\s@<>\"'()\[\],;:/]+"), MASK),
    (re.compile(r"(?i)\b(bearer|basic)\s+(?=\S*[\d=+/])[\w.~+/=-]{8,}"), rf"\1 {MASK}"),
    (
        re.compile(
            r"(?i)\b((?:api|access|consumer|secret)?[_-]?(?:key|token|secret|password|passwd|signature))"
            r"([\"']?\s*(?:=|:(?=\s*\S{0,99}\d))\s*[\"']?)[^\s\"',;&]{4,}"
        ),
        rf"\1\2{MASK}",
    ),
    (re.compile(r"\b[cs]k_\w{8,}|(?<![\w-])eyJ[\w-]+\.[\w.-]+|\b[0-9a-fA-F]{32,}\b"), MASK),
    (re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b"), MASK),
    (re.compile(r"(?:\+|\b00)\d(?:[\s().\u2011/-]*\d){7,14}\b"), MASK),
    (re.compile(r"\(0\d{1,5}\)[\s\d/-]{4,14}\d|\b0\d{2,5}[ /-]\d{3}(?:[ -]?\d)*\b"), MASK),
)
"""Addresses with queries or users, e-mail addresses, credentials, bank accounts and telephone numbers."""


def masked(text: str) -> str:
    """Return a text without e-mail addresses, telephone numbers, bank accounts, credentials and queries of URLs."""
    for pattern, mask in _PATTERNS if text else ():
        text = pattern.sub(mask, text)
    return text
