"""The native protocol, which is KServe V1's too: rows or columns in, columns out.

{"rows": [{"column": value, ...}, ...]}          or "instances", where a row may be a list in order
{"columns": {"column": [value, ...], ...}}
"ignore_unknown": true                           leaves out what the contract does not know
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import numpy as np

from service.bundle.contract import Matrix
from service.predict.served import Prediction, Served, encode_json
from service.web.body import Environ
from service.web.digits import numbers_as_json
from service.web.problems import JSON_TYPE, Headers, Unprocessable
from service.web.strict_json import by_name, each_once, parse_object, take_columns, take_list

FORMS = ("rows", "instances", "columns")
#: What the fast way raises for whatever it leaves to the slow one.
FAST_REFUSALS = (msgspec.MsgspecError, ValueError, TypeError, KeyError, RecursionError)
ALLOWED = "rows, instances or columns, and ignore_unknown"


class Wire(NamedTuple):
    """A protocol's answer: the body, and the headers that are its own."""

    body: bytes
    headers: Headers


class Native:
    content_types: tuple[str, ...] = (JSON_TYPE,)
    headers = [("Content-Type", JSON_TYPE)]

    def __init__(self, served: Served):
        self._served = served
        self._encoder = served.encoder
        self._max_rows = served.core.settings.max_rows
        contract = served.contract
        row = served.encoder.row_type
        rows = (list[row] | msgspec.UnsetType, msgspec.UNSET)  # type: ignore[valid-type]
        body = msgspec.defstruct(
            "Body",
            [("rows", *rows), ("instances", *rows)],
            forbid_unknown_fields=True,
            gc=False,
        )
        self._decode = msgspec.json.Decoder(body).decode
        self._decode_row = msgspec.json.Decoder(row).decode
        self._strings = [
            place
            for place, column in enumerate(contract.columns)
            if column.type in ("category", "timestamp")
        ]
        self._nullable_strings = [
            place for place in self._strings if contract.columns[place].nullable
        ]
        self._tail = (
            b',"outputs":' + encode_json([output.name for output in contract.outputs]) + b"}"
        )
        self._classes = b',"classes":' + encode_json(contract.classes) + b"}"
        self._heads = {
            side: f'{{"model":{_text(served.name)},"version":{_text(side.version)},'
            f'"arm":"{side.arm}","request_id":"'.encode()
            for side in (served.champion, served.challenger)
            if side is not None
        }

    def read(self, body: bytes, _environ: Environ) -> tuple[Matrix, None]:
        try:
            given: Any = self._decode(body)
            rows = given.instances if given.rows is msgspec.UNSET else given.rows
            matrix = self._encoder.encode_structs(rows)
        except FAST_REFUSALS:
            return self._read_slowly(body), None
        if not self._each_once(body, 1, matrix):
            return self._read_slowly(body), None
        return matrix, None

    def _each_once(self, body: bytes, names: int, matrix: Matrix) -> bool:
        """Whether no name stands twice in rows that were read so, with so many names around them."""
        strings = len(matrix) * len(self._strings)
        if self._nullable_strings and b"null" in body:
            strings -= int(np.isnan(matrix[:, self._nullable_strings]).sum())
        return each_once(body, names + matrix.size, strings)

    def read_row(self, body: bytes) -> Matrix | None:
        """One bare row; None where it needs a closer look."""
        try:
            matrix = self._encoder.encode_structs([self._decode_row(body)])
        except FAST_REFUSALS:
            return None
        return matrix if self._each_once(body, 0, matrix) else None

    def _read_slowly(self, body: bytes) -> Matrix:
        document = parse_object(body, ALLOWED)
        ignore = document.pop("ignore_unknown", False)
        if not isinstance(ignore, bool):
            raise Unprocessable.field("ignore_unknown", ignore, "true or false")
        if len(document) != 1 or not document.keys() <= set(FORMS):
            given = ", ".join(document) or "nothing"
            raise Unprocessable.field("", given, f"one of {', '.join(FORMS)}; and ignore_unknown")
        name = next(iter(document))
        if name == "columns":
            return self._encoder.encode_columns(
                take_columns(document, name, self._max_rows), ignore
            )
        rows = by_name(self._served.contract, take_list(document, name, self._max_rows))
        return self._encoder.encode_rows(rows, ignore)

    def write(self, found: Prediction, request_id: str, _asked: None) -> Wire:
        side, answer = found.side, found.answer
        parts = [
            self._heads[side],
            request_id.encode(),
            b'","predictions":',
            side.predictions_as_json(answer),
        ]
        if answer.probabilities is None:
            parts.append(self._tail)
        else:
            parts += [
                b',"probabilities":',
                numbers_as_json(answer.probabilities),
                self._classes,
            ]
        return Wire(b"".join(parts), self.headers)


def _text(value: str) -> str:
    return encode_json(value).decode()
