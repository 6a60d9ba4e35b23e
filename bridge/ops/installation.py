"""Open an installation: its database, key and channel, which must belong together."""

from __future__ import annotations

import logging
from functools import partial

import peewee

from bridge.channels import Channels
from bridge.errors import StartError, in_words
from bridge.ops.notifications.rounds import Rounds
from bridge.ops.old_copies import archive_left_behind
from bridge.ops.retention import Retention
from bridge.protocol.call import Services
from bridge.protocol.concurrency_limit import PATIENCE_SECONDS, ConcurrencyLimit, LargeBodies
from bridge.protocol.rate_limit import RateLimiter
from bridge.settings import Settings
from bridge.store.connections import list_connections
from bridge.store.database import close_store, open_store
from bridge.store.installation_facts import read_fact, save_fact, save_fact_once
from bridge.sync import feeds, outbox
from bridge.sync.call_journal import CallJournal
from bridge.sync.health import Health
from bridge.sync.held_orders import Rechecks
from bridge.sync.worker import BackgroundWorker
from bridge.vault import MARKER, Vault, open_vault

log = logging.getLogger(__name__)


def open_installation(settings: Settings) -> Services:
    """Open the database and the vault; raises StartError if one cannot be used, or they do not belong together."""
    open_store(settings.database)
    try:
        vault = open_vault(settings, create=read_fact(MARKER) is None)
        channels = Channels(settings, vault)
        _require_same_key(vault)
        _require_same_channel(settings)
        archived = archive_left_behind(settings)
    except peewee.PeeweeException as error:
        raise StartError(f"The database is damaged, or not one of the bridge: {in_words(error)}") from error
    finally:
        close_store()
    if archived:
        log.warning("The SQLite database that was copied to the server is now in %s", archived)
    journal, health = CallJournal(settings), Health()
    tasks = (
        health.work_one,
        partial(feeds.work_one, journal=journal),
        partial(outbox.work_one, journal=journal),
        Rechecks().work_one,
        Retention().work_one,
    )
    worker = BackgroundWorker(channels, tasks)
    worker.accompany(BackgroundWorker(channels, (Rounds(worker).work_one,), "doctor"))
    return Services(
        settings=settings,
        vault=vault,
        channels=channels,
        worker=worker,
        health=health,
        concurrency_limit=ConcurrencyLimit(settings.threads, PATIENCE_SECONDS),
        rate_limiter=RateLimiter(),
        large_bodies=LargeBodies(settings.threads),
        journal=journal,
    )


def _require_same_key(vault: Vault) -> None:
    if vault.open(save_fact_once(MARKER, vault.seal({}))) is None:
        raise StartError(
            "The secret key is not the one this database was sealed with: restore the old key, or if it is lost for "
            "good, run `linnworks-bridge keys forget`"
        )


def _require_same_channel(settings: Settings) -> None:
    """Raise StartError if the integrations were set up for another kind of shop."""
    used = read_fact("channel")
    if used not in (None, settings.channel) and list_connections():
        raise StartError(
            f"This database has integrations with the channel {used}: set BRIDGE_CHANNEL={used}, "
            f"or another BRIDGE_DATA_DIR for {settings.channel}"
        )
    if used != settings.channel:
        save_fact("channel", settings.channel)
