"""Retention: the background worker deletes what is older than the settings allow."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from bridge.channels import Channels
from bridge.clock import before, now
from bridge.settings import Settings, sqlite_file
from bridge.store.actions import forget_actions, forget_order_leases
from bridge.store.calls import forget_calls
from bridge.store.connections import forget_erased, forget_unfinished
from bridge.store.database import truncate_wal
from bridge.store.feeds import forget_feeds
from bridge.store.orders import forget_orders
from bridge.store.paging import forget_paging_runs
from bridge.store.sqlite_backup import ARCHIVE

INTERVAL_SECONDS = 3600
BATCH_ROWS = 500  # few enough that other writers do not wait long
DAY_SECONDS = 86400


class Retention:
    """Deletes once an hour; every process of the service may, even the same rows."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due = float("-inf")

    def work_one(self, channels: Channels) -> bool:
        """Delete a batch of old rows, or finish the round; return whether there may be more to delete.

        What was just erased leaves the write-ahead log at the next call that nobody reads it in, a second later or so.
        """
        forget_erased()
        if self._clock() < self._due:
            return False
        self._due = (
            self._clock() + INTERVAL_SECONDS
        )  # set first, or a disk that cannot be written is tried again and again
        if delete_old_rows(channels.settings, now()):
            self._due = self._clock()
            return True
        delete_old_archives(channels.settings, now())
        truncate_wal()
        return False


def delete_old_rows(settings: Settings, moment: datetime) -> int:
    """Delete a batch of rows of each kind that are older than the settings allow; return how many."""
    return sum(
        delete(before(moment, DAY_SECONDS * days), BATCH_ROWS)
        for delete, days in (
            (forget_actions, settings.keep_actions_days),
            (forget_order_leases, 1),
            (forget_orders, settings.keep_orders_days),
            (forget_feeds, settings.keep_feeds_days),
            (forget_paging_runs, settings.keep_paging_runs_days),
            (forget_calls, settings.keep_calls_days),
            (forget_unfinished, settings.keep_unfinished_days),
        )
    )


def delete_old_archives(settings: Settings, moment: datetime) -> None:
    """Delete old archives: the databases that upgrades and restores have replaced."""
    oldest = moment - timedelta(days=settings.keep_archives_days)
    file = sqlite_file(settings.database)
    for parent in {settings.data_dir, *([file.parent] if file else [])}:
        for folder in (parent / ARCHIVE).glob("*/"):
            if folder.stat().st_mtime < oldest.timestamp():
                shutil.rmtree(folder, ignore_errors=True)
