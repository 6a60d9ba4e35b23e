"""JSON logs for the operator's tools."""

from __future__ import annotations

import json
import logging
import sys

from bridge.ops.logs import JsonFormatter


def record(**more) -> logging.LogRecord:
    return logging.makeLogRecord(
        {"name": "bridge.calls", "levelname": "INFO", "msg": "a %s", "args": ("word",), **more}
    )


def test_a_json_line_has_the_facts_of_a_call():
    """
    Each fact is a field of its own.
    """
    line = json.loads(JsonFormatter().format(record(created=0.25, facts={"request": "r1", "ms": 3})))

    assert {
        "time": "1970-01-01T00:00:00.250+00:00",
        "level": "INFO",
        "logger": "bridge.calls",
        "request": "r1",
        "ms": 3,
    } == line


def test_a_failure_stays_on_one_line():
    """
    A traceback is a field too, so that each line is one object.
    """
    try:
        raise ValueError("ä")
    except ValueError:
        text = JsonFormatter().format(record(exc_info=sys.exc_info()))

    assert "\n" not in text
    assert "a word" == json.loads(text)["message"]
    assert "ValueError: ä" in json.loads(text)["traceback"]
