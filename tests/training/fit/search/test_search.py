"""The search: what it tries, and that where it runs changes nothing."""

from typing import get_args

import numpy as np
import pytest

from tests.support.own_code import OwnCode
from tests.support.plants import SpecOf, plants
from tests.support.training import impatient
from training.common.errors import TrainingError
from training.data import dataset, sources
from training.fit.candidates.pipeline import make_pipeline, space
from training.fit.candidates.resolve import SHORT_NAMES
from training.fit.fit import fit
from training.fit.search import search
from training.spec.search import CandidateName

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def searched(spec_of: SpecOf, frame: object, **changes: object) -> search.SearchResult:
    spec = spec_of(**changes)
    rows = frame[sources.wanted(spec)]  # type: ignore[index]
    data = dataset.require_valid(*dataset.validate(spec, rows, sources.fingerprint(rows)))
    return search.search(spec, data.contract, *data.train)


def test_every_candidate_comes_as_it_is_first_and_then_the_two_that_lead_are_varied(
    spec_of: SpecOf, frame: object
) -> None:
    settings = {"candidates": ["linear", "random-forest", "extra-trees"], "budget": 8}
    trials = searched(spec_of, frame, search=settings).trials
    assert [(trial.candidate, trial.parameters) for trial in trials[:3]] == [
        (name, {}) for name in settings["candidates"]
    ]
    leading = sorted(trials[:3], key=lambda trial: -trial.score)[:2]
    varied = [trial.candidate for trial in trials[3:]]
    assert [varied.count(trial.candidate) for trial in leading] == [4, 1]
    assert all(trial.parameters for trial in trials[3:])


def test_a_budget_of_seconds_ends_the_search_after_the_first_round(
    spec_of: SpecOf, frame: object
) -> None:
    settings = {"candidates": ["linear", "extra-trees"], "budget": 1000, "budget_seconds": 1}
    result = searched(spec_of, frame, search=settings)
    assert {trial.candidate for trial in result.trials} == {"linear", "extra-trees"}
    assert len(result.trials) < 1000


#: A fifth of a second for each row.
SLOW = """
    import time
    from sklearn.dummy import DummyRegressor

    class Slow(DummyRegressor):
        def fit(self, rows, target):
            time.sleep(0.2 * len(rows))
            return super().fit(rows, target)

    def build():
        return Slow()
"""


def test_a_candidate_too_slow_for_the_seconds_is_timed_and_lets_the_other_go_on(
    spec_of: SpecOf, own: OwnCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """480 rows would take it a minute and a half."""
    monkeypatch.setattr(search, "TIMED_ROWS", 10)
    monkeypatch.setattr(search, "FEWEST_ROWS", 150)
    slow = f"{own.write(SLOW)}:build"
    settings = {"candidates": [slow, "linear"], "budget": 2, "budget_seconds": 25}
    result = searched(spec_of, plants(600), search=settings)
    rows = {
        name: [trial.rows for trial in result.trials if trial.candidate == name]
        for name in settings["candidates"]  # type: ignore[attr-defined]
    }
    assert rows == {slow: [10], "linear": [10, 160, 480]}
    assert result.ranking[-1].candidate == slow


def test_own_code_that_cannot_learn_the_few_rows_it_is_timed_on_still_competes(
    spec_of: SpecOf, own: OwnCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "TIMED_ROWS", 10)
    code = SLOW.replace("time.sleep(0.2 * len(rows))", "assert len(rows) > 20")
    name = f"{own.write(code)}:build"
    settings = {"candidates": [name], "budget": 1, "budget_seconds": 60}
    trials = searched(spec_of, plants(300), search=settings).trials
    assert [trial.rows for trial in trials] == [240]


def test_few_rows_sort_out_what_is_tried_on_many(
    spec_of: SpecOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "FEWEST_ROWS", 50)
    names = ["linear", "extra-trees", "random-forest"]
    trials = searched(spec_of, plants(600), search={"candidates": names, "budget": 3}).trials
    assert [trial.rows for trial in trials] == [53, 53, 53, 160, 160, 480, 480]
    few, many = trials[:3], trials[3:5]
    assert [trial.candidate for trial in many] == [
        trial.candidate for trial in sorted(few, key=lambda trial: -trial.score)[:2]
    ]


def test_the_ranking_is_by_the_trial_of_each_with_most_rows(spec_of: SpecOf, frame: object) -> None:
    result = searched(spec_of, frame, search={"candidates": ["extra-trees", "linear"], "budget": 8})
    scores = [best.score for best in result.ranking]
    assert scores == sorted(scores, reverse=True)
    for best in result.ranking:
        assert best.rank == max(
            trial.rank for trial in result.trials if trial.candidate == best.candidate
        )


def test_the_same_seed_finds_the_same_and_another_does_not(spec_of: SpecOf, frame: object) -> None:
    settings = {"candidates": ["mlp"], "budget": 2}
    scores = [
        searched(spec_of, frame, search={**settings, "seed": seed}).ranking[0].score
        for seed in (1, 1, 2)
    ]
    assert scores[0] == scores[1] != scores[2]


def test_a_cluster_that_does_not_answer_is_named(spec_of: SpecOf, frame: object) -> None:
    spec = spec_of()
    rows = frame[sources.wanted(spec)]  # type: ignore[index]
    data = dataset.require_valid(*dataset.validate(spec, rows, sources.fingerprint(rows)))
    with (
        impatient(),
        pytest.raises(
            TrainingError, match="--cluster tcp://127.0.0.1:1: no Dask scheduler answers"
        ),
    ):
        search.search(spec, data.contract, *data.train, "tcp://127.0.0.1:1")


def test_trials_see_a_sample_and_the_winner_all_rows(spec_of: SpecOf, frame: object) -> None:
    spec = spec_of(search={"candidates": ["linear"], "rows": 60})
    rows = frame[sources.wanted(spec)]  # type: ignore[index]
    data = dataset.require_valid(*dataset.validate(spec, rows, sources.fingerprint(rows)))
    whole = fit(spec, data, compiling=False)
    assert [trial.rows for trial in whole.search.trials] == [60]
    scaler = whole.chosen.pipeline["features"].named_transformers_["numbers"][1]
    assert scaler.n_samples_seen_ == len(data.split.train)


def test_a_spec_may_name_every_candidate_and_no_other() -> None:
    assert set(get_args(CandidateName)) == set(SHORT_NAMES)


@pytest.mark.parametrize("name", SHORT_NAMES)
def test_every_parameter_of_a_space_is_one_of_the_pipeline(spec_of: SpecOf, name: str) -> None:
    spec = spec_of()
    rows = np.zeros((0, len(spec.contract().features)), np.float32)
    pipeline = make_pipeline(spec, spec.contract(), name, rows)
    assert set(space(spec, spec.contract(), name)) <= set(pipeline.get_params())


def test_missing_values_and_categories_are_the_models_own_business(
    spec_of: SpecOf, frame: object
) -> None:
    lost = frame.copy()  # type: ignore[attr-defined]
    lost.loc[::3, "leaves"] = None
    assert searched(spec_of, lost).ranking[0].score > 0.5
