"""The public pages: health, the home page, the logo."""

from __future__ import annotations

import re
import struct

from bridge.app import create_app
from bridge.protocol.endpoints.public import source_hash
from bridge.settings import Settings
from bridge.store.database import database


def test_health_says_that_the_service_can_work(settings):
    """
    If database and worker work, /health is 200.
    """
    app = create_app(settings)
    response = app.test_client().get("/health")
    app.extensions["bridge"].worker.stop()

    assert 200 == response.status_code
    assert {"status": "ok", "database": True, "worker": True} == response.get_json()


def test_health_says_that_the_service_cannot_work(app):
    """
    If worker or database do not work, /health is 503 and says which.
    """
    without_worker = app.test_client().get("/health")
    database.connection().close()
    without_both = app.test_client().get("/health")
    database.close()

    assert (
        without_worker.status_code,
        without_worker.get_json(),
    ) == (503, {"status": "failing", "database": True, "worker": False})
    assert (
        without_both.status_code,
        without_both.get_json(),
    ) == (503, {"status": "failing", "database": False, "worker": False})


def test_the_page_says_what_this_is_and_whether_it_runs(settings):
    """
    The page for people with a browser says so in two sentences.
    """
    app = create_app(settings)
    running = app.test_client().get("/")
    app.extensions["bridge"].worker.stop()
    failing = app.test_client().get("/")

    assert "This is a Linnworks channel application." in running.text
    assert "It is running." in running.text
    assert (503, True) == (failing.status_code, "It cannot work" in failing.text)


def test_the_page_may_load_and_run_nothing(app):
    """
    Its policy allows its own style and the logo.
    """
    page = app.test_client().get("/")
    (style,) = re.findall(r"<style>(.*?)</style>", page.text, re.DOTALL)
    policy = page.headers["Content-Security-Policy"]

    assert policy.startswith(f"default-src 'none'; img-src 'self'; style-src '{source_hash(style)}'; ")
    assert "unsafe" not in policy
    assert "style=" not in page.text


def test_the_logo_is_57_pixels_square(app):
    """
    ChannelLogoURL works without any setting.
    """
    response = app.test_client().get("/logo.png")

    assert "image/png" == response.mimetype
    assert (57, 57) == struct.unpack(">II", response.data[16:24])


def test_the_logo_can_be_replaced(tmp_path):
    """
    BRIDGE_LOGO names another picture.
    """
    logo = tmp_path / "own.png"
    logo.write_bytes(b"picture")
    app = create_app(Settings(data_dir=tmp_path / "data", logo=logo))
    response = app.test_client().get("/logo.png")
    app.extensions["bridge"].worker.stop()

    assert response.data == b"picture"
