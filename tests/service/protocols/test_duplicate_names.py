"""Names that an object has twice: found in one pass, wherever they hide."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.bundle.contract import Column, Contract, Output
from service.bundle.rows.encoder import Encoder
from service.protocols.native import NativeProtocol
from service.web.problems import Unprocessable
from service.web.strict_json import first_duplicate, has_no_duplicate_name, parse_json
from tests.support.service import bundles
from tests.support.service.caller import Caller

VALUES = st.none() | st.integers() | st.text(alphabet='a"\\é', max_size=3)
NAMES = st.text(alphabet='ab"\\é', max_size=2)


def test_the_first_name_that_comes_again_is_told() -> None:
    assert first_duplicate(["a", "b", "c", "b", "a"]) == "b"
    assert first_duplicate(["a", "b"]) is None


@settings(deadline=None)
@given(st.lists(st.tuples(NAMES, VALUES)), st.booleans())
def test_a_text_with_no_more_quotation_marks_than_it_needs_has_each_name_once(
    members: list[tuple[str, Any]], ascii_only: bool
) -> None:
    written = [json.dumps(part, ensure_ascii=ascii_only) for pair in members for part in pair]
    pairs = zip(written[::2], written[1::2], strict=True)
    text = ("{" + ",".join(": ".join(pair) for pair in pairs) + "}").encode()
    value = json.loads(text)
    strings = sum(isinstance(member, str) for member in value.values())
    twice = len(value) < len(members)
    if has_no_duplicate_name(text, len(value), strings):
        assert not twice
    if twice:
        with pytest.raises(Unprocessable, match="twice"):
            parse_json(text)
    else:
        assert parse_json(text) == value


def with_one_repeated(value: Any) -> Iterator[str]:
    """The value as JSON, with one name of one of its objects given twice: each in turn."""
    if isinstance(value, list):
        for place, item in enumerate(value):
            for text in with_one_repeated(item):
                others = [json.dumps(other) for other in value]
                yield "[" + ",".join([*others[:place], text, *others[place + 1 :]]) + "]"
    if isinstance(value, dict):
        members = {name: f"{json.dumps(name)}:{json.dumps(item)}" for name, item in value.items()}
        for name, item in value.items():
            yield "{" + ",".join([members[name], *members.values()]) + "}"
            rest = [member for other, member in members.items() if other != name]
            for text in with_one_repeated(item):
                yield "{" + ",".join([*rest, f"{json.dumps(name)}:{text}"]) + "}"


ROW = bundles.YIELD.example | {"temperature": None}
TENSORS = {
    "id": "a",
    "parameters": {"binary_data_output": False, "x": "y"},
    "inputs": [
        {"name": name, "shape": [1], "datatype": "FP64", "data": [value], "parameters": {"a": None}}
        for name, value in ROW.items()
        if value is not None
    ],
    "outputs": [{"name": "predictions", "parameters": {"binary_data": False}}],
}
BODIES = (
    ("v1/models/yield-prediction/predict", {"rows": [ROW, ROW]}),
    ("v1/models/yield-prediction/predict", {"instances": [ROW], "ignore_unknown": True}),
    ("v1/models/yield-prediction/predict", {"columns": {name: [1] for name in ROW}}),
    ("v2/models/yield-prediction/infer", TENSORS),
    ("v1/models/yield-prediction/invocations", {"dataframe_records": [ROW]}),
    ("v1/models/yield-prediction/invocations", {"inputs": {name: [1] for name in ROW}}),
    (
        "v1/models/yield-prediction/invocations",
        {"dataframe_split": {"columns": list(ROW), "data": [[1, 1, 1]]}, "params": {"a": {}}},
    ),
    (
        "v1/models/yield-prediction/truth",
        {"entries": [{"request_id": "a", "row": 0, "value": 1.0}]},
    ),
)


@pytest.mark.parametrize(("path", "body"), BODIES)
def test_no_protocol_takes_a_name_twice_wherever_it_stands(
    caller: Caller, path: str, body: Any
) -> None:
    assert caller.post(f"/{path}", body).status_code in (200, 404)
    for text in with_one_repeated(body):
        answer = caller.post(f"/{path}", text.encode())
        assert answer.status_code == 422 and "twice" in answer.text, text


def test_rows_beside_instances_are_refused(caller: Caller) -> None:
    for body in ({"rows": [ROW], "instances": []}, {"instances": [ROW], "rows": [ROW]}):
        answer = caller.post("/v1/models/yield-prediction/predict", body)
        assert answer.status_code == 422 and "one of rows, instances" in answer.text


NULLABLE = Contract(
    "m",
    "regression",
    (
        Column("light", "number"),
        Column("crop", "category", categories=("basil", 'a"b'), nullable=True),
        Column("sown", "timestamp", nullable=True),
    ),
    (Output("y"),),
)


@settings(deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "light": st.just(1.0),
                "crop": st.sampled_from((None, "basil", 'a"b')),
                "sown": st.sampled_from((None, "2026-03-01")),
            }
        ),
        min_size=1,
        max_size=2,
    )
)
def test_a_null_hides_no_name_that_stands_twice(rows: list[Any]) -> None:
    model: Any = SimpleNamespace(
        name="m", contract=NULLABLE, encoder=Encoder(NULLABLE), max_rows=9, arms=[]
    )
    native = NativeProtocol(model)
    assert len(native.read(json.dumps({"rows": rows}).encode(), {})[0]) == len(rows)
    for text in [*with_one_repeated({"rows": rows}), json.dumps({"rows": rows, "instances": []})]:
        with pytest.raises(Unprocessable):
            native.read(text.encode(), {})
    for text in with_one_repeated(rows[0]):
        assert native.read_row(text.encode()) is None
