"""The fit on all rows that follows a search."""

from __future__ import annotations

from pathlib import Path

import joblib
import pytest
from sklearn.ensemble import ExtraTreesRegressor

from tests.support.plants import SpecOf, dataset_of, plants
from training.fit import fit as fitting


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("many", "passes"), [(1000, 3), (2000, 10)])
def test_a_network_of_many_rows_takes_fewer_steps(
    spec_of: SpecOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, many: int, passes: int
) -> None:
    monkeypatch.setenv("SWARMLINE_BUILD", str(tmp_path))
    monkeypatch.setattr(fitting, "MANY_ROWS", many)
    spec = spec_of(search={"candidates": ["mlp"], "budget": 1, "folds": 2})
    data = dataset_of(spec, plants(1500))
    fitted = fitting.fit(spec, data, compiling=False)
    assert fitted.chosen.pipeline["model"].n_iter_no_change == passes


def test_a_forest_is_grown_in_threads(spec_of: SpecOf, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes would send each tree back as a copy, which took longer than to grow it."""
    shared: list[bool] = []
    grow = ExtraTreesRegressor.fit

    def noted(forest: ExtraTreesRegressor, *arguments: object) -> ExtraTreesRegressor:
        shared.append(joblib.parallel.get_active_backend()[0].supports_sharedmem)
        return grow(forest, *arguments)

    monkeypatch.setattr(ExtraTreesRegressor, "fit", noted)
    spec = spec_of(search={"candidates": ["extra-trees"], "budget": 1, "folds": 2})
    fitting.fit(spec, dataset_of(spec, plants(200)), searching=False, compiling=False)
    assert shared == [True]
