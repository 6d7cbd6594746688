"""The section `import`: a model from elsewhere in each form that other tools export, and what is said of others."""

# pylint: disable=line-too-long  # a case is one line: what is imported, and what is said of it

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from service.bundle.engines import predict_with
from tests.support.foreign_models import (
    by_column,
    by_hand,
    by_list,
    forest,
    matrix,
    network,
    numbers,
)
from tests.support.plants import SpecOf, dataset_of, plants
from training.common.errors import SpecError
from training.fit.fit import Fitted, fit
from training.fit.imported.file import ImportRefused
from training.fit.imported.source import content

GRADES = plants()["grade"]
NUMBERED = (GRADES == "B").astype(int)


@pytest.fixture
def imported(
    spec_of: SpecOf, classes_of: SpecOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Fitted]:
    """A model's bytes, imported for the plants' grades, or for their weight."""
    monkeypatch.setenv("SWARMLINE_BUILD", str(tmp_path / "build"))

    def run(model: bytes, task: str = "classification", **changes: Any) -> Fitted:
        (tmp_path / "model.onnx").write_bytes(model)
        section = {"file": str(tmp_path / "model.onnx"), **changes.pop("section", {})}
        make = classes_of if task == "classification" else spec_of
        spec = make(search=None, **{"import": section}, **changes)
        return fit(spec, dataset_of(spec))

    return run


def probabilities_of(model: bytes) -> Any:
    """What the file itself gives for the plants, by ONNX Runtime alone."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: matrix()})[-1]


@pytest.mark.parametrize("zipmap", [True, False])
@pytest.mark.parametrize(
    ("labels", "classes"),
    [(GRADES, ["A", "B"]), (GRADES, ["B", "A"]), (NUMBERED, ["A", "B"])],
    ids=["names", "names in another order", "numbers"],
)
def test_a_forest_gives_its_probabilities_by_the_contracts_classes(
    imported: Callable[..., Fitted], labels: Any, classes: list[str], zipmap: bool
) -> None:
    fitted = imported(forest(labels, zipmap), target={"classes": classes})
    assert fitted.compiled is not None and fitted.compiled.engine_name == "onnx"
    expected = probabilities_of(forest(labels, False))
    if classes == ["B", "A"]:
        expected = expected[:, ::-1]
    answer = fitted.predict(matrix())
    assert answer.probabilities is not None
    assert np.abs(answer.probabilities - expected).max() < 1e-6
    assert fitted.compiled.equality.proven
    python = predict_with(fitted.chosen.pipeline, matrix())
    assert (python.values == answer.values).all()


def test_numbers_are_those_of_the_file(imported: Callable[..., Fitted]) -> None:
    answer = imported(numbers(), "regression").predict(matrix())
    assert answer.values == pytest.approx(probabilities_of(numbers()), rel=1e-6)


def test_a_model_may_take_a_column_a_name_and_a_category_as_its_text(
    imported: Callable[..., Fitted],
) -> None:
    rows = plants()
    session = onnxruntime.InferenceSession(by_column(), providers=["CPUExecutionProvider"])
    feeds = {
        "kind": rows[["kind"]].to_numpy(dtype=object),
        **{name: rows[[name]].to_numpy(np.float32) for name in ("light", "leaves", "watered")},
    }
    labels = session.run(None, feeds)[0]
    answer = imported(by_column(), columns={"leaves": {"nullable": False}}).predict(matrix())
    assert ["AB"[number] for number in answer.values] == labels.tolist()


def test_a_model_may_take_each_column_as_a_list(imported: Callable[..., Fitted]) -> None:
    whole = {"columns": {"leaves": {"nullable": False}}}
    sums = matrix().sum(axis=1)
    answer = imported(by_list("Identity"), "regression", **whole).predict(matrix())
    assert answer.values[:, 0] == pytest.approx(sums)
    chances = imported(by_list("Sigmoid"), **whole).predict(matrix()).probabilities
    assert chances is not None
    assert chances[:, 1] == pytest.approx(1 / (1 + np.exp(-sums)), abs=1e-6)


@pytest.mark.parametrize(("last", "width"), [("Softmax", 2), ("Sigmoid", 1)])
@pytest.mark.parametrize("kind", [TensorProto.FLOAT, TensorProto.DOUBLE])
def test_a_network_without_labels_has_the_classes_of_the_spec(
    imported: Callable[..., Fitted], last: str, width: int, kind: int
) -> None:
    model = network(last, width)
    if kind == TensorProto.DOUBLE:
        model = _as_double(model)
    answer = imported(model).predict(matrix())
    expected = probabilities_of(network(last, width))[:, -1]
    assert answer.probabilities is not None
    assert answer.probabilities[:, 1] == pytest.approx(expected, abs=1e-6)
    assert (answer.values == (answer.probabilities[:, 1] > 0.5)).all()


def _as_double(model: bytes) -> bytes:
    """The same behind an input of float64, as NumPy's own numbers are."""
    import onnx  # pylint: disable=import-outside-toplevel

    parsed = onnx.load_model_from_string(model)
    parsed.graph.input[0].type.tensor_type.elem_type = TensorProto.DOUBLE
    for node in parsed.graph.node:
        inputs = ["single" if name == "x" else name for name in node.input]
        del node.input[:]
        node.input.extend(inputs)
    cast = helper.make_node("Cast", ["x"], ["single"], to=TensorProto.FLOAT)
    nodes = [cast, *parsed.graph.node]
    del parsed.graph.node[:]
    parsed.graph.node.extend(nodes)
    return bytes(parsed.SerializeToString())


