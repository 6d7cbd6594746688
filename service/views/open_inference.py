"""The routes of the Open Inference Protocol that say what is served; `health` has its health."""

from __future__ import annotations

from flask import Blueprint, Response

from service.predict.served import ServedModel, ServedModels
from service.process.state import State
from service.protocols.open_inference import metadata
from service.web.guard import scopes
from service.web.problems import NotFound
from service.web.reply import json_response


def blueprint(models: ServedModels, state: State, release: str) -> Blueprint:
    routes = Blueprint("open_inference", __name__)

    def find(model: str, version: str | None) -> ServedModel:
        served = models.find(model)
        if version not in (None, served.champion.version):
            raise NotFound(f"{model} is served as version {served.champion.version}")
        return served

    @routes.get("/v2", endpoint="v2")
    @scopes("predict", "admin")
    def server() -> Response:
        extensions = ["binary_tensor_data"]
        return json_response({"name": "swarmline", "version": release, "extensions": extensions})

    @routes.get("/v2/models/<model>", endpoint="v2_model")
    @routes.get("/v2/models/<model>/versions/<version>", endpoint="v2_model_version")
    @scopes("predict", "admin")
    def model_metadata(model: str, version: str | None = None) -> Response:
        return json_response(metadata(find(model, version)))

    @routes.get("/v2/models/<model>/ready", endpoint="v2_model_ready")
    @routes.get("/v2/models/<model>/versions/<version>/ready", endpoint="v2_model_version_ready")
    @scopes("predict", "admin")
    def model_ready(model: str, version: str | None = None) -> Response:
        return json_response({"name": find(model, version).name, "ready": state.available})

    return routes
