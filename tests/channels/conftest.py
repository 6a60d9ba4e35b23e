from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from bridge.settings import Settings
from tests.conftest import opened

pytest.register_assert_rewrite("tests.channels.contract")


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    """Settings of one installation for a whole module, because shops are slow to open."""
    return Settings(data_dir=tmp_path_factory.mktemp("module") / "data")


@pytest.fixture(scope="module")
def app(settings) -> Iterator[Flask]:
    """The application of the module, with its worker stopped."""
    with opened(settings) as app:
        yield app
