"""Log formats: text for people, or one JSON object a line for programs; foreign text does nothing to a terminal."""

from __future__ import annotations

import json
import logging
import time
import traceback
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any

from peewee import IntegrityError, OperationalError

from bridge.errors import BridgeError, printable
from bridge.settings import Settings

TOLD = (BridgeError, OperationalError, IntegrityError)
"""Exceptions whose first line is safe to log: it quotes nothing that a shop or a caller has sent."""


class TracebackFormatter(logging.Formatter):
    """Formats an exception with its traceback, and its words only where they quote nothing that a shop has sent.

    Those of other exceptions, such as a ValueError, may have a buyer's name in them. Control characters in a message
    are written as escapes.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = printable(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:
        parts = []
        error: BaseException | None = ei[1]
        while error is not None:
            words = _words(error)
            name = f"{type(error).__name__}: {words}" if words else type(error).__name__
            parts.append("".join([*traceback.format_tb(error.__traceback__), name]))
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return "\nafter\n".join(parts)


def _words(error: BaseException) -> str:
    if isinstance(error, TOLD):
        return printable(str(error).partition("\n")[0])
    return (error.strerror or "") if isinstance(error, OSError) and error.errno else ""


class TextFormatter(TracebackFormatter):
    """Formats a record as text; each second is formatted only once, as many calls are answered in it."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        return f"{_second(int(record.created))},{int(record.msecs):03d}"


@lru_cache(maxsize=1)
def _second(moment: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment))


class JsonFormatter(TracebackFormatter):
    """Formats a record as one JSON object: time in UTC, level, logger, and its message or its facts."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            **(getattr(record, "facts", None) or {"message": record.getMessage()}),
        }
        if record.exc_info and record.exc_info[0]:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def set_up_logging(settings: Settings) -> None:
    """Log to standard error in the format of the settings; keep the handlers that the server has set up already."""
    # what no format shows is not looked up for each record
    logging._srcfile = None
    logging.logThreads = logging.logMultiprocessing = False
    root = logging.getLogger()
    if not root.handlers:
        logging.basicConfig()
        root.handlers[0].setFormatter(TextFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    if settings.log_format == "json":
        for handler in root.handlers:
            handler.setFormatter(JsonFormatter())
    logging.getLogger("bridge").setLevel(settings.log_level)
