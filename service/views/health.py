"""The routes that machines ask: /health/live, /health/ready, /metrics, and the health of V2 and of MLflow's clients."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from service.journal import Journal
from service.predict.served import ServedModels
from service.process.metrics import scrape
from service.process.state import State
from service.web.guard import scopes, unlogged
from service.web.pipeline import CONTAINED
from service.web.problems import Unavailable
from service.web.reply import JSON_TYPE, json_response

Gauge = tuple[str, str, dict[str, str], float]


def blueprint(models: ServedModels, state: State, release: str) -> Blueprint:
    routes = Blueprint("health", __name__)

    @routes.get("/health/live", endpoint="live")
    @scopes()
    @unlogged
    def live() -> dict[str, Any]:
        return {"status": "alive", "release": release}

    @routes.get("/health/ready", endpoint="ready")
    @scopes()
    @unlogged
    def ready() -> dict[str, Any]:
        _refuse_when_unavailable(state)
        return {"status": "ready", "release": release, "models": models.names}

    @routes.get("/v2/health/live", endpoint="v2_live")
    @scopes()
    @unlogged
    def v2_live() -> Response:
        return json_response({"live": True})

    @routes.get("/v2/health/ready", endpoint="v2_ready")
    @scopes()
    @unlogged
    def v2_ready() -> Response:
        _refuse_when_unavailable(state)
        return json_response({"ready": True})

    @routes.get("/ping", endpoint="ping")
    @routes.get("/v1/models/<model>/ping", endpoint="ping")
    @scopes()
    @unlogged
    def ping(model: str | None = None) -> Response:
        if model is not None:
            models.find(model)
        _refuse_when_unavailable(state)
        return Response("\n", content_type=JSON_TYPE)

    @routes.get("/metrics", endpoint="metrics")
    @scopes()
    @unlogged
    def metrics() -> Response:
        text = scrape(_gauges(models, state, release))
        return Response(text, content_type="text/plain; version=0.0.4; charset=utf-8")

    return routes


def _refuse_when_unavailable(state: State) -> None:
    if state.contained:
        raise Unavailable(CONTAINED, retry_after=5)
    if state.draining:
        raise Unavailable("this replica is draining; ask another", retry_after=5)


def _gauges(models: ServedModels, state: State, release: str) -> list[Gauge]:
    gauges: list[Gauge] = [
        ("swarmline_inflight", "Requests in flight.", {}, state.inflight),
        ("swarmline_draining", "1 while draining.", {}, int(state.draining)),
        ("swarmline_contained", "1 once found bad by a deploy.", {}, int(state.contained)),
        ("swarmline_build_info", "The release.", {"release": release}, 1),
    ]
    text = "Share of requests that the arm answers."
    for model in models:
        for arm in model.arms:
            labels = {"model": model.name, "version": arm.version, "arm": arm.name}
            gauges.append(("swarmline_traffic_share", text, labels, model.share(arm.name)))
    return gauges + journal_gauges(models.journal)


def journal_gauges(journal: Journal | None) -> list[Gauge]:
    if journal is None:
        return []
    try:
        stats = journal.stats()
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
