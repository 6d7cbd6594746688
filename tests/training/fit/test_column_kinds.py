"""Categories that take others, and times of several parts: what each candidate makes of them, and that it compiles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.support.foreign_models import by_column
from tests.support.plants import SpecOf, dataset_of, plants
from training.data.dataset import Dataset, encode, encode_and_split
from training.fit.candidates.resolve import SHORT_NAMES
from training.fit.fit import Fitted, fit
from training.fit.imported.file import ImportRefused
from training.fit.search.trials import Attempt, Rehearsal
from training.spec.values import Spec

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SHOPS = {"herb": 0, "tree": 0, "stall": 19, "kiosk": 19}
COLUMNS: dict[str, Any] = {
    "kind": {"categories": list(SHOPS), "unknown": "other"},
    "day": {"type": "timestamp", "encode": ["cyclic-weekday", "month"]},
}


def searching(name: str, **changes: Any) -> dict[str, Any]:
    return {"candidates": [name], "budget": 2, "folds": 2} | changes


def rows() -> pd.DataFrame:
    """Two kinds are rare, and weigh far more; the table says nothing of any other."""
    table = plants(400)
    places = iter(np.random.default_rng(4).permutation(len(table)))
    for kind, count in SHOPS.items():
        for place in [next(places) for _ in range(count)]:
            table.loc[place, ["kind", "weight"]] = [kind, 60.0 + place % 3]
    return table


def dataset(spec: Spec) -> Dataset:
    return encode_and_split(spec, rows(), "fingerprint")


def answers(fitted: Fitted, data: Dataset, *kinds: str) -> np.ndarray[Any, Any]:
    """The same rows, each as these kinds."""
    table = rows()[:20]
    columns = [
        fitted.predict(encode(data.contract, table.assign(kind=kind))).values for kind in kinds
    ]
    return np.stack(columns)


@pytest.mark.parametrize("name", SHORT_NAMES)
def test_each_candidate_takes_others_as_it_takes_what_is_rare(
    spec_of: SpecOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("SWARMLINE_BUILD", str(tmp_path / "build"))
    spec = spec_of(columns=COLUMNS, search=searching(name))
    data = dataset(spec)
    fitted = fit(spec, data)
    assert fitted.compiled is not None and fitted.compiled.engine_name == "onnx"
    common, rare, other_rare, other = answers(fitted, data, "herb", "stall", "kiosk", "bonsai")
    np.testing.assert_array_equal(rare, other)
    np.testing.assert_array_equal(other_rare, other)
    assert (other - common).mean() > 20


def test_the_ends_of_an_interval_take_others_alike(
    spec_of: SpecOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWARMLINE_BUILD", str(tmp_path / "build"))
    target = {"intervals": [0.1, 0.9]}
    spec = spec_of(columns=COLUMNS, search=searching("linear"), target=target)
    data = dataset(spec)
    fitted = fit(spec, data)
    assert fitted.compiled is not None and fitted.compiled.engine_name == "onnx"
    common, rare, other = answers(fitted, data, "herb", "stall", "bonsai")
    assert other.shape == (20, 3)
    np.testing.assert_array_equal(rare, other)
    assert (other[:, 0] - common[:, 0]).mean() > 20 and (other[:, 2] - common[:, 2]).mean() > 20


def test_what_is_rare_is_told_by_all_rows_and_not_by_those_of_a_trial(spec_of: SpecOf) -> None:
    categories = [f"kind {number}" for number in range(4)]
    column = {"categories": categories, "unknown": "other", "rare": 50}
    spec = spec_of(columns={"kind": column}, search=searching("linear"), data={"split": "random"})
    table = plants()
    numbers = np.arange(len(table)) % 4
    table = table.assign(kind=[categories[number] for number in numbers], weight=numbers**3 * 10.0)
    data = encode_and_split(spec, table, "fingerprint")
    (trial,) = Rehearsal(spec, data.contract, *data.train).attempt([Attempt("linear", {})], 80)
    assert trial.rows == 80
    assert trial.score > 0.95


def test_a_model_from_elsewhere_that_takes_texts_is_refused_where_others_have_none(
    classes_of: SpecOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWARMLINE_BUILD", str(tmp_path / "build"))
    (tmp_path / "model.onnx").write_bytes(by_column())
    columns = {"leaves": {"nullable": False}, "kind": {"unknown": "other"}}
    section = {"file": str(tmp_path / "model.onnx")}
    spec = classes_of(search=None, columns=columns, **{"import": section})
    with pytest.raises(
        ImportRefused, match="columns.kind has unknown = 'other'.*with 2 for the others"
    ):
        fit(spec, dataset_of(spec))
