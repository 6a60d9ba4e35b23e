"""Mutants: changes for the worse that some test must notice. `make mutants` makes each and prints those that survive.

Each is a piece of a file, what takes its place, and the tests that have to fail; several places are tried one by one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGING = ("tests/sync/test_paging.py", "tests/sync/test_held_orders.py")
RECHECKS = ("tests/sync/test_rechecks.py",)
SIMULATION = ("tests/simulation/test_simulation.py::test_a_schedule_that_once_lost_an_order_loses_none",)
ACTIONS = ("tests/sync/test_actions.py", "tests/sync/test_concurrency.py")
WOOCOMMERCE = ("tests/channels/woocommerce/test_lost_actions.py", "tests/channels/woocommerce/test_actions.py")
OUTBOX = ("tests/sync/test_outbox.py",)


@dataclass(frozen=True)
class Mutant:
    """One change, told in words."""

    words: str
    path: str
    old: str
    new: str
    tests: tuple[str, ...] = PAGING


MUTANTS = (
    Mutant(
        "a run reaches back to the last complete one, though Linnworks asks for more",
        "bridge/sync/paging.py",
        "before(min(since, known), overlap)",
        "before(known, overlap)",
    ),
    Mutant(
        "a run reaches back no further than Linnworks asks",
        "bridge/sync/paging.py",
        "before(min(since, known), overlap)",
        "before(since, overlap)",
    ),
    Mutant(
        "no note is made before a held order is read",
        "bridge/sync/held_orders.py",
        "            touch_order(connection_id, reference, now)  #",
        "            #",
    ),
    Mutant(
        "a set-back clock of the shop is not noticed",
        "bridge/sync/paging.py",
        "if complete is None or page.as_of is None:",
        "if True:",
    ),
    Mutant(
        "a clock that was set back with ours is not noticed",
        "bridge/sync/paging.py",
        "set_back.total_seconds() <= overlap / 2:\n        return known",
        "True:\n        return known",
    ),
    Mutant(
        "a run by hand passes for the run before",
        "bridge/sync/paging.py",
        "earlier is None or earlier.id > complete.id",
        "earlier is None",
    ),
    Mutant(
        "the newest of runs asked alike is the one whose time is latest",
        "bridge/store/paging.py",
        "PagingRun.asked_since.desc(), PagingRun.id.desc()",
        "PagingRun.asked_since.desc(), PagingRun.started_at.desc()",
        SIMULATION,
    ),
    Mutant(
        "a restored database with no complete run reaches back no further than Linnworks asks",
        "bridge/store/paging.py",
        "return min(moment for moment in (asked_since, earliest, completed_at) if moment is not None)",
        "return asked_since",
    ),
    Mutant(
        "an order that cannot be checked costs its page",
        "bridge/sync/order_checks.py",
        '    except Exception as error:\n        log.exception("Order %s cannot be checked"',
        '    except KeyError as error:\n        log.exception("Order %s cannot be checked"',
    ),
    Mutant(
        "a held order that cannot be mapped costs the page",
        "bridge/sync/held_orders.py",
        '    except Exception:\n        log.exception("Held order',
        '    except KeyError:\n        log.exception("Held order',
    ),
    Mutant(
        "held orders are read for as long as there is time",
        "bridge/sync/held_orders.py",
        "\nSHARE = 0.25",
        "\nSHARE = 1.0",
    ),
    Mutant(
        "a page read again keeps what its lost answer released",
        "bridge/sync/paging.py",
        "if later.read > 1:",
        "if False:",
    ),
    Mutant(
        "an order held again keeps its release",
        "bridge/store/orders.py",
        "hold_reason=reason, checked_at=now, released_by=None, releases=0",
        "hold_reason=reason, checked_at=now",
    ),
    Mutant(
        "a run carries an order twice that was held",
        "bridge/store/orders.py",
        "(SeenOrder.released_by.is_null() | (SeenOrder.released_by != run))",
        "(SeenOrder.connection == connection)",
        RECHECKS,
    ),
    Mutant(
        "orders that were found to be sendable wait for their turn among the others",
        "bridge/sync/held_orders.py",
        "[*released, *([] if own else still_held_orders(connection_id, AT_ONCE))]",
        "[*([] if own else still_held_orders(connection_id, AT_ONCE)), *released]",
        RECHECKS,
    ),
    Mutant(
        "a run goes on with held orders though none can be read",
        "bridge/sync/held_orders.py",
        "unread > 0 and found and",
        "unread > 0 and",
        RECHECKS,
    ),
    Mutant(
        "the worker asks a shop again that has just failed",
        "bridge/sync/held_orders.py",
        "self._clock() + REST_SECONDS",
        "self._clock()",
        RECHECKS,
    ),
    Mutant(
        "a release is settled by the first later request",
        "bridge/store/orders.py",
        "_SETTLE.run(connection=connection_id, run=run, releases=MOST_RELEASES - 1)",
        "_SETTLE.run(connection=connection_id, run=run, releases=0)",
    ),
    Mutant(
        "a release is never settled without a proof",
        "bridge/store/orders.py",
        "_SETTLE.run(connection=connection_id, run=run, releases=MOST_RELEASES - 1)",
        "pass",
    ),
    Mutant(
        "held orders are read in no order",
        "bridge/store/orders.py",
        "& _IS_HELD)\n        .order_by(SeenOrder.checked_at, SeenOrder.id)",
        "& _IS_HELD)\n        .order_by(SeenOrder.id)",
    ),
    Mutant(
        "any of several runs within a minute is a proof",
        "bridge/store/paging.py",
        "if len(near) == 1 and near[0].id in complete else None",
        "if near and near[0].id in complete else None",
    ),
    Mutant(
        "a run by hand is proven by a regular request",
        "bridge/store/paging.py",
        "if len(near) == 1 and near[0].id in complete else None",
        "if len(near) == 1 else None",
    ),
    Mutant(
        "a back-dated request proves something",
        "bridge/store/paging.py",
        "if latest is None or latest.asked_since >= asked_since:",
        "if latest is None:",
    ),
    Mutant(
        "the oldest of the runs asked alike is served",
        "bridge/store/paging.py",
        "run, *older = knowing",
        "*older, run = knowing",
        SIMULATION,
    ),
    Mutant(
        "runs asked alike share their cursors",
        "bridge/store/paging.py",
        "diverged = any(rival.cursor != page.cursor for rival in rivals)",
        "diverged = False",
    ),
    Mutant(
        "a page that two runs follow may end elsewhere",
        "bridge/store/paging.py",
        "if run.shared and",
        "if False and",
    ),
    Mutant(
        "a run that was passed by long ago is a rival",
        "bridge/store/paging.py",
        "number >= _pages_asked_for(pages[one.id].values())",
        "True",
    ),
    Mutant(
        "an overtaken read of a page counts",
        "bridge/store/paging.py",
        "page.reads != read.read",
        "False",
        (*PAGING, "tests/sync/test_concurrency.py"),
    ),
    Mutant(
        "a despatch that comes again is not compared with what went",
        "bridge/sync/order_actions.py",
        "parcels.sent_parcels(_sent_before(order))",
        "[]",
        ACTIONS,
    ),
    Mutant(
        "what only the shop knows to have gone counts for nothing",
        "bridge/sync/order_actions.py",
        "        if known.key not in keys:",
        "        if False:",
        ACTIONS,
    ),
    Mutant(
        "a tracking number states what is new, not its total",
        "bridge/sync/parcels.py",
        "more = wanted - sum(parcel.pieces.get(line.number, 0) for parcel in about)",
        "more = wanted",
        (*ACTIONS, "tests/sync/test_parcels.py"),
    ),
    Mutant(
        "a replaced tracking number is forgotten",
        "bridge/sync/parcels.py",
        "known_numbers=one.known_numbers | known",
        "known_numbers=known",
        ("tests/sync/test_parcels.py",),
    ),
    Mutant(
        "parcels of two numbers correct each other",
        "bridge/sync/parcels.py",
        "if not any(other.names(parcel) for other in others)",
        "",
        ("tests/sync/test_parcels.py",),
    ),
    Mutant(
        "an equal refund just after is a new one",
        "bridge/sync/actions.py",
        "order.repeated(kind, identity, content) or order.perform",
        "order.perform",
        ACTIONS,
    ),
    Mutant(
        "what the shop has done before a restore is done again",
        "bridge/sync/actions.py",
        "known = {action.key: action for action in self.state.actions_of(kind)}",
        "known: dict[str, Any] = {}",
        ACTIONS,
    ),
    Mutant(
        "an action that was not answered in time is a new one after a while",
        "bridge/sync/actions.py",
        "if last is None or (last.answered_at and",
        "if last is None or (",
        ACTIONS,
    ),
    Mutant(
        "an unknown action is sent again at once",
        "bridge/sync/actions.py",
        "if result is None and not (",
        "if False and not (",
        ACTIONS,
    ),
    Mutant(
        "an order may be acted on by two requests",
        "bridge/store/actions.py",
        "        if lease.is_held(now):\n            return None",
        "        pass",
        ACTIONS,
    ),
    Mutant(
        "what the shop has begun of a despatch stays as it is",
        "bridge/sync/order_actions.py",
        "        _complete_begun(order)\n",
        "",
        ACTIONS,
    ),
    Mutant(
        "a lease is released by one who lost it",
        "bridge/store/leases.py",
        ".where((key == row) & (model.claim == holder))",
        ".where(key == row)",
        ("tests/store/test_leases.py", *ACTIONS, *OUTBOX),
    ),
    Mutant(
        "the first of two values for one product is pushed",
        "bridge/sync/outbox.py",
        "newest.pop(key, None)\n            newest[key] = row",
        "newest.setdefault(key, row)",
        OUTBOX,
    ),
    Mutant(
        "a refund is found among those from before",
        "bridge/channels/woocommerce/actions.py",
        ' or str(row["id"]) in before',
        "",
        WOOCOMMERCE,
    ),
    Mutant(
        "a refund is found among those of other requests",
        "bridge/channels/woocommerce/actions.py",
        "not isinstance(planned, dict) or key_of(row) or",
        "not isinstance(planned, dict) or",
        WOOCOMMERCE,
    ),
    Mutant(
        "a refund of another amount is found",
        "bridge/channels/woocommerce/actions.py",
        'if money(row["amount"]) == money(planned["amount"]):',
        "if True:",
        WOOCOMMERCE,
    ),
    Mutant(
        "a refund that a gateway works on is taken as made",
        "bridge/channels/woocommerce/actions.py",
        'if planned["gateway"] == str(True) and not row["refunded_payment"]:',
        "if False:",
        WOOCOMMERCE,
    ),
    Mutant(
        "the note of another parcel counts as a second parcel's",
        "bridge/channels/woocommerce/actions.py",
        ".count(_words(note)) > len(earlier)",
        ".count(_words(note)) > 0",
        WOOCOMMERCE,
    ),
    Mutant(
        "the parcels that an order has are overwritten",
        "bridge/channels/woocommerce/actions.py",
        "items = [*(known if isinstance(known, list) else ()), *",
        "items = [*",
        WOOCOMMERCE,
    ),
    Mutant(
        "the first of two values for one product is set in WooCommerce",
        "bridge/channels/woocommerce/updates.py",
        "            product.values[update.field] = update.value\n",
        "            product.values.setdefault(update.field, update.value)\n",
        ("tests/channels/woocommerce/test_updates.py",),
    ),
)


def main() -> int:
    """Make each mutant in a copy of the tree and run its tests; with words, only those that are told with these."""
    chosen = [mutant for mutant in MUTANTS if all(word in mutant.words for word in sys.argv[1:])]
    survivors, stale = [], []
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".git", "__pycache__", ".*_cache"))
        if _fails(tree, tuple(sorted({test for mutant in chosen for test in mutant.tests}))):
            print("The tests fail without any mutant")
            return 1
        for mutant in chosen:
            place = tree / mutant.path
            text = place.read_text(encoding="utf-8")
            if text.count(mutant.old) != 1:
                stale.append(mutant)
                continue
            place.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
            killed = _fails(tree, mutant.tests)
            place.write_text(text, encoding="utf-8")
            print("killed  " if killed else "SURVIVES", mutant.words, flush=True)
            if not killed:
                survivors.append(mutant)
    for mutant in stale:
        print("NOT FOUND", mutant.words, mutant.path)
    print(f"{len(chosen)} mutants, {len(survivors)} survive, {len(stale)} are not found in the code")
    return 1 if survivors or stale else 0


def _fails(tree: Path, tests: tuple[str, ...]) -> bool:
    """Whether some test fails in this tree; raises if they cannot be run."""
    environ = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", *tests], cwd=tree, env=environ, capture_output=True
    )
    if run.returncode not in (0, 1):
        raise RuntimeError(run.stdout.decode())
    return run.returncode == 1


if __name__ == "__main__":
    sys.exit(main())
