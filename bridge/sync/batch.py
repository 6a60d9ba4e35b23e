"""A batch: an outcome for every item asked, in order; an item that fails costs its neighbours nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

import peewee

from bridge.errors import BridgeError, CredentialsRefused, OutcomeUnknown

log = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")


def each(
    items: Iterable[Item],
    act: Callable[[Item], Result],
    failed: Callable[[Item, BridgeError], Result],
    name: Callable[[Item], str],
) -> list[Result]:
    """Return `act(item)` for every item, or `failed(item, error)` where it raises.

    An unexpected exception is logged with the item's name and becomes OutcomeUnknown. What concerns the whole batch is
    raised: CredentialsRefused, and peewee's exceptions, after which nothing can be stored.
    """
    results = []
    for item in items:
        try:
            results.append(act(item))
        except (CredentialsRefused, peewee.PeeweeException):
            raise
        except BridgeError as error:
            results.append(failed(item, error))
        except Exception:
            log.exception("%s failed", name(item))
            results.append(failed(item, OutcomeUnknown("The bridge failed; its log has the details")))
    return results
