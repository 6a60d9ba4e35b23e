"""Leases: rows that one process at a time works on, and that another takes over when it dies."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from peewee import CharField, Select, fn

from bridge.clock import FARTHEST, is_future
from bridge.store.database import Row
from bridge.store.fields import MomentField, is_due
from bridge.store.statements import Statement


class LeasedRow(Row):
    """A row with a lease: `claim` identifies its holder and is empty while there is none.

    A claim that is over at `claimed_until` was not released: its holder died, or is late.
    """

    claim = CharField(max_length=32, default="")
    claimed_until = MomentField()

    @classmethod
    def free(cls, now: datetime) -> Any:
        """Return the SQL condition that a row has no holder: the opposite of `is_held`."""
        return (cls.claim == "") | is_due(cls.claimed_until, now)

    def is_held(self, now: datetime) -> bool:
        """Return whether the row has a holder."""
        return bool(self.claim) and is_future(self.claimed_until, now)

    def acquire(self, until: datetime, **changes: Any) -> None:
        """Claim the row and set these columns; only in the transaction of `writing` that has read it as free."""
        self._change_as_holder(claim=secrets.token_hex(16), claimed_until=until, **changes)

    def release(self, now: datetime, **changes: Any) -> bool:
        """Give up the claim and set these columns; False, and nothing is changed, if another process has claimed it."""
        return self._change_as_holder(claim="", claimed_until=now, **changes)

    def _change_as_holder(self, **changes: Any) -> bool:
        statement = _update_of(type(self), tuple(changes))
        changed = statement.run(row=self.get_id(), holder=self.claim, **changes).rowcount
        if changed:
            for column, value in changes.items():
                setattr(self, column, value)
        return bool(changed)


class DueCheck:
    """Tells whether any row is due, by the first and the last moment of indexes: most seconds there is none.

    Without parameters, so that PostgreSQL plans it once.
    """

    def __init__(self, *columns: tuple[MomentField, Any]) -> None:
        """Each column comes with the SQL condition of the rows that wait."""
        ends = [field.model.select(end(field)).where(waits) for field, waits in columns for end in (fn.MIN, fn.MAX)]
        self._ends = Statement(lambda: Select(columns=ends))

    def any_due(self, now: datetime, farthest: timedelta = FARTHEST) -> bool:
        """Return whether any moment is due: the opposite of `clock.is_future` for all."""
        ends = self._ends.run().fetchone()
        moments = (MomentField().python_value(end) for end in ends)
        return any(moment is not None and not is_future(moment, now, farthest) for moment in moments)


@cache
def _update_of(model: type[LeasedRow], columns: Sequence[str]) -> Statement:
    """Return the update of these columns of a row that has the expected holder."""
    key = model._meta.primary_key
    return Statement(
        lambda row, holder, **changes: model.update(**changes).where((key == row) & (model.claim == holder)),
        ["row", "holder", *columns],
    )
