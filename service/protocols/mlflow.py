"""MLflow's scoring protocol: `dataframe_split`, `dataframe_records`, `instances`, `inputs`; or a table as CSV."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from flask import Response

from service.bundle.contract import Matrix
from service.predict.served import Core, Prediction, Served
from service.protocols.csv_rows import CSV_TYPE, read_csv
from service.protocols.native import Wire
from service.views.models import as_json
from service.web.body import Environ, type_of
from service.web.problems import JSON_TYPE, NotFound, Unavailable, Unprocessable
from service.web.strict_json import at_most, by_name, longest, parse_object, take_list

if TYPE_CHECKING:
    from service.app import Service

FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")


class Frames:
    content_types: tuple[str, ...] = (JSON_TYPE, CSV_TYPE)
    headers = [("Content-Type", JSON_TYPE)]

    def __init__(self, served: Served):
        self._served = served
        self._max_rows = served.core.settings.max_rows
        self._nullable = {column.name for column in served.contract.columns if column.nullable}

    def read(self, body: bytes, environ: Environ) -> tuple[Matrix, None]:
        if type_of(environ) == CSV_TYPE:
            rows = read_csv(body, self._served.contract, self._max_rows)
            return self._served.encoder.encode_rows(self._without_nan(rows)), None
        document = parse_object(body, "one of " + ", ".join(FORMS))
        document.pop("params", None)
        if len(document) != 1 or not document.keys() <= set(FORMS):
            given = ", ".join(document) or "nothing"
            raise Unprocessable.field("", given, "one of " + ", ".join(FORMS))
        name, value = next(iter(document.items()))
        if name == "dataframe_split":
            return self._split(value), None
        if isinstance(value, dict) and name in ("instances", "inputs"):
            return self._columns(value), None
        rows = by_name(self._served.contract, take_list(document, name, self._max_rows))
        return self._served.encoder.encode_rows(self._without_nan(rows)), None

    def _split(self, value: Any) -> Matrix:
        allowed = "an object with columns and data"
        if not isinstance(value, dict) or not value.keys() <= {"columns", "index", "data"}:
            raise Unprocessable.field("dataframe_split", value, allowed)
        names, data = value.get("columns", list(self._served.contract.names)), value.get("data")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise Unprocessable.field("columns", names, "a list of names")
        if len(set(names)) != len(names):
            raise Unprocessable.field("columns", names, "each name once")
        if not isinstance(data, list):
            raise Unprocessable.field("data", data, "a list of rows")
        at_most(len(data), self._max_rows)
        for row, cells in enumerate(data):
            if not isinstance(cells, list) or len(cells) != len(names):
                raise Unprocessable.field("data", cells, f"a list of {len(names)} values", row)
        rows = [dict(zip(names, cells, strict=True)) for cells in data]
        return self._served.encoder.encode_rows(self._without_nan(rows))

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
        at_most(longest(columns), self._max_rows)
        flat = {
            name: [cell[0] if isinstance(cell, list) and len(cell) == 1 else cell for cell in cells]
            for name, cells in columns.items()
        }
        return self._served.encoder.encode_columns(flat)

    def write(self, found: Prediction, _request_id: str, _asked: None) -> Wire:
        predictions = found.side.predictions_as_json(found.answer)
        return Wire(b'{"predictions":' + predictions + b"}", self.headers)


def _is_nan(cell: Any) -> bool:
    return isinstance(cell, float) and math.isnan(cell)


def add_routes(app: Service, core: Core) -> None:
    @app.get("/ping", endpoint="ping")
    @app.get("/v1/models/<model>/ping", endpoint="ping")
    def ping(model: str | None = None) -> Response:
        if model is not None:
            core.model(model)
        if core.state.draining:
            raise Unavailable("this replica is draining; ask another", retry_after=5)
        return Response("\n", content_type="application/json")

    @app.get("/version", endpoint="version")
    @app.get("/v1/models/<model>/version", endpoint="version")
    def version(model: str | None = None) -> Response:
        found = {"release": core.settings.release}
        if model is not None:
            found["version"] = core.model(model).champion.version
        return as_json(found)

    @app.post("/invocations", endpoint="invocations")
    def invoke() -> Response:
        paths = ", ".join(f"/v1/models/{name}/invocations" for name in core.models)
        raise NotFound(f"several models are served here; use {paths}")
