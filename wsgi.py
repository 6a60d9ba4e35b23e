"""The application for gunicorn: `gunicorn wsgi:app`."""

from bridge.app import create_app

app = create_app()
