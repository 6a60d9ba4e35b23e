"""gunicorn's settings for the floors: the bridge's own, without what only the bridge has."""

from __future__ import annotations

from bridge.ops import serving

globals().update(
    {name: value for name, value in vars(serving).items() if not name.startswith("_")},
    when_ready=lambda server: None,
    post_worker_init=lambda worker: None,  # where the bridge starts its worker thread
    worker_exit=lambda server, worker: None,
)
