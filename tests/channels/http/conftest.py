from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.channels.http.shop import Shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A shop that fails only as a test tells it to."""
    shop = Shop()
    yield shop
    shop.server.close()
