"""JSON Schemas of what the other protocols take and answer: MLflow's, and the Open Inference Protocol's."""

from __future__ import annotations

from service.bundle.contract import Contract
from service.openapi.schemas import (
    NUMBER,
    TEXT,
    WHOLE,
    Json,
    array,
    closed_object,
    columns_schema,
    exact_list,
    positional_row,
    prediction_schema,
    ref,
)
from service.protocols.open_inference import output_names
from service.protocols.tensors import NUMBERS


def mlflow_request(contract: Contract) -> Json:
    """MLflow's four forms; `params` may stand beside any and changes nothing."""
    row, columns = ref(f"Row.{contract.model}"), columns_schema(contract)
    split = closed_object(
        {
            "columns": exact_list(contract.names),
            "index": array({}),
            "data": array(positional_row(contract), least=1),
        },
        ("columns", "index"),
    )
    either = {"anyOf": [array({"anyOf": [row, positional_row(contract)]}, least=1), columns]}
    forms = {
        "dataframe_records": array(row, least=1),
        "dataframe_split": split,
        "instances": either,
        "inputs": either,
    }
    params: Json = {"params": {}}
    return {
        "oneOf": [
            closed_object({name: schema} | params, ("params",)) for name, schema in forms.items()
        ]
    }


#: MLflow's route takes a table with a line of names, too.
CSV: Json = TEXT | {"description": "A line with the names of the columns, then a line a row."}


def mlflow_answer(contract: Contract) -> Json:
    return closed_object({"predictions": array(prediction_schema(contract), least=1)})


def open_inference_request(contract: Contract) -> Json:
    wanted = {"name": {"enum": list(output_names(contract))}, "parameters": {"type": "object"}}
    properties = {
        "inputs": array(ref("Tensor"), least=1),
        "id": TEXT,
        "parameters": {"type": "object", "properties": {"binary_data_output": {"type": "boolean"}}},
        "outputs": array({"type": "object", "properties": wanted, "required": ["name"]}),
    }
    return {"type": "object", "properties": properties, "required": ["inputs"]}


TENSOR: Json = {
    "type": "object",
    "properties": {
        "name": TEXT,
        "shape": array(WHOLE),
        "datatype": {"enum": ["BYTES", *NUMBERS]},
        "data": array({}),
        "parameters": {"type": "object"},
    },
    "required": ["name", "shape", "datatype"],
}


def open_inference_answer(contract: Contract) -> Json:
    """An output's `data`, or behind the JSON as many bytes as `binary_data_size` says."""
    cell = prediction_schema(contract) if contract.classes else NUMBER
    matrix = len(contract.outputs) > 1 and not contract.classes
    outputs = [_output("predictions", "BYTES" if contract.classes else "FP32", cell, matrix)]
    if contract.classes:
        outputs.append(_output("probabilities", "FP32", NUMBER, True))
    return closed_object(
        {
            "model_name": {"const": contract.model},
            "model_version": TEXT,
            "id": TEXT,
            "outputs": array({"anyOf": outputs}, least=1),
        }
    )


def _output(name: str, datatype: str, cell: Json, matrix: bool) -> Json:
    properties = {
        "name": {"const": name},
        "datatype": {"const": datatype},
        "shape": array(WHOLE, 2 if matrix else 1),
        "data": array(cell),
        "parameters": closed_object({"binary_data_size": WHOLE}),
    }
    # Four properties: one of the last two. Said with `oneOf`, generated clients would have no type for it.
    return closed_object(properties, ("data", "parameters")) | {
        "minProperties": 4,
        "maxProperties": 4,
    }


def open_inference_metadata() -> Json:
    shape = array({"type": "integer", "minimum": -1}, least=1)
    tensors = array(closed_object({"name": TEXT, "datatype": TEXT, "shape": shape}), least=1)
    names = closed_object({"name": TEXT, "versions": array(TEXT, least=1), "platform": TEXT})
    names["properties"] |= {"inputs": tensors, "outputs": tensors}
    names["required"] += ["inputs", "outputs"]
    return names
