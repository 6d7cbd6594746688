"""Truth and retraining."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response, request

from service.bodies import need_type, read_body
from service.lineage import as_json
from service.plain import parse_object
from service.problems import JSON_TYPE, Unavailable, Unprocessable
from service.retrain import Retrain
from service.serving import Core

if TYPE_CHECKING:
    from service.app import Service


def add_routes(app: Service, core: Core) -> None:
    retrain = Retrain(core.settings)

    @app.post("/v1/models/<model>/retrain", endpoint="retrain")
    def start(model: str) -> Response:
        core.model(model)
        need_type(request.environ, JSON_TYPE)
        return as_json(retrain.start(model), 202)
