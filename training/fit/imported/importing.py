"""Imports a model: read, held against contract and rows, brought into the form that serves, proven equal to itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from service.bundle.contract import Contract, Matrix
from training.common.progress import say
from training.fit.imported import flavours, source
from training.fit.imported.file import ImportRefused, read_model
from training.fit.imported.interface import Interface, read_interface
from training.fit.imported.model import ImportedClassifier, ImportedRegressor, Raw, Session
from training.fit.imported.wrap import wrap
from training.spec.values import Spec

#: Rows on which outputs are looked at.
LOOKED_AT = 10_000
#: How far probabilities may be from adding up to 1.
TOLERANCE = 1e-3
#: How far an exported model may be from the library's own answers; numbers relative to their size.
EXPORT_TOLERANCE = 1e-4


class Imported(NamedTuple):
    """A model as scikit-learn knows it, and as the file that serves."""

    pipeline: Pipeline
    served: bytes


def import_model(spec: Spec, contract: Contract, matrix: Matrix) -> Imported:
    """`matrix` are rows of the contract, on which the answers are looked at. ImportRefused says what is wrong."""
    path, model, original = _read(spec)
    interface = read_interface(path, model, contract)
    session = Session(str(path), model, interface, contract)
    raw = session.run(matrix[:LOOKED_AT])
    if original is not None:
        _check_export(path, raw.numbers, original(matrix[:LOOKED_AT]))
    about = (str(path), source.content(spec), session)
    if not contract.classes:
        _check_numbers(path, contract, raw)
        pipeline = Pipeline([("model", ImportedRegressor(*about))])
        return Imported(pipeline, wrap(model, interface, contract, ()))
    order = _order(path, spec, contract, interface, raw)
    estimator = ImportedClassifier(*about, order)
    _check_probabilities(path, estimator.arranged(raw))
    _check_labels(path, spec, estimator, raw)
    return Imported(Pipeline([("model", estimator)]), wrap(model, interface, contract, order))


def _read(spec: Spec) -> tuple[Path, onnx.ModelProto, flavours.Answers | None]:
    assert spec.imported is not None
    place = source.place(spec)
    exported = flavours.onnx_file(spec, place) if place.is_dir() else flavours.Exported(place)
    path = exported.file
    model = read_model(path)
    wanted = spec.imported.outputs
    if wanted:
        outputs = {value.name: value for value in model.graph.output}
        for name in wanted:
            if name not in outputs:
                raise ImportRefused(
                    f"import.outputs: given {name!r}; allowed, as {path} has it: {', '.join(outputs)}"
                )
        del model.graph.output[:]
        model.graph.output.extend(outputs[name] for name in wanted)
    return path, model, exported.original


def _check_export(path: Path, numbers: NDArray[Any], original: NDArray[Any]) -> None:
    """An exporter that errs says nothing: what it wrote has to answer as what it was given."""
    table = numbers.reshape(len(numbers), -1)
    expected = np.asarray(original, dtype=np.float64).reshape(len(numbers), -1)
    if expected.shape[1] == 1:
        # Of two classes, a library may give the second alone.
        table = table[:, -1:]
    if table.shape != expected.shape:
        largest = np.inf
    else:
        largest = float((np.abs(table - expected) / np.maximum(1, np.abs(expected))).max())
    if np.isnan(largest) or largest > EXPORT_TOLERANCE:
        raise ImportRefused(
            f"{path}: was exported here, and answers otherwise than the library by up to {largest:.2g};"
            f" allowed: {EXPORT_TOLERANCE:g}; {flavours.INSTEAD}"
        )


def _check_numbers(path: Path, contract: Contract, raw: Raw) -> None:
    count = raw.numbers.size // max(1, len(raw.numbers))
    if count != len(contract.outputs):
        raise ImportRefused(
            f"{path}: gives {count} numbers a row; allowed: {len(contract.outputs)}, for"
            f" {', '.join(output.name for output in contract.outputs)}"
        )
    _refuse_infinite(path, raw.numbers)


def _refuse_infinite(path: Path, numbers: NDArray[np.floating]) -> None:
    bad = ~np.isfinite(numbers.reshape(len(numbers), -1)).all(axis=1)
    if bad.any():
        raise ImportRefused(
            f"{path}: gives no finite number for {bad.sum()} of {len(bad)} rows; where a value may be missing"
            " (columns that are nullable), the model has to know what to do"
        )


def _order(
    path: Path, spec: Spec, contract: Contract, interface: Interface, raw: Raw
) -> tuple[int, ...]:
    """For each class of the contract, its place among the model's probabilities; nothing for one probability alone."""
    classes, labels = contract.classes, interface.outputs.labels
    count = 1 if raw.numbers.ndim == 1 else raw.numbers.shape[1]
    if count != len(classes) and not (count == 1 and len(classes) == 2):
        raise ImportRefused(
            f"{path}: gives {count} probabilities a row; allowed: {len(classes)}, one for each class of"
            f" {spec.source.target}: {', '.join(classes)}"
        )
    names = [str(label) for label in labels]
    if sorted(names) == sorted(classes):
        order = tuple(names.index(name) for name in classes)
        if count > 1 or order == (0, 1):
            return order if count > 1 else ()
        raise ImportRefused(
            f"{path}: gives the probability of {names[1]!r} alone; allowed then: target.classes ="
            f" {list(names)}, in this order"
        )
    if labels and list(labels) != list(range(len(classes))):
        raise ImportRefused(
            f"{path}: knows the classes {', '.join(map(repr, labels))}; allowed: those of {spec.source.target},"
            f" {', '.join(map(repr, classes))}, or numbers from 0 with target.classes in their order"
        )
    if not spec.target.classes:
        raise ImportRefused(
            f"{path}: {'numbers' if labels else 'does not name'} its classes; allowed then: target.classes lists"
            f" them in the order of its probabilities, such as {list(classes)}"
        )
    return tuple(range(count)) if count > 1 else ()


def _check_probabilities(path: Path, chances: NDArray[np.float32]) -> None:
    _refuse_infinite(path, chances)
    sums = chances.sum(axis=1)
    low, high = float(chances.min()), float(chances.max())
    if low < -TOLERANCE or high > 1 + TOLERANCE or np.abs(sums - 1).max() > TOLERANCE:
        raise ImportRefused(
            f"{path}: gives numbers from {low:.4g} to {high:.4g} that add up to {sums.min():.4g} to {sums.max():.4g} a"
            " row; allowed: probabilities, which add up to 1: export it with softmax or sigmoid as its last step"
        )


def _check_labels(path: Path, spec: Spec, estimator: ImportedClassifier, raw: Raw) -> None:
    if raw.labels is None:
        return
    listed = set(estimator.labels())
    strange = sorted({str(label) for label in set(raw.labels.ravel().tolist()) - listed})
    if strange:
        raise ImportRefused(
            f"{path}: answers {strange[0]!r}, which is none of its classes"
            f" {', '.join(sorted(map(repr, listed)))}"
        )
    chances, numbers = estimator.arranged(raw), estimator.numbered(raw.labels)
    behind = chances.max(axis=1) - chances[np.arange(len(numbers)), numbers]
    other = int((behind > TOLERANCE).sum())
    if other:
        say(
            f"{spec.name}: the label of {path} is not its most probable class in {other} of {len(numbers)} rows;"
            " where a threshold of its own is not the reason, target.classes is in another order than its"
            " probabilities"
        )
