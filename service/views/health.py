"""Alive, ready, measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response

from service.predict.served import Core
from service.process.metrics import scrape
from service.web.problems import Unavailable

if TYPE_CHECKING:
    from service.app import Service

Gauge = tuple[str, str, dict[str, str], float]


def add_routes(app: Service, core: Core) -> None:
    @app.get("/health/live")
    def live() -> dict[str, Any]:
        return {"status": "alive", "release": core.settings.release}

    @app.get("/health/ready")
    def ready() -> dict[str, Any]:
        if core.state.draining:
            raise Unavailable("this replica is draining; ask another", retry_after=5)
        return {"status": "ready", "release": core.settings.release, "models": list(core.models)}

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(
            scrape(_gauges(core)), content_type="text/plain; version=0.0.4; charset=utf-8"
        )


def _gauges(core: Core) -> list[Gauge]:
    found: list[Gauge] = [
        ("swarmline_inflight", "Requests in flight.", {}, core.state.inflight),
        ("swarmline_draining", "1 while draining.", {}, int(core.state.draining)),
        ("swarmline_build_info", "The release.", {"release": core.settings.release}, 1),
    ]
    for name, served in core.models.items():
        for side in filter(None, (served.champion, served.challenger)):
            labels = {"model": name, "version": side.version, "arm": side.arm}
            text = "Share of requests that the arm answers."
            found.append(("swarmline_traffic_share", text, labels, served.share(side.arm)))
    return found + _journal_gauges(core)


def _journal_gauges(core: Core) -> list[Gauge]:
    if core.journal is None:
        return []
    try:
        stats = core.journal.stats()
    except OSError:
        # A spool that cannot be read, which the log tells of, hides no other number.
        return []
    dropped = [
        (
            "swarmline_journal_dropped_total",
            "Predictions not journalled.",
            {"reason": reason},
            count,
        )
        for reason, count in stats.dropped.items()
    ]
    return [
        ("swarmline_journal_lag_seconds", "Age of the oldest row not yet shipped.", {}, stats.lag),
        ("swarmline_journal_spool_bytes", "Size of the spool.", {}, stats.spool_bytes),
        ("swarmline_journal_shipped_total", "Predictions in the database.", {}, stats.shipped),
        (
            "swarmline_journal_last_loss_timestamp_seconds",
            "When a prediction was last lost to the journal; 0 for never.",
            {},
            stats.last_loss,
        ),
        *dropped,
    ]
