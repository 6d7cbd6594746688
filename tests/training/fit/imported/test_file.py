"""An ONNX file that is broken, huge, or means harm is refused before anything of it runs."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.support.foreign_models import by_hand, network, numbers, with_external_data
from training.fit.imported import file
from training.fit.imported.file import ImportRefused, content, read_model


def written(folder: Path, model: bytes) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(model)
    return path


def test_a_file_that_is_whole_is_read(tmp_path: Path) -> None:
    assert read_model(written(tmp_path, numbers())).graph.node


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (b"", "is no ONNX model, or one that computes nothing"),
        (b"a,b\n1,2\n", "is no ONNX model"),
        (b"\x80\x04\x95pickle", "is no ONNX model"),
        (numbers()[:-40], "is no ONNX model; it cannot be parsed"),
        (by_hand(helper.make_node("Identity", ["nowhere"], ["y"])), "is no valid ONNX model"),
        (by_hand(helper.make_node("NoSuchOperator", ["x"], ["y"])), "is no valid ONNX model"),
    ],
)
def test_a_file_that_is_broken_is_refused(tmp_path: Path, model: bytes, reason: str) -> None:
    with pytest.raises(ImportRefused, match=f"model.onnx: {reason}"):
        read_model(written(tmp_path, model))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="absent.onnx: cannot be read: No such file"):
        content(tmp_path / "absent.onnx")


def test_a_huge_file_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, b"")
    with path.open("r+b") as opened:
        opened.truncate(file.MOST_MB * 1_000_000 + 1)
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("it was read"))
    with pytest.raises(ImportRefused, match="has 500 MB with its tensors; allowed are 500 MB"):
        read_model(path)


@pytest.mark.parametrize("domain", ["com.evil", "com.microsoft", "ai.onnx.preview.training"])
def test_an_operator_that_needs_a_library_is_refused(tmp_path: Path, domain: str) -> None:
    node = helper.make_node("Steal", ["x"], ["y"], domain=domain)
    with pytest.raises(ImportRefused, match="needs the operator Steal of|is no valid ONNX model"):
        read_model(written(tmp_path, by_hand(node, domains=[domain])))


def test_an_operator_inside_a_branch_is_refused_too(tmp_path: Path) -> None:
    inner = helper.make_graph(
        [helper.make_node("Steal", ["x"], ["z"], domain="com.evil")],
        "branch",
        [],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, [None, None])],
    )
    nodes = (
        helper.make_node("Constant", [], ["yes"], value=helper.make_tensor("c", TensorProto.BOOL, [], [True])),
        helper.make_node("If", ["yes"], ["y"], then_branch=inner, else_branch=inner),
    )  # fmt: skip
    with pytest.raises(ImportRefused, match="needs the operator Steal of 'com.evil'"):
        read_model(written(tmp_path, by_hand(*nodes, domains=["com.evil"])))


@pytest.mark.parametrize("kind", ["RandomNormalLike", "RandomUniformLike", "Bernoulli"])
def test_an_operator_that_answers_by_chance_is_refused(tmp_path: Path, kind: str) -> None:
    with pytest.raises(ImportRefused, match=f"the operator {kind}: it answers differently"):
        read_model(written(tmp_path, by_hand(helper.make_node(kind, ["x"], ["y"]))))


def test_weights_in_a_file_beside_it_are_read_and_are_part_of_its_content(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    with_external_data(path, "weights.bin")
    before = content(path)
    model = read_model(path)
    assert {each.data_location for each in model.graph.initializer} == {TensorProto.DEFAULT}
    original = onnx.load_model_from_string(network("Softmax", 2))
    weights = [
        numpy_helper.to_array(tensor).tolist()
        for each in (model, original)
        for tensor in each.graph.initializer
    ]
    assert weights[:2] == weights[2:]
    (tmp_path / "weights.bin").write_bytes(b"\0" * 32)
    assert content(path) != before


@pytest.mark.parametrize("location", ["/etc/passwd", "../weights.bin", "a/weights.bin", "..", ""])
def test_weights_elsewhere_are_refused(tmp_path: Path, location: str) -> None:
    with_external_data(tmp_path / "model.onnx", location)
    for read in (read_model, content):
        with pytest.raises(ImportRefused, match="allowed is a file beside it, by its name alone"):
            read(tmp_path / "model.onnx")


def test_a_link_beside_it_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    with_external_data(tmp_path / "model.onnx", "weights.bin")
    (tmp_path / "weights.bin").unlink()
    (tmp_path / "weights.bin").symlink_to("/etc/passwd")
    with pytest.raises(ImportRefused, match="'weights.bin', which is no file beside it"):
        read_model(tmp_path / "model.onnx")
