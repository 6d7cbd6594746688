"""The native protocol, which is KServe V1's too: rows or columns in, columns out.

{"rows": [{"column": value, ...}, ...]}          or "instances", where a row may be a list in order
{"columns": {"column": [value, ...], ...}}
"ignore_unknown": true                           leaves out what the contract does not know
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from service.bundle.contract import Matrix
from service.predict.arm import Prediction
from service.predict.served import ServedModel
from service.protocols.json_values import encode_numbers, encode_predictions
from service.protocols.row_forms import by_name, take_columns, take_list
from service.web.body import Environ
from service.web.problems import Unprocessable
from service.web.reply import JSON_TYPE, Reply, encode_json
from service.web.strict_json import has_no_duplicate_name, parse_object

FORMS = ("rows", "instances", "columns")
#: What the fast way raises for whatever it leaves to the slow one.
FAST_REFUSALS = (msgspec.MsgspecError, ValueError, TypeError, KeyError, RecursionError)
ALLOWED = "rows, instances or columns, and ignore_unknown"


class NativeProtocol:
    content_types: tuple[str, ...] = (JSON_TYPE,)
    headers = [("Content-Type", JSON_TYPE)]

    def __init__(self, model: ServedModel):
        self._contract = contract = model.contract
        self._encoder, self._max_rows = model.encoder, model.max_rows
        row = model.encoder.row_type
        rows = (list[row] | msgspec.UnsetType, msgspec.UNSET)  # type: ignore[valid-type]
        body = msgspec.defstruct(
            "Body",
            [("rows", *rows), ("instances", *rows)],
            forbid_unknown_fields=True,
            gc=False,
        )
        self._decode = msgspec.json.Decoder(body).decode
        self._decode_row = msgspec.json.Decoder(row).decode
        strings = [
            column for column in contract.columns if column.type in ("category", "timestamp")
        ]
        self._width, self._strings = len(contract.columns), len(strings)
        # One feature of each: where a value is null, all of them are.
        self._nullable_strings = [
            contract.positions(column.name)[0] for column in strings if column.nullable
        ]
        self._tail = (
            b',"outputs":' + encode_json([output.name for output in contract.outputs]) + b"}"
        )
        self._classes = b',"classes":' + encode_json(contract.classes) + b"}"
        self._heads = {
            arm: f'{{"model":{_text(model.name)},"version":{_text(arm.version)},'
            f'"arm":"{arm.name}","request_id":"'.encode()
            for arm in model.arms
        }

    def read(self, body: bytes, _environ: Environ) -> tuple[Matrix, None]:
        try:
            document: Any = self._decode(body)
            rows = document.instances if document.rows is msgspec.UNSET else document.rows
            matrix = self._encoder.encode_structs(rows)
        except FAST_REFUSALS:
            return self._read_slowly(body), None
        if not self._has_no_duplicate_name(body, 1, matrix):
            return self._read_slowly(body), None
        return matrix, None

    def _has_no_duplicate_name(self, body: bytes, names: int, matrix: Matrix) -> bool:
        """Of rows that were read so, with so many names around them. A null counts as no string, of any column."""
        strings = len(matrix) * self._strings
        if self._nullable_strings and b"null" in body:
            strings -= int(np.isnan(matrix[:, self._nullable_strings]).sum())
        return has_no_duplicate_name(body, names + len(matrix) * self._width, strings)

    def read_row(self, body: bytes) -> Matrix | None:
        """One bare row; None where it needs a closer look."""
        try:
            matrix = self._encoder.encode_structs([self._decode_row(body)])
        except FAST_REFUSALS:
            return None
        return matrix if self._has_no_duplicate_name(body, 0, matrix) else None

    def _read_slowly(self, body: bytes) -> Matrix:
        document = parse_object(body, ALLOWED)
        ignore = document.pop("ignore_unknown", False)
        if not isinstance(ignore, bool):
            raise Unprocessable.field("ignore_unknown", ignore, "true or false")
        if len(document) != 1 or not document.keys() <= set(FORMS):
            names = ", ".join(document) or "nothing"
            raise Unprocessable.field("", names, f"one of {', '.join(FORMS)}; and ignore_unknown")
        name = next(iter(document))
        if name == "columns":
            return self._encoder.encode_columns(
                take_columns(document, name, self._max_rows), ignore
            )
        rows = by_name(self._contract, take_list(document, name, self._max_rows))
        return self._encoder.encode_rows(rows, ignore)

    def write(self, prediction: Prediction, request_id: str, _form: None) -> Reply:
        parts = [
            self._heads[prediction.arm],
            request_id.encode(),
            b'","predictions":',
            encode_predictions(prediction),
        ]
        probabilities = prediction.answer.probabilities
        if probabilities is None:
            parts.append(self._tail)
        else:
            parts += [b',"probabilities":', encode_numbers(probabilities), self._classes]
        return Reply("200 OK", self.headers, b"".join(parts))


def _text(value: str) -> str:
    return encode_json(value).decode()
