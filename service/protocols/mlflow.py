"""MLflow's scoring protocol: `dataframe_split`, `dataframe_records`, `instances`, `inputs`; or a table as CSV."""

from __future__ import annotations

import math
from typing import Any

from service.bundle.contract import Matrix
from service.predict.arm import Prediction
from service.predict.served import ServedModel
from service.protocols.json_values import encode_predictions
from service.protocols.mlflow_csv import CSV_TYPE, read_csv
from service.protocols.row_forms import by_name, longest, take_list
from service.web.body import Environ, check_row_limit, type_of
from service.web.problems import Unprocessable
from service.web.reply import JSON_TYPE, Reply
from service.web.strict_json import parse_object

FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")


class MlflowProtocol:
    content_types: tuple[str, ...] = (JSON_TYPE, CSV_TYPE)
    headers = [("Content-Type", JSON_TYPE)]

    def __init__(self, model: ServedModel):
        self._contract, self._encoder = model.contract, model.encoder
        self._max_rows = model.max_rows
        self._nullable = {column.name for column in model.contract.columns if column.nullable}

    def read(self, body: bytes, environ: Environ) -> tuple[Matrix, None]:
        if type_of(environ) == CSV_TYPE:
            rows = read_csv(body, self._contract, self._max_rows)
            return self._encoder.encode_rows(self._without_nan(rows)), None
        document = parse_object(body, "one of " + ", ".join(FORMS))
        document.pop("params", None)
        if len(document) != 1 or not document.keys() <= set(FORMS):
            names = ", ".join(document) or "nothing"
            raise Unprocessable.field("", names, "one of " + ", ".join(FORMS))
        name, value = next(iter(document.items()))
        if name == "dataframe_split":
            return self._split(value), None
        if isinstance(value, dict) and name in ("instances", "inputs"):
            return self._columns(value), None
        rows = by_name(self._contract, take_list(document, name, self._max_rows))
        return self._encoder.encode_rows(self._without_nan(rows)), None

    def _split(self, value: Any) -> Matrix:
        allowed = "an object with columns and data"
        if not isinstance(value, dict) or not value.keys() <= {"columns", "index", "data"}:
            raise Unprocessable.field("dataframe_split", value, allowed)
        names, data = value.get("columns", list(self._contract.names)), value.get("data")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise Unprocessable.field("columns", names, "a list of names")
        if len(set(names)) != len(names):
            raise Unprocessable.field("columns", names, "each name once")
        if not isinstance(data, list):
            raise Unprocessable.field("data", data, "a list of rows")
        check_row_limit(len(data), self._max_rows)
        for row, cells in enumerate(data):
            if not isinstance(cells, list) or len(cells) != len(names):
                raise Unprocessable.field("data", cells, f"a list of {len(names)} values", row)
        rows = [dict(zip(names, cells, strict=True)) for cells in data]
        return self._encoder.encode_rows(self._without_nan(rows))

    def _without_nan(self, rows: list[Any]) -> list[Any]:
        """A data frame says NaN where a number is missing; elsewhere it stays, and is refused."""
        if not self._nullable:
            return rows
        return [
            (
                {
                    name: None if _is_nan(cell) and name in self._nullable else cell
                    for name, cell in row.items()
                }
                if isinstance(row, dict)
                else row
            )
            for row in rows
        ]

    def _columns(self, value: dict[str, Any]) -> Matrix:
        """A number stands for a column of one, as MLflow has it."""
        columns = {
            name: cells if isinstance(cells, list) else [cells] for name, cells in value.items()
        }
        check_row_limit(longest(columns), self._max_rows)
        flat = {
            name: [cell[0] if isinstance(cell, list) and len(cell) == 1 else cell for cell in cells]
            for name, cells in columns.items()
        }
        return self._encoder.encode_columns(flat)

    def write(self, prediction: Prediction, _request_id: str, _form: None) -> Reply:
        body = b'{"predictions":' + encode_predictions(prediction) + b"}"
        return Reply("200 OK", self.headers, body)


def _is_nan(cell: Any) -> bool:
    return isinstance(cell, float) and math.isnan(cell)
