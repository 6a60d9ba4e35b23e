"""Fills an installation with connections, in a process of its own; tells their calls.

What is wanted is JSON on standard input: `environ`, how many `connections`, how many `seconds` their shops take for a
call, and how many `items` their updates have.
"""

from __future__ import annotations

import json
import sys

from bench.installation import Installation, calls, new_feed


def main() -> None:
    """Read what is wanted, do it, tell the calls."""
    wanted = json.load(sys.stdin)
    here = Installation(wanted["environ"])
    told = []
    for number in range(wanted["connections"]):
        token = here.connect(f"bench-{wanted['seconds']}-{number}", wanted["seconds"])
        asked = calls(token, here.skus(token, wanted["items"]), new_feed(here, token))
        told.append({name: (path, raw.decode()) for name, (path, raw) in asked.items()})
    json.dump(told, sys.stdout)
    here.close()


if __name__ == "__main__":
    main()
