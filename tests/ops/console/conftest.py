from __future__ import annotations

from functools import partial

import pytest
from werkzeug.security import generate_password_hash

from bridge.ops.console import access
from bridge.ops.console.access import set_password

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def quick_hash(request, monkeypatch):
    """Make the hash quick, which is slow on purpose, unless a test asks for the usual one."""
    if "run" not in request.fixturenames:
        monkeypatch.setattr(access, "generate_password_hash", partial(generate_password_hash, method="pbkdf2:sha256:1"))


@pytest.fixture
def console(app):
    """Return a client that has logged in."""
    set_password(PASSWORD)
    client = app.test_client()
    assert 303 == client.post("/console/login", data={"password": PASSWORD}).status_code
    return client
