"""Text in a shop's answer that does not belong there: messages of PHP around JSON, and web pages instead of it."""

from __future__ import annotations

import html
import json
import re

from bridge.channels.helpers.texts import one_line

LONGEST_STRAY = 50_000  # characters before JSON in which its beginning is searched for
LONGEST_WORDS = 200  # characters of a title or a message

_PAGE = re.compile(r"<(!doctype|html|head|title|body|script|style)\b", re.IGNORECASE)
_COMMENT = re.compile(r"<!--(?:(?!<!--).)*?-->", re.DOTALL)  # a second beginning ends a try, so that none is read twice
_TAG = re.compile(r"<[^<>]{0,200}>")
_TITLE = re.compile(r"<title[^<>]{0,200}>([^<]{1,2000})", re.IGNORECASE)
_PHP_MESSAGE = re.compile(
    r"\b(Deprecated|Notice|Warning|(Recoverable |Catchable )?Fatal error|Parse error|Strict Standards)"
    r"(</b>)?: .{1,2000}? on line (<b>)?\d+",
    re.DOTALL,
)
_scan = json.JSONDecoder(parse_float=str, parse_int=str).raw_decode


def json_within(content: bytes) -> bytes | None:
    """Return the whole object or list that has stray text before or behind it; None if there is none.

    JSON that is cut off, a part of it, and JSON within a web page are none.
    """
    text = _text(content)
    scanned = 0  # characters in places that turned out to be no JSON; all of them together as long as the answer
    for place in re.finditer(r"[{\[]", text[:LONGEST_STRAY]):
        start = place.start()
        before = text[:start].rstrip()
        if before.endswith((":", ",", "[", "{")):
            continue
        try:
            _, end = _scan(text, start)
        except json.JSONDecodeError as error:
            if error.pos >= len(text) or error.msg.startswith("Unterminated string"):
                return None
            scanned += error.pos - start + 1
            if scanned > len(text):
                return None
            continue
        except RecursionError:
            return None
        stray = _COMMENT.sub("", before), _COMMENT.sub("", text[end:])
        behind = _TAG.sub("", _PHP_MESSAGE.sub("", stray[1]))
        if not behind.strip() and not any(map(_PAGE.search, stray)):
            return text[start:end].encode(errors="surrogateescape")
    return None


def php_message(content: bytes) -> str:
    """Return the first message of PHP in an answer, "" if there is none."""
    found = _PHP_MESSAGE.search(_text(content[:LONGEST_STRAY]))
    return _words(found[0]) if found else ""


def page_title(content: bytes) -> str:
    """Return the title of a web page, "" if it has none."""
    found = _TITLE.search(_text(content[:LONGEST_STRAY]))
    return _words(found[1]) if found else ""


def _text(content: bytes) -> str:
    return content.decode(errors="surrogateescape")


def _words(markup: str) -> str:
    text = html.unescape(_TAG.sub("", markup)).encode(errors="replace").decode()
    return one_line(text, LONGEST_WORDS)
