"""The web application: `/metrics` and `/health` for machines, the pages for people; and Gunicorn, which serves it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

from flask import Flask, Response, redirect
from gunicorn.app.base import BaseApplication

from monitoring.exporter import CONTENT_TYPE, Exporter
from monitoring.findings import FindingsUnavailable, Store
from monitoring.pages import (
    JournalLookup,
    Ledger,
    PageSettings,
    Prometheus,
    Sources,
    Versions,
    authenticator_of,
    create_pages,
)
from monitoring.references import References, TrackingServer
from monitoring.report import Reports
from monitoring.server import alerts
from monitoring.settings import Settings
from monitoring.window.journal import JournalReader

SHARED_MEMORY = Path("/dev/shm")  # nosec B108 # a heartbeat on a slow disk stalls workers
THREADS = 6


def create_app(settings: Settings) -> Flask:
    """BadKeys where the keys cannot be read. No database has to be there."""
    store = Store(settings.findings_url)
    # So that pages stand before the process that judges is ready; without a database they say so.
    with contextlib.suppress(FindingsUnavailable):
        store.prepare()
    app = Flask("monitoring", static_folder=None)
    exporter = Exporter(store, settings.monitor_every)

    # Both are asked by machines inside; the edge leads to neither.
    @app.get("/metrics")
    def metrics() -> Response:
        return Response(exporter.scrape(), content_type=CONTENT_TYPE)

    @app.get("/health")
    def health() -> Response:
        # Of this process alone: to start it again brings no database back.
        return Response("ok\n", content_type="text/plain; charset=utf-8")

    alerts.install(app, settings, store)

    @app.get("/")
    def home() -> Any:
        return redirect("/monitor/")

    app.register_blueprint(create_pages(_page_settings(settings), _sources(settings, store)))
    return app


def _page_settings(settings: Settings) -> PageSettings:
    keys = settings.keys if settings.auth else ""
    return PageSettings(
        authenticator=authenticator_of(keys),
        loopback_only=settings.auth and not keys,
        interval=settings.monitor_every,
        jenkins_url=settings.jenkins_url,
        runbook_url=settings.runbook_url,
    )


def _sources(settings: Settings, store: Store) -> Sources:
    # The process that judges fetches references; pages show what is there.
    references = References(settings.bundles, settings.monitor_state, TrackingServer(""))
    versions = Versions(references, TrackingServer.of(settings))
    journal = JournalReader(settings.journal_url)
    return Sources(
        store=store,
        versions=versions,
        ledger=Ledger(TrackingServer.of(settings)),
        prometheus=Prometheus(settings.prometheus_url),
        journal=JournalLookup(settings.journal_url),
        reports=Reports(settings.monitor_state / "reports", versions.of, journal),
    )


def serve(settings: Settings) -> None:
    """Runs Gunicorn, which exits at its end."""
    _Gunicorn(create_app(settings), settings).run()


class _Gunicorn(BaseApplication):  # type: ignore[misc]  # pylint: disable=abstract-method
    """Gunicorn's documented way to be started from within a program, as in service/process/server.py."""

    def __init__(self, app: Flask, settings: Settings):
        self._app, self._settings = app, settings
        super().__init__()

    def load_config(self) -> None:
        options = {
            "bind": str(self._settings.bind),
            "workers": 1,
            "worker_class": "gthread",
            "threads": THREADS,
            # A report takes a minute or two; its thread keeps no other from answering.
            "timeout": 240,
            "graceful_timeout": 10,
            "keepalive": 75,
            "worker_tmp_dir": str(SHARED_MEMORY) if os.access(SHARED_MEMORY, os.W_OK) else None,
            "control_socket_disable": True,
            "loglevel": "warning",
            # `logs.set_up` has given its logger a handler of ours.
            "errorlog": None,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return self._app
