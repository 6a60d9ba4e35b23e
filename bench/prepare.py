"""Fill an installation with connections, in a process of its own, and print their calls.

The order is JSON on standard input: `environ`, the number of `connections`, the `seconds` that their shops take for a
call, and the number of `items` in their updates.
"""

from __future__ import annotations

import json
import sys

from bench.installation import Installation, calls, new_feed


def main() -> None:
    """Read the order, fill the installation, print the calls."""
    wanted = json.load(sys.stdin)
    here = Installation(wanted["environ"])
    found = []
    for number in range(wanted["connections"]):
        token = here.connect(f"bench-{wanted['seconds']}-{number}", wanted["seconds"])
        asked = calls(token, here.skus(token, wanted["items"]), new_feed(here, token))
        found.append({name: (path, raw.decode()) for name, (path, raw) in asked.items()})
    json.dump(found, sys.stdout)
    here.close()


if __name__ == "__main__":
    main()
