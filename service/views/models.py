"""What is served: versions, contract, metrics, lineage, traffic. KServe V1 asks here as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from flask import Response, g

from service.predict.served import Core, Served, Side
from service.web.problems import JSON_TYPE

if TYPE_CHECKING:
    from service.app import Service


def describe(served: Served) -> dict[str, Any]:
    """All that a client can know of a model."""
    return {
        **summarise(served),
        "description": {
            "columns": served.contract.columns,
            "outputs": served.contract.outputs,
            "classes": served.contract.classes,
            "example": served.contract.example,
        },
        "arms": {side.arm: _lineage(side) for side in sides(served)},
        "traffic": served.traffic,
        "shares": {side.arm: served.share(side.arm) for side in sides(served)},
        "protocols": {
            "native": f"/v1/models/{served.name}/predict",
            "kserve-v1": f"/v1/models/{served.name}:predict",
            "open-inference-v2": f"/v2/models/{served.name}/infer",
            "mlflow": f"/v1/models/{served.name}/invocations",
            "stream": f"/v1/models/{served.name}/stream",
        },
    }


def sides(served: Served) -> list[Side]:
    return [side for side in (served.champion, served.challenger) if side is not None]


def summarise(served: Served) -> dict[str, Any]:
    return {
        "name": served.name,
        "ready": not served.core.state.draining,
        "task": served.contract.task,
        "versions": [side.version for side in sides(served)],
        "champion": served.champion.version,
        "challenger": served.challenger.version if served.challenger else None,
        "mode": served.traffic.mode,
    }


def _lineage(side: Side) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(side.bundle.manifest)
    del found["files"]
    return found


def as_json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, content_type=JSON_TYPE)


def add_routes(app: Service, core: Core) -> None:
    @app.get("/v1/models", endpoint="models")
    def models() -> Response:
        found = [summarise(served) for served in core.models.values() if g.key.reaches(served.name)]
        return as_json({"release": core.settings.release, "models": found})

    @app.get("/v1/models/<model>", endpoint="model")
    def one(model: str) -> Response:
        return as_json(describe(core.model(model)))
