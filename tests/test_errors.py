"""Failures are told in words, not by the names of a program's exceptions."""

from __future__ import annotations

import socket
import ssl

import peewee
import pytest

from bridge.errors import ChannelUnavailable, explain, in_words


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ChannelUnavailable("The shop is closed"), "The shop is closed"),
        (PermissionError(13, "Permission denied", "/data/x"), "Permission denied: /data/x"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)"), "wrong version number"),
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (ConnectionResetError(), "the connection failed"),
        (
            peewee.OperationalError("connection to 10.0.0.1 failed: Connection refused"),
            "nothing answers at its address",
        ),
        (peewee.OperationalError('password authentication failed for user "s3cret"'), "refuses the user"),
        (peewee.DatabaseError("file is not a database"), "the file is not a database"),
        (peewee.InternalError("s3cret"), "its driver reports a failure"),
        (UnicodeDecodeError("ascii", b"\xff", 0, 1, "no"), "it is not text"),
        (KeyError("Jane Doe"), "something unforeseen happened (KeyError)"),
    ],
)
def test_a_failure_is_told_in_words(error, words):
    """
    They say what happened, and quote nothing secret.
    """
    told = in_words(error)

    assert words in told
    assert not any(bare in told for bare in ("[", "Errno", "OperationalError", "s3cret", "Jane"))


@pytest.mark.parametrize(
    "message",
    [
        "connection failed: connection to server at 127.0.0.1, port 5432 failed: Connection refused",
        "the connection is closed",
        "server closed the connection unexpectedly",
    ],
)
def test_a_database_server_that_is_away_is_said(message):
    """
    Linnworks is told that it is the bridge's database, and to try again.
    """
    assert "The bridge's database does not answer" in explain(peewee.OperationalError(message))
