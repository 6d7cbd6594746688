"""The plots: which ones there are, and what may go into them."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot

from tests.support.plants import ResultOf, SpecOf
from training.card import style
from training.card.plots import draw
from training.card.task_plots import Plot
from training.judge.result import TrainingResult
from training.metrics.metric import Scored


def named(result: TrainingResult, name: str) -> Plot:
    return next(plot for plot in draw(result) if plot.name == name)


def names_of(result: TrainingResult) -> set[str]:
    return {plot.name for plot in draw(result)}


@pytest.mark.parametrize(
    ("task", "names"),
    [
        ("regression", {"predicted", "residuals", "slices", "importance", "search"}),
        (
            "classification",
            {"confusion", "balance", "calibration", "slices", "importance", "search"},
        ),
        ("optimization", {"profit", "regret", "recipes", "importance", "search"}),
    ],
)
def test_each_task_has_its_plots(
    task: str, names: set[str], request: pytest.FixtureRequest
) -> None:
    assert names_of(request.getfixturevalue(task)) == names


def test_without_an_evaluation_only_the_search_is_drawn(regression: TrainingResult) -> None:
    assert names_of(regression._replace(evaluation=None)) == {"search"}


def test_without_trials_no_search_is_drawn(regression: TrainingResult) -> None:
    search = regression.fitted.search._replace(trials=())
    fitted = regression.fitted._replace(search=search)
    assert "search" not in names_of(regression._replace(fitted=fitted))


def test_wide_plots_come_last_and_the_others_in_pairs(
    regression: TrainingResult, classification: TrainingResult
) -> None:
    for result in (regression, classification):
        wide = [plot.wide for plot in draw(result)]
        assert wide == sorted(wide)
        assert wide.count(False) % 2 == 0


def test_drawing_leaves_the_process_as_it_was(regression: TrainingResult) -> None:
    before, backend = dict(matplotlib.rcParams), matplotlib.get_backend()
    draw(regression)
    assert dict(matplotlib.rcParams) == before
    assert matplotlib.get_backend() == backend
    assert pyplot.get_fignums() == []


def test_the_same_facts_are_drawn_the_same(classification: TrainingResult) -> None:
    twice = [[plot.svg for plot in draw(classification)] for _ in range(2)]
    assert twice[0] == twice[1]


def test_plots_of_one_page_share_no_id(regression: TrainingResult) -> None:
    ids = [part.split('"')[0] for plot in draw(regression) for part in plot.svg.split(' id="')[1:]]
    assert ids
    assert len(ids) == len(set(ids))


def test_a_plot_takes_the_colour_of_its_page(regression: TrainingResult) -> None:
    element = named(regression, "importance").svg
    assert "currentColor" in element
    assert style.INK not in element


def test_words_of_the_data_are_neither_markup_nor_formulas(
    classes_of: SpecOf, result_of: ResultOf, frame: pd.DataFrame
) -> None:
    names = ["<script>$a_b$", "$"]
    spec = classes_of(target={"classes": names})
    result = result_of(spec, frame.assign(grade=frame["grade"].map(dict(zip("AB", names)))))
    element = named(result, "confusion").svg
    assert "&lt;script&gt;$a_b$" in element
    assert "<script>" not in element


def test_many_rows_are_thinned_to_what_a_plot_can_show(regression: TrainingResult) -> None:
    truth = np.random.default_rng(1).normal(size=100_000)
    assert regression.evaluation is not None
    evaluation = regression.evaluation._replace(scored=Scored(truth, truth * 0.9))
    for plot in draw(regression._replace(evaluation=evaluation)):
        assert len(plot.svg) < 150_000


def test_calibration_is_on_the_diagonal_where_probabilities_are_true(
    classification: TrainingResult,
) -> None:
    chance = np.repeat([0.25, 0.75], 1000)
    true = np.arange(2000) % 4 < np.repeat([1, 3], 1000)
    scored = Scored(
        true.astype(int), (chance > 0.5).astype(int), np.column_stack([1 - chance, chance])
    )
    assert classification.evaluation is not None
    evaluation = classification.evaluation._replace(scored=scored)
    plot = named(classification._replace(evaluation=evaluation), "calibration")
    lines = plot.figure.axes[0].get_lines()
    probability, came_true = (np.asarray(part) for part in lines[1].get_data())
    assert list(probability) == list(came_true) == [25.0, 75.0]


def test_the_gate_stands_in_the_plot_of_the_slices(spec_of: SpecOf, result_of: ResultOf) -> None:
    result = result_of(spec_of(gates={"slices": {"r2": {"min": 0.25}}}))
    plot = named(result, "slices")
    dashed = [line for line in plot.figure.axes[0].get_lines() if line.get_linestyle() == "--"]
    assert [list(np.asarray(line.get_xdata())) for line in dashed] == [[0.25, 0.25]]
    assert "dashed red line is the gate" in plot.caption