def test_outputs_that_count_can_be_named(imported: Callable[..., Fitted]) -> None:
    node = helper.make_node("ReduceSum", ["x"], ["more"], keepdims=1)
    model = by_hand(
        helper.make_node("Identity", ["x"], ["x2"]),
        helper.make_node("Gather", ["x2", "place"], ["y"], axis=1),
        node,
        outputs=[("y", TensorProto.FLOAT), ("more", TensorProto.FLOAT)],
        weights={"place": np.array([1], dtype=np.int64)},
    )
    with pytest.raises(ImportRefused, match="gives 'y' .*, 'more' .*import.outputs names those"):
        imported(model, "regression")
    answer = imported(model, "regression", section={"outputs": ["y"]}).predict(matrix())
    assert answer.values[:, 0].tolist() == matrix()[:, 1].tolist()
    with pytest.raises(ImportRefused, match="import.outputs: given 'z'; allowed, .*: y, more"):
        imported(model, "regression", section={"outputs": ["z"]})


@pytest.mark.parametrize(
    ("model", "task", "reason"),
    [
        (lambda: network("Softmax", 3), "classification", "gives 3 probabilities a row; allowed: 2, one for each class of grade: A, B"),
        (lambda: network("Identity", 2), "classification", "gives numbers from .* that add up to .*softmax or sigmoid"),
        (lambda: network("Softmax", 2), "regression", "gives 2 numbers a row; allowed: 1, for weight"),
        (lambda: forest(GRADES, True), "regression", "gives .*allowed for regression: one float or double output"),
        (lambda: forest(GRADES.map({"A": "good", "B": "bad"}), False), "classification", "knows the classes 'bad', 'good'; allowed: those of grade, 'A', 'B'"),
        (lambda: network("Softmax", 2, shape=(None, 7)), "classification", r"takes 'x' \(float\[\?, 7\]\), so 7 numbers a row; allowed: 4, .*: kind, light, leaves, watered"),
        (lambda: network("Softmax", 2, shape=(1, 4)), "classification", "takes exactly 1 rows at a time .*first dimension that is dynamic"),
        (lambda: network("Softmax", 2, shape=(None, 4), kind=TensorProto.INT64), "classification", r"takes 'x' \(int64\[\?, 4\]\); allowed: float or double"),
        (lambda: by_hand(helper.make_node("Sqrt", ["x"], ["y"])), "regression", "gives 4 numbers a row"),
        (lambda: by_hand(helper.make_node("ReduceSum", ["x"], ["y"], keepdims=0)), "regression", r"gives an array of shape \(\) for 300 rows"),
        (by_column, "classification", "has no word for a missing value, and columns.kind is nullable"),
    ],
)  # fmt: skip
def test_a_model_of_another_shape_is_refused_with_what_it_has_and_what_is_allowed(
    imported: Callable[..., Fitted], model: Callable[[], bytes], task: str, reason: str
) -> None:
    with pytest.raises(ImportRefused, match=reason):
        imported(model(), task, columns={"kind": {"nullable": True}})


