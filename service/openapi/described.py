"""JSON Schemas of the other protocols' requests and answers, and of how a model describes itself."""

from __future__ import annotations

import msgspec

from service.bundle.contract import Column, Contract, Output
from service.bundle.manifest import Manifest
from service.openapi.schemas import (
    ARM,
    NUMBER,
    TEXT,
    WHOLE,
    Json,
    columns_schema,
    each,
    exact_list,
    exactly,
    listed_row,
    prediction_schema,
    ref,
)
from service.predict.traffic import Traffic
from service.protocols.tensors import NUMBERS


def frames_request(contract: Contract) -> Json:
    """MLflow's four forms; `params` may stand beside any and changes nothing."""
    row, columns = ref(f"Row.{contract.model}"), columns_schema(contract)
    split = exactly(
        {
            "columns": exact_list(contract.names),
            "index": each({}),
            "data": each(listed_row(contract), least=1),
        },
        ("columns", "index"),
    )
    either = {"anyOf": [each({"anyOf": [row, listed_row(contract)]}, least=1), columns]}
    forms = {
        "dataframe_records": each(row, least=1),
        "dataframe_split": split,
        "instances": either,
        "inputs": either,
    }
    params: Json = {"params": {}}
    return {
        "oneOf": [exactly({name: schema} | params, ("params",)) for name, schema in forms.items()]
    }


#: MLflow's route takes a table with a line of names, too.
CSV: Json = TEXT | {"description": "A line with the names of the columns, then a line a row."}


def frames_answer(contract: Contract) -> Json:
    return exactly({"predictions": each(prediction_schema(contract), least=1)})


def tensors_request(contract: Contract) -> Json:
    wanted = {"name": {"enum": output_names(contract)}, "parameters": {"type": "object"}}
    properties = {
        "inputs": each(ref("Tensor"), least=1),
        "id": TEXT,
        "parameters": {"type": "object", "properties": {"binary_data_output": {"type": "boolean"}}},
        "outputs": each({"type": "object", "properties": wanted, "required": ["name"]}),
    }
    return {"type": "object", "properties": properties, "required": ["inputs"]}


TENSOR: Json = {
    "type": "object",
    "properties": {
        "name": TEXT,
        "shape": each(WHOLE),
        "datatype": {"enum": ["BYTES", *NUMBERS]},
        "data": each({}),
        "parameters": {"type": "object"},
    },
    "required": ["name", "shape", "datatype"],
}


def output_names(contract: Contract) -> list[str]:
    return ["predictions", "probabilities"] if contract.classes else ["predictions"]


def tensors_answer(contract: Contract) -> Json:
    """An output's `data`, or behind the JSON as many bytes as `binary_data_size` says."""
    cell = prediction_schema(contract) if contract.classes else NUMBER
    matrix = len(contract.outputs) > 1 and not contract.classes
    outputs = [_output("predictions", "BYTES" if contract.classes else "FP32", cell, matrix)]
    if contract.classes:
        outputs.append(_output("probabilities", "FP32", NUMBER, True))
    return exactly(
        {
            "model_name": {"const": contract.model},
            "model_version": TEXT,
            "id": TEXT,
            "outputs": each({"anyOf": outputs}, least=1),
        }
    )


def _output(name: str, datatype: str, cell: Json, matrix: bool) -> Json:
    properties = {
        "name": {"const": name},
        "datatype": {"const": datatype},
        "shape": each(WHOLE, 2 if matrix else 1),
        "data": each(cell),
        "parameters": exactly({"binary_data_size": WHOLE}),
    }
    # Four properties: one of the last two. Said with `oneOf`, generated clients would have no type for it.
    return exactly(properties, ("data", "parameters")) | {"minProperties": 4, "maxProperties": 4}


SUMMARY: Json = {
    "name": TEXT,
    "ready": {"type": "boolean"},
    "task": {"enum": ["classification", "regression", "optimization"]},
    "versions": each(TEXT, least=1),
    "champion": TEXT,
    "challenger": {"type": ["string", "null"]},
    "mode": {"enum": ["split", "shadow", "off"]},
}


def model() -> Json:
    description = exactly(
        {
            "columns": each(ref("Column"), least=1),
            "outputs": each(ref("Output"), least=1),
            "classes": each(TEXT),
            "example": {"type": "object"},
        }
    )
    by_arm = {"type": "object", "propertyNames": ARM}
    protocols = ("native", "kserve-v1", "open-inference-v2", "mlflow", "stream")
    return exactly(
        SUMMARY
        | {
            "description": description,
            "arms": by_arm | {"additionalProperties": ref("Manifest")},
            "traffic": ref("Traffic"),
            "shares": by_arm | {"additionalProperties": NUMBER},
            "protocols": exactly(dict.fromkeys(protocols, TEXT)),
        }
    )


def metadata() -> Json:
    shape = each({"type": "integer", "minimum": -1}, least=1)
    tensors = each(exactly({"name": TEXT, "datatype": TEXT, "shape": shape}), least=1)
    names = exactly({"name": TEXT, "versions": each(TEXT, least=1), "platform": TEXT})
    names["properties"] |= {"inputs": tensors, "outputs": tensors}
    names["required"] += ["inputs", "outputs"]
    return names


def shapes() -> Json:
    """What `/v1/models/<m>` says of contracts and bundles, from the very types that it is written from."""
    found: Json = msgspec.json.schema_components(
        [Manifest, Column, Output, Traffic], ref_template="#/components/schemas/{name}"
    )[1]
    manifest = found["Manifest"]
    del manifest["properties"]["files"]
    manifest["required"].remove("files")
    return found
