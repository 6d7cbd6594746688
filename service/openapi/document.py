"""The OpenAPI 3.1 document, generated from the contracts: its examples work when pasted."""

from __future__ import annotations

from typing import Any

from service.bundle.contract import Contract
from service.openapi import protocol_schemas, schemas
from service.openapi.components import SUMMARY, components
from service.openapi.operations import (
    HEADERS,
    OPEN,
    READ,
    WRITE,
    Answers,
    body,
    operation,
    parameters,
)
from service.openapi.schemas import TEXT, Json, array, closed_object, ref
from service.predict.served import ServedModels
from service.protocols.mlflow_csv import CSV_TYPE
from service.protocols.open_inference import DATATYPES
from service.web.reply import JSON_TYPE, OCTETS_TYPE

BYTES: Json = {"type": "string", "format": "binary"}


def example_tensors(contract: Contract) -> Json:
    inputs = [
        {
            "name": column.name,
            "shape": [1],
            "datatype": DATATYPES[column.type],
            "data": [column.sample],
        }
        for column in contract.columns
    ]
    return {"inputs": inputs}


def example_truth(contract: Contract) -> Json:
    names = [output.name for output in contract.outputs]
    value: Any = 1.0 if len(names) == 1 else dict.fromkeys(names, 1.0)
    if contract.classes:
        value = contract.classes[0]
    return {"entries": [{"request_id": "a-request-id", "row": 0, "value": value}]}


def _predictions(contract: Contract) -> Json:
    """The paths that predict, one a protocol."""
    name, row = contract.model, contract.example
    columns = {column.name: [column.sample] for column in contract.columns}
    native = body(
        schemas.native_request(contract), {"rows": {"rows": [row]}, "columns": {"columns": columns}}
    ) | parameters("RequestId", "Subject", "Trace", "Arm")
    tensors = body(
        protocol_schemas.open_inference_request(contract),
        {"tensors": example_tensors(contract)},
        {OCTETS_TYPE: BYTES},
    ) | parameters("RequestId", "Subject", "Trace", "Arm", "HeadLength")
    frames = body(
        protocol_schemas.mlflow_request(contract),
        {"records": {"dataframe_records": [row]}},
        {CSV_TYPE: protocol_schemas.CSV},
    ) | parameters("RequestId", "Subject", "Trace", "Arm")
    answer, infer = Answers(ref(f"Answer.{name}"), WRITE), ref(f"Inference.{name}")
    operations = {
        f"/v1/models/{name}/predict": ("predict", "Predict", answer, native),
        f"/v1/models/{name}:predict": ("kserve", "Predict (KServe V1)", answer, native),
        f"/v2/models/{name}/infer": (
            "infer",
            "Infer (Open Inference Protocol V2)",
            Answers(infer, WRITE, beside=(OCTETS_TYPE,)),
            tensors,
        ),
        f"/v1/models/{name}/invocations": (
            "invocations",
            "Score (MLflow)",
            Answers(ref(f"Scores.{name}"), WRITE),
            frames,
        ),
    }
    return {path: {"post": _of_model(name, *parts)} for path, parts in operations.items()}


def _of_model(
    model: str, name: str, summary: str, answers: Answers, request: Json | None = None
) -> Json:
    """An operation on one model: its answers say which version and arm they are of."""
    return operation(model, f"{name}.{model}", summary, answers._replace(headers=HEADERS), request)


def _others(contract: Contract) -> Json:
    """A model's paths beside predictions."""
    name = contract.model
    started = closed_object(
        {"status": {"const": "started"}, "model": {"const": name}, "where": TEXT}
    )
    nothing = {"requestBody": {"content": {JSON_TYPE: {"schema": {"type": "object"}}}}}
    truth = body(schemas.truth_request(contract), {"one": example_truth(contract)})
    ready = closed_object({"name": {"const": name}, "ready": {"type": "boolean"}})
    training = Answers(started, (*WRITE, "409", "502"), "202")
    return {
        f"/v1/models/{name}/truth": {
            "post": _of_model(
                name, "truth", "Say what really happened", Answers(ref("Truth"), WRITE), truth
            )
        },
        f"/v1/models/{name}/retrain": {
            "post": _of_model(name, "retrain", "Start a training (scope admin)", training, nothing)
        },
        f"/v1/models/{name}": {
            "get": _of_model(
                name, "model", "Contract, versions, lineage, traffic", Answers(ref("Model"), READ)
            )
        },
        f"/v2/models/{name}": {
            "get": _of_model(name, "metadata", "Metadata (V2)", Answers(ref("Metadata"), READ))
        },
        f"/v2/models/{name}/ready": {
            "get": _of_model(name, "ready", "Ready (V2)", Answers(ready, READ))
        },
    }


def _service_paths() -> Json:
    models = array(closed_object(SUMMARY))
    alive = {"status": {"const": "alive"}, "release": TEXT}
    ready = {"status": {"const": "ready"}, "release": TEXT, "models": array(TEXT)}
    server = {"name": {"const": "swarmline"}, "version": TEXT, "extensions": array(TEXT)}
    operations = {
        "/": ("Alive (KServe V1); a browser is sent to /docs", alive, OPEN),
        "/health/live": ("Alive", alive, OPEN),
        "/health/ready": (
            "Ready: bundles verified, golden rows reproduced, not draining",
            ready,
            (*OPEN, "503"),
        ),
        "/v1/models": ("What is served", {"release": TEXT, "models": models}, READ),
        "/v2": ("Server metadata (V2)", server, READ),
        "/v2/health/live": ("Alive (V2)", {"live": {"const": True}}, OPEN),
        "/v2/health/ready": ("Ready (V2)", {"ready": {"const": True}}, (*OPEN, "503")),
        "/version": ("Release", {"release": TEXT}, OPEN),
    }
    paths: Json = {
        path: {"get": _of_service(path, summary, Answers(closed_object(properties), codes))}
        for path, (summary, properties, codes) in operations.items()
    }
    metrics = _of_service("/metrics", "Prometheus, across all workers", Answers({}, OPEN))
    metrics["responses"]["200"]["content"] = {"text/plain": {"schema": TEXT}}
    return paths | {"/metrics": {"get": metrics}}


def _of_service(path: str, summary: str, answers: Answers) -> Json:
    name = path.replace("/", ".") if path != "/" else ".home"
    return operation("service", f"service{name}", summary, answers)


def document(models: ServedModels, release: str, needs_key: bool) -> Json:
    paths, tags = _service_paths(), [{"name": "service"}]
    for model in reversed(list(models)):
        paths = _predictions(model.contract) | _others(model.contract) | paths
        tags.insert(0, {"name": model.name, "description": model.contract.task})
    whole: Json = {
        "openapi": "3.1.0",
        "info": {
            "title": "Swarmline",
            "version": release,
            "description": "Predictions by four protocols, their truth, and training anew.",
        },
        "paths": paths,
        "components": components(models),
        "tags": tags,
    }
    if needs_key:
        whole["security"] = [{"key": []}]
    return whole
