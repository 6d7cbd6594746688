"""What machines ask: health, metrics, and MLflow's ping."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.service import bundles
from tests.support.service.caller import Caller

SMALL = bundles.YIELD.example


def test_health_and_docs_need_no_key_and_models_do(app: Any) -> None:
    client = app.flask.test_client()
    for path in (
        "/health/live",
        "/health/ready",
        "/metrics",
        "/docs",
        "/openapi.json",
        "/ping",
        "/v2/health/live",
    ):
        assert client.get(path).status_code == 200, path
    for path in ("/v1/models", "/v1/models/yield-prediction", "/v2/models/yield-prediction"):
        assert client.get(path).status_code == 401, path


def test_a_spool_that_cannot_be_read_hides_no_other_number(make_app: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    caller = Caller(make_app(JOURNAL_SPOOL=str(tmp_path / "file")))
    assert caller.predict("yield-prediction", SMALL).status_code == 200
    assert "swarmline_build_info" in caller.get("/metrics").text


def test_mlflow_pings_the_model_or_the_server(caller: Caller) -> None:
    for path in ("/ping", "/v1/models/yield-prediction/ping", "/version"):
        assert caller.get(path).status_code == 200
    assert caller.get("/v1/models/nope/ping").status_code == 404
    assert (
        "/v1/models/yield-prediction/invocations" in caller.post("/invocations", {}).json["detail"]
    )
