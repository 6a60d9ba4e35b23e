"""What calls cost over HTTP, under load, beside floors on the same server."""

from __future__ import annotations

import json
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.figures import Figure, of_target, ratios
from bench.installation import environ_of, fresh_database
from bench.load import Loaded, load
from bench.processes import Server, child
from bench.shops import CHANNEL, PRODUCTS

SMALL = ("ConfigTest", "UserConfig")
Service = tuple[Server, dict[str, tuple[str, bytes]]]
"""A running bridge, and its calls by name."""

NO_ERROR = '"Error":null'


def prepared(environ: dict[str, str], connections: int = 1, seconds: str = "0") -> list[dict[str, Any]]:
    """Make connections in an installation that is not running yet; return the calls of each by name."""
    given = json.dumps({"environ": environ, "connections": connections, "seconds": seconds, "items": PRODUCTS})
    calls: list[dict[str, Any]] = json.loads(child("bench.prepare", given=given.encode()))
    return calls


def measure(server_url: str, seconds: float, rounds: int, *, names: tuple[str, ...] = ()) -> list[Figure]:
    """Measure calls on the bench's shop and on the embedded one, on SQLite and, if there is a server, on PostgreSQL.

    With names, measure only these calls, on the bench's shop on SQLite.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        wanted = [("instant, SQLite", "", CHANNEL)]
        if not names:
            wanted.append(("embedded, SQLite", "", "demo"))
        if server_url and not names:
            wanted.append(("instant, PostgreSQL", stack.enter_context(fresh_database(server_url)), CHANNEL))
        services: dict[str, Service] = {}
        for label, database, channel in wanted:
            # the rate limit of new integrations is by address
            environ = {**environ_of(folder / label, database, channel), "BRIDGE_TRUSTED_PROXIES": "127.0.0.1"}
            asked = {name: (path, body.encode()) for name, (path, body) in prepared(environ)[0].items()}
            services[label] = stack.enter_context(Server(environ)), asked
        first, asked = services["instant, SQLite"]
        answers = folder / "answers.json"
        answers.write_text(json.dumps({path: json.loads(first.ask(path, raw)[1]) for path, raw in asked.values()}))
        floors = {
            name: stack.enter_context(Server({**environ_of(folder), "BENCH_ANSWERS": str(answers)}, name))
            for name in ("a", "b", "echo")
        }
        figures = [of_target("length", [float(_wrong_lengths(first, asked))])]
        for name in names or asked:
            figures += _under_load(name, services, floors, seconds, rounds)
        shared, largest = first.memory()
    return [*figures, of_target("12a", [shared]), of_target("12b", [largest])]


def _wrong_lengths(server: Server, asked: dict[str, tuple[str, bytes]]) -> int:
    """Return how many answers, those of failures included, do not have their exact Content-Length."""
    sent = [*asked.values(), ("/api/Order/Orders", b"{"), ("/nowhere", b"{}"), ("/api/Config/ConfigTest", b"{}")]
    answers = [server.ask(path, raw) for path, raw in sent]
    return sum(headers.get("content-length") != str(len(body)) for headers, body in answers)


def _under_load(
    name: str, services: dict[str, Service], floors: dict[str, Server], seconds: float, rounds: int
) -> list[Figure]:
    """Measure one call on all servers; they take turns in each round."""
    asked = services["instant, SQLite"][1][name]
    loads: dict[str, list[Loaded]] = {label: [] for label in (*floors, *services)}
    for _ in range(rounds):
        for label, floor in floors.items():
            loads[label].append(load(floor, *asked, seconds, "" if label == "echo" else '"Error"'))
        for label, (server, own) in services.items():
            loads[label].append(load(server, *own[name], seconds, NO_ERROR, addresses=name == "AddNewUser"))
    figures = []
    for label, taken in loads.items():
        what = f"{name} ({f'floor {label}' if label in floors else label})"
        figures += [
            Figure(f"{what}: rate", tuple(one.rate for one in taken), "/s"),
            Figure(f"{what}: processor", tuple(one.processor for one in taken), "us"),
            Figure(f"{what}: p50", tuple(one.p50 for one in taken), "ms"),
            Figure(f"{what}: p99", tuple(one.p99 for one in taken), "ms"),
        ]
        if failed := sum(one.failed for one in taken):
            figures.append(Figure(f"{what}: failed", (failed,), ""))
    if name in SMALL:
        rates = ([one.rate for one in loads[label]] for label in ("instant, SQLite", "echo"))
        small = of_target("5", ratios(*rates))
        figures.append(Figure(f"{small.what} ({name})", small.values, small.unit, "5"))
    return figures
