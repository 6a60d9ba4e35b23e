"""What is kept, and for how long: the worker forgets what the settings no longer allow."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from bridge.channels import Channels
from bridge.clock import before, now
from bridge.settings import Settings, sqlite_file
from bridge.store.actions import forget_actions
from bridge.store.connections import forget_unfinished
from bridge.store.database import truncate_wal
from bridge.store.feeds import forget_feeds
from bridge.store.orders import forget_orders
from bridge.store.paging import forget_paging_runs
from bridge.store.sqlite_backup import ARCHIVE

EVERY_SECONDS = 3600
MOST_AT_ONCE = 500  # so that nobody waits long for the database
DAY_SECONDS = 86400


class Retention:
    """Forgets once an hour; every process of the service may do so, on the same rows."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due = float("-inf")

    def work_one(self, channels: Channels) -> bool:
        """Forget some of what is due; whether there may be more."""
        if self._clock() < self._due:
            return False
        self._due = self._clock() + EVERY_SECONDS  # first: a disk that cannot be written is not tried all the time
        if forget_some(channels.settings, now()):
            self._due = self._clock()
            return True
        forget_copies(channels.settings, now())
        truncate_wal()
        return False


def forget_some(settings: Settings, moment: datetime) -> int:
    """Forget some rows of each kind that are older than the settings allow; how many."""
    return sum(
        forget(before(moment, DAY_SECONDS * days), MOST_AT_ONCE)
        for forget, days in (
            (forget_actions, settings.keep_actions_days),
            (forget_orders, settings.keep_orders_days),
            (forget_feeds, settings.keep_feeds_days),
            (forget_paging_runs, settings.keep_runs_days),
            (forget_unfinished, settings.keep_unfinished_days),
        )
    )


def forget_copies(settings: Settings, moment: datetime) -> None:
    """Remove copies of the database that upgrades and restores made too long ago."""
    oldest = moment - timedelta(days=settings.keep_copies_days)
    file = sqlite_file(settings.database)
    for beside in {settings.data_dir, *([file.parent] if file else [])}:
        for folder in (beside / ARCHIVE).glob("*/"):
            if folder.stat().st_mtime < oldest.timestamp():
                shutil.rmtree(folder, ignore_errors=True)
