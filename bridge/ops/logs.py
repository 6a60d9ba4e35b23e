"""Log formats: text for people, or one JSON object a line for programs."""

from __future__ import annotations

import json
import logging
import time
import traceback
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any

from peewee import PeeweeException

from bridge.errors import BridgeError
from bridge.settings import Settings

TOLD = (BridgeError, PeeweeException, OSError)
"""Exceptions whose words are safe to log."""


class TracebackFormatter(logging.Formatter):
    """Formats an exception with its traceback, and its words only where they quote nothing that a shop has sent.

    Those of other exceptions, such as a ValueError, may have a buyer's name in them.
    """

    def formatException(self, ei: Any) -> str:
        parts = []
        error: BaseException | None = ei[1]
        while error is not None:
            words = f": {error}".partition("\n")[0] if isinstance(error, TOLD) else ""  # a database adds the values
            parts.append("".join([*traceback.format_tb(error.__traceback__), type(error).__name__, words]))
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return "\nafter\n".join(parts)


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
        return json.dumps(line, ensure_ascii=False, default=str)


def set_up_logging(settings: Settings) -> None:
    """Log to standard error in the format of the settings; keep the handlers that the server has set up already."""
    logging._srcfile = None  # saves looking up which code logged, which no format shows
    root = logging.getLogger()
    if not root.handlers:
        logging.basicConfig()
        root.handlers[0].setFormatter(TextFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    if settings.log_format == "json":
        for handler in root.handlers:
            handler.setFormatter(JsonFormatter())
    logging.getLogger("bridge").setLevel(settings.log_level)