def test_missing_values_that_the_model_cannot_take_are_said(
    imported: Callable[..., Fitted],
) -> None:
    one = np.array([[1], [1], [1], [1]], dtype=np.float32)
    model = by_hand(helper.make_node("MatMul", ["x", "w"], ["y"]), weights={"w": one})
    answer = imported(model, "regression").predict(matrix())
    assert answer.values[:, 0] == pytest.approx(matrix().sum(axis=1))
    log = by_hand(
        helper.make_node("MatMul", ["x", "w"], ["z"]),
        helper.make_node("Log", ["z"], ["y"]),
        weights={"w": -one},
    )
    with pytest.raises(ImportRefused, match="gives no finite number for 300 of 300 rows"):
        imported(log, "regression")


def test_a_model_that_was_imported_before_is_imported_again(
    imported: Callable[..., Fitted],
) -> None:
    first = imported(numbers(), "regression")
    assert first.compiled is not None
    served = (first.compiled.folder / "model.onnx").read_bytes()
    again = imported(served, "regression").predict(matrix())
    assert np.array_equal(again.values, first.predict(matrix()).values)


def test_classes_without_names_have_to_be_listed(imported: Callable[..., Fitted]) -> None:
    for model in (network("Softmax", 2), forest(NUMBERED, False)):
        with pytest.raises(ImportRefused, match="allowed then: target.classes lists them in the"):
            imported(model, target={"classes": []})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"import": {}}, "import: given file = '' and model = ''; allowed: one of them"),
        ({"import": {"file": "a", "model": "b"}}, "import: given file = 'a' and model = 'b'"),
        ({"import": {"model": "s3://x/y"}}, "import.model: given 's3://x/y'; allowed: a folder"),
        ({"import": {"model": "models:/../x;y"}}, "import.model: given"),
        ({"import": {"path": "a"}, "search": None}, "import.path: unknown key; allowed: file"),
        ({"import": {"file": "a"}, "search": {"candidates": ["linear"]}}, "search.candidates: given"),
        ({"import": {"file": "a"}, "search": None, "target": {"loss": "absolute"}}, "target.loss: given, and .import."),
        ({"import": {"file": "a"}, "search": None, "columns": {"light": {"monotone": "increasing"}}}, "columns.light.monotone: given, and .import."),
        ({"import": {"file": "a"}, "search": {"candidates": [], "budget": 3}}, "search.budget: given"),
        ({"search": {"candidates": []}}, "search.candidates: missing; at least one is needed"),
        ({"search": None}, "search.candidates: missing"),
    ],
)  # fmt: skip
def test_a_section_that_contradicts_itself_is_refused(
    spec_of: SpecOf, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(SpecError, match=reason):
        spec_of(**changes)


def test_the_content_of_the_file_is_part_of_the_key(spec_of: SpecOf, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    spec = spec_of(search=None, **{"import": {"file": str(path)}})
    hashes = []
    for model in (network("Sigmoid", 1), network("Identity", 1), network("Sigmoid", 1)):
        path.write_bytes(model)
        hashes.append(content(spec))
    assert hashes[0] == hashes[2] != hashes[1]
