"""A bundle's reference: as it was written, of a version that is too old or too new, or damaged."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from service.bundle.manifest import DamagedBundle
from service.bundle.reference import (
    REFERENCE,
    Block,
    Calibration,
    CategoryProfile,
    ClassMap,
    Histogram,
    Noise,
    NumberProfile,
    Reference,
    Season,
    open_loss_model,
    read_reference,
)

LIGHT = NumberProfile(
    rows=4,
    nulls=1,
    mean=2.0,
    std=0.5,
    quantiles=(1.0, 2.0, 3.0),
    noise=Noise(500, 0.03, 0.01),
    histogram=Histogram((1.0, 2.0, 3.0), (1, 2)),
)
KIND = CategoryProfile(rows=4, nulls=0, counts={"herb": 3, "tree": 1}, noise=None)
WHOLE = Reference(
    rows=4,
    columns={"light": LIGHT, "kind": KIND},
    predictions={"weight": LIGHT},
    sample=((1.5, None), (None, 1.0)),
    importance={"light": 0.4},
    seasons=(Season("month", "07", 500, {"light": LIGHT}),),
    calibration=Calibration(
        rows=4,
        blocks={"accuracy": (Block(0.5, 50, 0.4, 0.24),)},
        class_maps=(ClassMap((0.5,), (0.4,), (50,)),),
    ),
)


def test_a_reference_comes_back_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / REFERENCE).write_bytes(msgspec.json.encode(WHOLE))
    assert read_reference(tmp_path) == WHOLE


def test_its_sample_is_a_matrix_as_the_encoder_gives_it() -> None:
    matrix = WHOLE.matrix
    assert matrix.dtype == np.float32 and matrix.shape == (2, 2)
    assert np.isnan(matrix).tolist() == [[False, True], [True, False]]


@pytest.mark.parametrize(
    "content", [b"{}", b'{"rows": 8000, "columns": {"light": {"kind": "number"}}}']
)
def test_of_a_bundle_from_before_there_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / REFERENCE).write_bytes(content)
    assert read_reference(tmp_path) is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"version": 3}', "given version 3; allowed: up to 2; use the monitor of the release"),
        (b'{"version": 2}', "missing required field `rows`.*export the bundle again"),
        (b"", "export the bundle again"),
    ],
)
def test_one_that_cannot_be_read_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / REFERENCE).write_bytes(content)
    with pytest.raises(DamagedBundle, match=message):
        read_reference(tmp_path)


def test_a_bundle_of_classes_has_no_loss_models(tmp_path: Path) -> None:
    assert open_loss_model(tmp_path) is None
