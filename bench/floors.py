"""The floors: applications that do the least that the same server could do.

`a` reads the request and answers bytes; `b` also parses and writes JSON; `echo` is Flask's JSON echo, `fixed` Flask
answering fixed bytes. `a` and `b` answer what the bridge answered to the same request: the file that BENCH_ANSWERS
names has the answers by path.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, request

from bridge.protocol.manifest import endpoints
from bridge.settings import Settings

StartResponse = Callable[[str, list[tuple[str, str]]], Any]

PATHS = set(endpoints(Settings()).values())
FIXED = b'{"Error":null}'


def _answers() -> dict[str, Any]:
    path = os.environ.get("BENCH_ANSWERS")
    return json.loads(Path(path).read_text("utf-8")) if path else {}


ready = _answers()
ready_bytes = {path: json.dumps(answer).encode() for path, answer in ready.items()}


def a(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Read bytes and answer bytes."""
    environ["wsgi.input"].read()
    return _respond(ready_bytes.get(environ["PATH_INFO"], FIXED), start_response)


def b(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Parse JSON and answer JSON."""
    json.loads(environ["wsgi.input"].read() or b"0")
    return _respond(json.dumps(ready.get(environ["PATH_INFO"], {"Error": None})).encode(), start_response)


def _respond(body: bytes, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def _flask(name: str, view: Callable[[], Response]) -> Flask:
    app = Flask(name)
    for path in PATHS:
        app.add_url_rule(path, path, view, methods=["POST"])
    return app


echo = _flask("echo", lambda: jsonify(request.get_json()))
fixed = _flask("fixed", lambda: Response(FIXED, mimetype="application/json"))
