"""How the bridge logs: lines for people, or an object a line for machines."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timezone

from bridge.settings import Settings


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
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if settings.log_format == "json":
        for handler in logging.getLogger().handlers:
            handler.setFormatter(JsonLines())
    logging.getLogger("bridge").setLevel(settings.log_level)
