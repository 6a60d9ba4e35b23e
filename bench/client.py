"""A client in a process of its own, which carries out a plan and prints how long the answers took.

The plan is JSON on standard input: either `seconds` and a number of `callers`, each of which makes one call after
another, or `schedule`, a list of calls and the second at which each is due. Latencies are counted from then.
"""

from __future__ import annotations

import http.client
import itertools
import json
import statistics
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

MOST_AT_ONCE = 256


def post(url: str, path: str, body: str, sign: str, address: str = "") -> bool:
    """Make a call, with this address in X-Forwarded-For; return whether the answer was no failure."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        forwarded = {"X-Forwarded-For": address} if address else {}
        connection.request("POST", path, body.encode(), {"Content-Type": "application/json", **forwarded})
        return sign.encode() in connection.getresponse().read()[:200]
    except OSError:
        return False
    finally:
        connection.close()


def as_fast_as_answered(plan: dict[str, Any]) -> dict[str, Any]:
    """Make calls in threads, each the next one as soon as it has an answer; return their number and latencies."""
    taken: list[float] = []
    failed: list[bool] = []
    numbers = itertools.count()
    end = time.perf_counter() + plan["seconds"]

    def call() -> None:
        while (started := time.perf_counter()) < end:
            address = str(ip_address(0x0A000000 + next(numbers))) if plan["addresses"] else ""
            succeeded = post(plan["url"], plan["path"], plan["body"], plan["sign"], address)
            taken.append(1000 * (time.perf_counter() - started))
            if not succeeded:
                failed.append(True)

    threads = [threading.Thread(target=call) for _ in range(plan["callers"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"calls": len(taken), "seconds": plan["seconds"], "failed": len(failed), **percentiles(taken)}


def on_schedule(plan: dict[str, Any]) -> dict[str, Any]:
    """Make each call when it is due; return the milliseconds by the calls' labels, None for a failed call."""
    taken: dict[str, list[float | None]] = {}
    began = time.perf_counter() + 0.1

    def call(at: float, label: str, path: str, body: str) -> None:
        succeeded = post(plan["url"], path, body, plan["sign"])
        taken.setdefault(label, []).append(1000 * (time.perf_counter() - began - at) if succeeded else None)

    with ThreadPoolExecutor(MOST_AT_ONCE) as threads:
        for at, label, path, body in plan["schedule"]:
            time.sleep(max(0.0, began + at - time.perf_counter()))
            threads.submit(call, at, label, path, body)
    return taken


def percentiles(taken: Sequence[float]) -> dict[str, float]:
    """Return the 50th and the 99th percentile."""
    cuts = statistics.quantiles(taken, n=100, method="inclusive") if len(taken) > 1 else [*taken, 0.0] * 99
    return {"p50": cuts[49], "p99": cuts[98]}


if __name__ == "__main__":
    given = json.load(sys.stdin)
    json.dump(on_schedule(given) if "schedule" in given else as_fast_as_answered(given), sys.stdout)
