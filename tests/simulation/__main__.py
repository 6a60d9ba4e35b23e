"""Play seeds: `python -m tests.simulation --minutes M`, or one of them again: `--seed N`."""

from __future__ import annotations

import argparse
import itertools
import random
import sys
import time

from tests.simulation import bridge
from tests.simulation.play import FEATURES, Schedule, play, schedule, shrink


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="play this one, and shrink it where it fails")
    parser.add_argument("--only", help="play only these of its events, such as 0,4,17")
    parser.add_argument("--minutes", type=float, default=1, help="play seeds for as long as this")
    parser.add_argument("--first", type=int, help="begin at this seed; without it at any")
    parser.add_argument("--database", help="a PostgreSQL server to play on; SQLite without it")
    parser.add_argument("--features", help=f"play schedules with these only, of {', '.join(FEATURES)}")
    given = parser.parse_args()
    if given.database:
        bridge.SERVER = given.database
    features = frozenset(given.features.split(",")) if given.features else None
    if given.seed is not None:
        only = [int(index) for index in given.only.split(",")] if given.only else None
        return one(schedule(given.seed, only, features))
    first = random.SystemRandom().randrange(10**9) if given.first is None else given.first
    end, failed, played = time.monotonic() + 60 * given.minutes, [], 0
    for seed in itertools.count(first):
        if time.monotonic() > end:
            break
        played += 1
        wrong, _ = play(schedule(seed, features=features))
        if wrong:
            failed.append(seed)
            print(f"seed {seed}: {wrong}", flush=True)
    print(f"{played} schedules from seed {first} on, {len(failed)} failed")
    return 1 if failed else 0


def one(plan: Schedule) -> int:
    """Play a schedule, shrink it where it fails, and say what happened."""
    wrong, trace = play(plan)
    if wrong:
        kept = shrink(plan, lambda fewer: bool(play(fewer)[0]))
        wrong, trace = play(schedule(plan.seed, kept, plan.features))
        print(f"--seed {plan.seed} --features {','.join(sorted(plan.features))} --only {','.join(map(str, kept))}")
    print("\n".join([*trace, " ".join(sorted(plan.features)), wrong or "All books agree."]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
