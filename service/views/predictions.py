"""All paths that predict: each model's in the direct lane, and Flask's rules for what is unusual there."""

from __future__ import annotations

from typing import NoReturn

from flask import Blueprint

from service.predict.direct import PredictionRoute
from service.predict.served import ServedModels
from service.protocols.mlflow import MlflowProtocol
from service.protocols.native import NativeProtocol
from service.protocols.open_inference import OpenInferenceProtocol
from service.web.guard import scopes
from service.web.pipeline import Pipeline
from service.web.problems import NotFound

RULES = (
    "/v1/models/<model>/predict",
    "/v1/models/<model>:predict",
    "/v1/models/<model>/invocations",
    "/v2/models/<model>/infer",
    "/v2/models/<model>/versions/<version>/infer",
)


def direct_routes(models: ServedModels, pipeline: Pipeline) -> dict[str, PredictionRoute]:
    """By path."""
    routes = {}
    for model in models:
        name = model.name
        native = PredictionRoute("predict", model, NativeProtocol(model), pipeline)
        infer = PredictionRoute("infer", model, OpenInferenceProtocol(model), pipeline)
        mlflow = PredictionRoute("invocations", model, MlflowProtocol(model), pipeline)
        routes[f"/v1/models/{name}/predict"] = native
        routes[f"/v1/models/{name}:predict"] = native
        routes[f"/v1/models/{name}/invocations"] = mlflow
        routes[f"/v2/models/{name}/infer"] = infer
        routes[f"/v2/models/{name}/versions/{model.champion.version}/infer"] = infer
        if len(models) == 1:
            routes["/invocations"] = mlflow
    return routes


def blueprint(models: ServedModels) -> Blueprint:
    """For unknown models and versions, and other methods."""
    routes = Blueprint("predictions", __name__)

    @scopes("predict")
    def refuse(model: str, version: str = "") -> NoReturn:
        champion = models.find(model).champion
        raise NotFound(f"{model} is served as version {champion.version}, not {version[:50]!r}")

    for rule in RULES:
        routes.add_url_rule(rule, "predict", refuse, methods=["POST"])

    @routes.post("/invocations", endpoint="invocations")
    @scopes("predict", "admin")
    def invoke() -> NoReturn:
        paths = ", ".join(f"/v1/models/{name}/invocations" for name in models.names)
        raise NotFound(f"several models are served here; use {paths}")

    return routes
