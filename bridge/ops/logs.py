"""How the bridge logs: lines for people, or an object a line for machines."""

from __future__ import annotations

import json
import logging
import time
from datetime import datetime, timezone
from functools import lru_cache

from bridge.settings import Settings


class Lines(logging.Formatter):
    """A line for people. The time of a second is put into words once, because many calls are answered in one."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        return f"{_second(int(record.created))},{int(record.msecs):03d}"


@lru_cache(maxsize=1)
def _second(moment: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment))


class JsonLines(logging.Formatter):
    """One JSON object a line: time in UTC, level, logger, message, and the facts that a record carries."""

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


def set_up(settings: Settings) -> None:
    """Log to standard error as the settings say, unless the server has set up handlers of its own."""
    logging._srcfile = None  # nothing asks where in the code a line was written
    root = logging.getLogger()
    if not root.handlers:
        logging.basicConfig()
        root.handlers[0].setFormatter(Lines("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    if settings.log_format == "json":
        for handler in root.handlers:
            handler.setFormatter(JsonLines())
    logging.getLogger("bridge").setLevel(settings.log_level)
