"""The routes that say what is served: versions, contract, metrics, lineage, traffic. KServe V1 asks here as well."""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Blueprint, Response, g

from service.predict.arm import Arm
from service.predict.served import ServedModel, ServedModels
from service.process.state import State
from service.web.guard import scopes
from service.web.reply import json_response

#: Where a model is asked by each protocol.
PROTOCOLS = {
    "native": "/v1/models/{}/predict",
    "kserve-v1": "/v1/models/{}:predict",
    "open-inference-v2": "/v2/models/{}/infer",
    "mlflow": "/v1/models/{}/invocations",
    "stream": "/v1/models/{}/stream",
}


def blueprint(models: ServedModels, state: State, release: str) -> Blueprint:
    routes = Blueprint("models", __name__)

    @routes.get("/v1/models", endpoint="models")
    @scopes("predict", "admin")
    def every() -> Response:
        key = g.context.key
        summaries = [
            _summarise(model, state.available) for model in models if key.covers(model.name)
        ]
        return json_response({"release": release, "models": summaries})

    @routes.get("/v1/models/<model>", endpoint="model")
    @scopes("predict", "admin")
    def single(model: str) -> Response:
        return json_response(_describe(models.find(model), state.available))

    @routes.get("/version", endpoint="version")
    @routes.get("/v1/models/<model>/version", endpoint="version")
    @scopes()
    def version(model: str | None = None) -> Response:
        versions = {"release": release}
        if model is not None:
            versions["version"] = models.find(model).champion.version
        return json_response(versions)

    return routes


def _describe(model: ServedModel, ready: bool) -> dict[str, Any]:
    """All that a client can know of a model."""
    return {
        **_summarise(model, ready),
        "description": {
            "columns": model.contract.columns,
            "outputs": model.contract.outputs,
            "classes": model.contract.classes,
            "threshold": model.contract.threshold,
            "example": model.contract.example,
        },
        "arms": {arm.name: _lineage(arm) for arm in model.arms},
        "traffic": model.traffic,
        "shares": {arm.name: model.share(arm.name) for arm in model.arms},
        "protocols": {name: path.format(model.name) for name, path in PROTOCOLS.items()},
    }


def _summarise(model: ServedModel, ready: bool) -> dict[str, Any]:
    return {
        "name": model.name,
        "ready": ready,
        "task": model.contract.task,
        "versions": [arm.version for arm in model.arms],
        "champion": model.champion.version,
        "challenger": model.challenger.version if model.challenger else None,
        "mode": model.traffic.mode,
    }


def _lineage(arm: Arm) -> dict[str, Any]:
    lineage: dict[str, Any] = msgspec.to_builtins(arm.bundle.manifest)
    del lineage["files"]
    return lineage
