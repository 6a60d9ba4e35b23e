from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask

from bridge import feeds
from bridge.app import create_app
from bridge.channels.demo import tables
from bridge.manifest import endpoints
from bridge.settings import Settings
from bridge.store.database import close_store, database
from tests.linnworks import Linnworks


@pytest.fixture
def settings(tmp_path) -> Settings:
    """Settings of an installation of its own, with nothing in it yet."""
    return Settings(data_dir=tmp_path / "data")


@contextmanager
def opened(settings: Settings) -> Iterator[Flask]:
    """An application, its worker at rest so that a test decides when feeds are worked off."""
    app = create_app(settings)
    app.extensions["bridge"].worker.stop()
    database.execute_sql("PRAGMA synchronous = off")  # tests need not outlive a power cut
    yield app
    close_store()
    if tables.database.obj is not None:
        tables.database.close()


@pytest.fixture
def app(settings) -> Iterator[Flask]:
    """The application of one test."""
    with opened(settings) as app:
        yield app


@pytest.fixture
def work(app) -> Callable[[], None]:
    """Let the worker do all that is due."""

    def run() -> None:
        while feeds.work_one(app.extensions["bridge"].channels):
            pass

    return run


@pytest.fixture
def call(app) -> Callable[..., Any]:
    """POST a body to the endpoint that the manifest names so; the answer, which is always 200 with Error."""
    paths = endpoints(app.extensions["bridge"].settings)
    client = app.test_client()

    def post(name: str, body: Any = None, headers: dict[str, str] | None = None, **fields: Any) -> Any:
        raw = body if isinstance(body, bytes) else json.dumps(fields if body is None else body)
        response = client.post(paths[name], data=raw, headers=headers)
        answer = response.get_json()

        assert response.status_code == 200
        assert response.content_length == len(response.data)
        assert "Error" in answer
        return answer

    return post


@pytest.fixture
def connect(call) -> Callable[..., Linnworks]:
    """Make a finished integration with the embedded shop; by default each has a shop of its own."""

    def begin(shop: str = "", **preferences: str) -> Linnworks:
        name = shop or f"shop-{uuid.uuid4().hex[:8]}"
        linnworks = Linnworks(call, name)
        linnworks.finish_wizard(shop_name=name, access_key=f"key of {name}", **preferences)
        return linnworks

    return begin


@pytest.fixture
def linnworks(connect) -> Linnworks:
    """A finished integration with an embedded shop."""
    return connect()
