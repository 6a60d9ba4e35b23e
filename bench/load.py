"""Load from another process than the server's: wrk if it is installed, else a client in Python."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.processes import Server, child

CALLERS = 4
"""No more than the concurrency limit of one connection, so that no call is refused."""

# wrk counts answers other than 2xx; the bridge's are always 200, and the start of the body says whether they failed
SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local file = io.open(%s, "rb")
wrk.body = file:read("*a")
file:close()
local addresses = %s
local number = 0
if addresses then
  function request()
    number = number + 1
    wrk.headers["X-Forwarded-For"] = string.format("10.%%d.%%d.%%d", number / 65536, number / 256 %% 256, number %% 256)
    return wrk.format()
  end
end
local threads = {}
function setup(thread) table.insert(threads, thread) end
function init(args) failed = 0 end
function response(status, headers, body)
  if status ~= 200 or not string.find(string.sub(body, 1, 200), %s, 1, true) then failed = failed + 1 end
end
function done(summary, latency, requests)
  local failures = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  for _, thread in ipairs(threads) do failures = failures + thread:get("failed") end
  io.write(string.format('\\n{"calls": %%d, "seconds": %%f, "p50": %%f, "p99": %%f, "failed": %%d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, failures))
end
"""


@dataclass(frozen=True)
class Loaded:
    """The result of a load: calls per second, milliseconds until an answer, microseconds of processor time per call."""

    rate: float
    p50: float
    p99: float
    processor: float
    failed: int


def load(
    server: Server, path: str, raw: bytes, seconds: float, sign: str, *, callers: int = CALLERS, addresses: bool = False
) -> Loaded:
    """Call as fast as the answers come; with `addresses`, each call comes from another address.

    `sign` is in the first 200 bytes of every answer that is no failure.
    """
    before = server.processor_seconds()
    if shutil.which("wrk"):
        result = _wrk(server, path, raw, seconds, sign, callers, addresses)
    else:
        plan = {"url": server.url, "path": path, "body": raw.decode(), "seconds": seconds, "callers": callers}
        given = json.dumps({**plan, "sign": sign, "addresses": addresses}).encode()
        result = json.loads(child("bench.client", given=given))
    used = server.processor_seconds() - before
    calls = max(result["calls"], 1)
    return Loaded(
        result["calls"] / result["seconds"], result["p50"], result["p99"], 1e6 * used / calls, round(result["failed"])
    )


def _wrk(
    server: Server, path: str, raw: bytes, seconds: float, sign: str, callers: int, addresses: bool
) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        body, script = Path(folder) / "body", Path(folder) / "script.lua"
        body.write_bytes(raw)
        script.write_text(SCRIPT % (json.dumps(str(body)), json.dumps(addresses), json.dumps(sign)))
        length = str(max(1, round(seconds)))
        command = ["wrk", "-t", "1", "-c", str(callers), "-d", length, "--timeout", "10", "-s", str(script)]
        run = subprocess.run([*command, server.url + path], capture_output=True, check=True, timeout=seconds + 30)
        result: dict[str, float] = json.loads(run.stdout.splitlines()[-1])
    return result
