"""The search: what it tries, and that where it runs changes nothing."""

from typing import get_args

import pytest

from tests.support.plants import SpecOf
from tests.support.training import impatient
from training.common.errors import TrainingError
from training.data import dataset, sources
from training.fit import search
from training.fit.candidates.pipeline import make_pipeline, space
from training.fit.candidates.resolve import SHORT_NAMES
from training.spec.values import CandidateName

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def searched(spec_of: SpecOf, frame: object, **changes: object) -> search.SearchResult:
    spec = spec_of(**changes)
    rows = frame[sources.wanted(spec)]  # type: ignore[index]
    data = dataset.require_valid(*dataset.validate(spec, rows, sources.fingerprint(rows)))
    return search.search(spec, data.contract, *data.train)


def test_the_budget_is_shared_and_the_linear_model_takes_one_trial(
    spec_of: SpecOf, frame: object
) -> None:
    settings = {"candidates": ["linear", "random-forest", "extra-trees"], "budget": 7}
    trials = searched(spec_of, frame, search=settings).trials
    names = [trial.candidate for trial in trials]
    assert {name: names.count(name) for name in settings["candidates"]} == {
        "linear": 1,
        "random-forest": 3,
        "extra-trees": 3,
    }


def test_the_ranking_is_by_the_best_trial_of_each(spec_of: SpecOf, frame: object) -> None:
    result = searched(spec_of, frame, search={"candidates": ["extra-trees", "linear"], "budget": 3})
    assert [candidate.score for candidate in result.ranking] == sorted(
        (candidate.score for candidate in result.ranking), reverse=True
    )
    for candidate in result.ranking:
        assert candidate.score == max(
            trial.score for trial in result.trials if trial.candidate == candidate.candidate
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
    result = search.search(spec, data.contract, *data.train).ranking[0]
    whole = search.refit_on_all_rows(spec, result, *data.train)
    seen = [
        candidate.pipeline["features"].named_transformers_["numbers"][1].n_samples_seen_
        for candidate in (result, whole)
    ]
    assert seen == [60, len(data.split.train)]


def test_a_spec_may_name_every_candidate_and_no_other() -> None:
    assert set(get_args(CandidateName)) == set(SHORT_NAMES)


@pytest.mark.parametrize("name", SHORT_NAMES)
def test_every_parameter_of_a_space_is_one_of_the_pipeline(spec_of: SpecOf, name: str) -> None:
    spec = spec_of()
    rows = np.zeros((0, len(spec.contract().features)), np.float32)
    pipeline = make_pipeline(spec, spec.contract(), name, rows)
    assert set(space(spec.contract(), name)) <= set(pipeline.get_params())


def test_missing_values_and_categories_are_the_models_own_business(
    spec_of: SpecOf, frame: object
) -> None:
    lost = frame.copy()  # type: ignore[attr-defined]
    lost.loc[::3, "leaves"] = None
    assert searched(spec_of, lost).ranking[0].score > 0.5
