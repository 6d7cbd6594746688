"""Any body is predicted, or refused by field."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.bundle.contract import Invalid
from service.bundle.rows.encoder import Encoder
from service.protocols.native import NativeProtocol
from tests.support.service import bundles
from tests.support.service.caller import Caller

CALM = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)

NAMES = st.sampled_from(
    [*bundles.QUALITY.names, "rows", "instances", "columns", "ignore_unknown", "x"]
)

#: JSON that looks like a request: this is what reaches the contract.
ALMOST = st.fixed_dictionaries(
    {"rows": st.lists(st.dictionaries(NAMES, JSON, max_size=7), max_size=3)}
)


def near(column: Any) -> Any:
    """Values of a column, most of them good."""
    good = {
        "number": st.floats(column.bounds[0], column.bounds[1], width=32),
        "integer": st.integers(int(column.bounds[0]), int(column.bounds[1])),
        "boolean": st.booleans(),
        "timestamp": st.datetimes().map(lambda moment: moment.isoformat()),
        "category": st.sampled_from(column.categories or ("-",)),
    }[column.type]
    return good | st.none() if column.nullable else good


ROWS = st.lists(
    st.fixed_dictionaries({column.name: near(column) for column in bundles.QUALITY.columns}),
    min_size=1,
    max_size=5,
)


@CALM
@given(body=JSON | ALMOST)
def test_any_json_is_predicted_or_refused_by_field(app: Any, body: Any) -> None:
    import json

    sent = json.dumps(body).encode()
    answer = Caller(app).post("/v1/models/quality-classification/predict", sent)
    assert answer.status_code in (200, 400, 422), answer.text
    if answer.status_code == 422:
        assert answer.json["errors"]


@CALM
@given(rows=ROWS)
def test_valid_rows_predict_what_the_pipeline_does(app: Any, rows: list[dict[str, Any]]) -> None:
    answer = Caller(app).predict("quality-classification", *rows)
    assert answer.status_code == 200, answer.text
    pipeline = _pipeline()
    expected = pipeline.predict_proba(Encoder(bundles.QUALITY).encode_rows(rows))
    np.testing.assert_allclose(answer.json["probabilities"], expected, atol=1e-5)


_FITTED: list[Any] = []


def _pipeline() -> Any:
    if not _FITTED:
        _FITTED.append(bundles.fit(bundles.QUALITY)[0])
    return _FITTED[0]


@CALM
@given(
    rows=st.lists(
        st.dictionaries(st.sampled_from(bundles.QUALITY.names), JSON), min_size=1, max_size=3
    )
)
def test_the_fast_way_accepts_only_what_the_authority_does(app: Any, rows: list[Any]) -> None:
    import json

    encoder = Encoder(bundles.QUALITY)
    try:
        expected = encoder.encode_rows(rows)
    except Invalid:
        expected = None
    body = json.dumps({"rows": rows}).encode()
    native = NativeProtocol(app.models.find("quality-classification"))
    try:
        matrix = native.read(body, {})[0]
    except Invalid:
        matrix = None
    assert (matrix is None) == (expected is None)
    if matrix is not None and expected is not None:
        np.testing.assert_array_equal(matrix, expected)
