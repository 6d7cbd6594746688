"""The components of the OpenAPI document: schemas by name, parameters and headers."""

from __future__ import annotations

import msgspec

from service.bundle.contract import Column, Output, Threshold
from service.bundle.manifest import Manifest
from service.openapi import protocol_schemas, schemas
from service.openapi.operations import HEADERS, PROBLEM
from service.openapi.schemas import ARM, NUMBER, TEXT, WHOLE, Json, array, closed_object, ref
from service.predict.served import ServedModels
from service.predict.traffic import Traffic
from service.views.models import PROTOCOLS

SUMMARY: Json = {
    "name": TEXT,
    "ready": {"type": "boolean"},
    "task": {"enum": ["classification", "regression", "optimization"]},
    "versions": array(TEXT, least=1),
    "champion": TEXT,
    "challenger": {"type": ["string", "null"]},
    "mode": {"enum": ["split", "shadow", "off"]},
}


def _model() -> Json:
    """How a model describes itself."""
    description = closed_object(
        {
            "columns": array(ref("Column"), least=1),
            "outputs": array(ref("Output"), least=1),
            "classes": array(TEXT),
            "threshold": {"anyOf": [ref("Threshold"), {"type": "null"}]},
            "example": {"type": "object"},
        }
    )
    by_arm = {"type": "object", "propertyNames": ARM}
    return closed_object(
        SUMMARY
        | {
            "description": description,
            "arms": by_arm | {"additionalProperties": ref("Manifest")},
            "traffic": ref("Traffic"),
            "shares": by_arm | {"additionalProperties": NUMBER},
            "protocols": closed_object(dict.fromkeys(PROTOCOLS, TEXT)),
        }
    )


def _types() -> Json:
    """What `/v1/models/<m>` says of contracts and bundles, from the very types that it is written from."""
    types: Json = msgspec.json.schema_components(
        [Manifest, Column, Output, Threshold, Traffic], ref_template="#/components/schemas/{name}"
    )[1]
    manifest = types["Manifest"]
    del manifest["properties"]["files"]
    manifest["required"].remove("files")
    return types


def _parameter(name: str, schema: Json, description: str) -> Json:
    return {"name": name, "in": "header", "schema": schema, "description": description}


PARAMETERS = {
    "RequestId": _parameter(
        "X-Request-Id", TEXT, "Yours, if it is sane: up to 128 letters, digits and . _ : -"
    ),
    "Subject": _parameter(
        "X-Subject",
        TEXT | {"pattern": "^[!-~]{1,200}$"},
        "Who it is about: the same subject stays with the same arm.",
    ),
    "Trace": _parameter(
        "traceparent",
        TEXT,
        "Your trace, by W3C Trace Context: it finds the prediction later. One that is not sound is ignored.",
    ),
    "Arm": _parameter("X-Arm", ARM, "The arm that shall answer: for a key of scope admin."),
    "HeadLength": _parameter(
        "Inference-Header-Content-Length", WHOLE, "Where the JSON ends and binary tensors begin."
    ),
}


def components(models: ServedModels) -> Json:
    by_name: Json = _types() | {
        "Problem": PROBLEM,
        "Tensor": protocol_schemas.TENSOR,
        "Truth": schemas.TRUTH_ANSWER,
        "Model": _model(),
        "Metadata": protocol_schemas.open_inference_metadata(),
    }
    for model in models:
        name, contract = model.name, model.contract
        by_name[f"Row.{name}"] = schemas.row_schema(contract)
        by_name |= schemas.native_forms(contract)
        by_name[f"Answer.{name}"] = schemas.native_answer(contract)
        by_name[f"Inference.{name}"] = protocol_schemas.open_inference_answer(contract)
        by_name[f"Scores.{name}"] = protocol_schemas.mlflow_answer(contract)
    headers = {name: {"description": text, "schema": TEXT} for name, text in HEADERS.items()}
    keys = {"key": {"type": "http", "scheme": "bearer"}}
    return {
        "schemas": by_name,
        "parameters": PARAMETERS,
        "headers": headers,
        "securitySchemes": keys,
    }
