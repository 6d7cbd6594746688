"""The fit on all rows that follows a search."""

from __future__ import annotations

from pathlib import Path

import pytest

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
