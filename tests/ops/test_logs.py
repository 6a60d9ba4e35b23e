"""JSON logs for the operator's tools."""

from __future__ import annotations

import json
import logging
import sys

import peewee
import pytest
import requests

from bridge.errors import ChannelRefused
from bridge.ops.logs import JsonFormatter, TextFormatter


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
        raise ChannelRefused("ä")
    except ChannelRefused:
        text = JsonFormatter().format(record(exc_info=sys.exc_info()))

    assert "\n" not in text
    assert "a word" == json.loads(text)["message"]
    assert "ChannelRefused: ä" in json.loads(text)["traceback"]


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter("%(levelname)s %(message)s")])
def test_a_log_line_does_nothing_to_a_terminal(formatter):
    """
    Control characters are escapes, so that no line is forged either, in messages, facts and words of exceptions.
    """
    hostile = "a\x1b[31m\x9b1m\r\nINFO forged\u2028\u202e"
    try:
        raise ChannelRefused(hostile)
    except ChannelRefused:
        text = formatter.format(record(msg=hostile, args=(), exc_info=sys.exc_info()))
    text += JsonFormatter().format(record(facts={"path": hostile}))

    assert [] == [character for character in text if character != "\n" and not character.isprintable()]
    assert "\nINFO forged" not in text


@pytest.mark.parametrize(
    "error", [peewee.DataError('invalid input: "Jane"'), OSError("Jane"), requests.ConnectionError("https://Jane/")]
)
def test_the_words_of_libraries_are_not_logged(error):
    """
    A database, or an HTTP library whose errors are OSErrors, may quote values; the system's own words are told.
    """
    for formatter in (JsonFormatter(), TextFormatter()):
        for raised in (error, FileNotFoundError(2, "No such file", "/home/Jane")):
            try:
                raise raised
            except Exception:
                text = formatter.format(record(exc_info=sys.exc_info()))

            assert "Jane" not in text
            assert type(raised).__name__ in text
        assert "FileNotFoundError: No such file" in text


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()])
def test_a_traceback_quotes_nothing_of_an_order(formatter):
    """
    The exception of a library may have what a shop has sent in its words.
    """
    name, address = "-".join(["Jane", "Doe"]), "@".join(["jane", "example.com"])
    try:
        try:
            int(name)
        except ValueError as error:
            raise KeyError(address) from error
    except KeyError:
        text = formatter.format(record(exc_info=sys.exc_info()))

    assert "ValueError" in text
    assert "KeyError" in text
    assert "test_logs.py" in text
    assert name not in text
    assert address not in text
