"""The plots: which ones there are, and what may go into them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot

from training.card import plots, style, task_plots
from training.card.task_plots import Plot
from training.judge.result import Facts
from training.metrics.tasks import Scored

FactsOf = Callable[..., Facts]


def drawn(plot: Plot) -> str:
    return style.svg(plot.figure, plot.name, plot.title)


def named(facts: Facts, name: str) -> Plot:
    return next(plot for plot in plots.plots(facts) if plot.name == name)


@pytest.mark.parametrize(
    ("task", "names"),
    [
        ("regression", {"predicted", "residuals", "slices", "importance", "search"}),
        (
            "classification",
            {"confusion", "balance", "calibration", "slices", "importance", "search"},
        ),
        ("optimization", {"profit", "regret", "recipes", "search"}),
    ],
)
def test_each_task_has_its_plots(
    task: str, names: set[str], request: pytest.FixtureRequest
) -> None:
    assert set(plots.figures(request.getfixturevalue(task))) == names


def test_without_an_evaluation_only_the_search_is_drawn(regression: Facts) -> None:
    assert set(plots.figures(regression._replace(evaluation=None))) == {"search"}


def test_without_trials_no_search_is_drawn(regression: Facts) -> None:
    searched = regression.searched._replace(trials=())
    assert "search" not in plots.figures(regression._replace(searched=searched))


def test_wide_plots_come_last_and_the_others_in_pairs(
    regression: Facts, classification: Facts
) -> None:
    for facts in (regression, classification):
        wide = [plot.wide for plot in plots.plots(facts)]
        assert wide == sorted(wide)
        assert wide.count(False) % 2 == 0


def test_drawing_leaves_the_process_as_it_was(regression: Facts) -> None:
    before, backend = dict(matplotlib.rcParams), matplotlib.get_backend()
    for plot in plots.plots(regression):
        drawn(plot)
    assert dict(matplotlib.rcParams) == before
    assert matplotlib.get_backend() == backend
    assert pyplot.get_fignums() == []


def test_the_same_facts_are_drawn_the_same(classification: Facts) -> None:
    twice = [[drawn(plot) for plot in plots.plots(classification)] for _ in range(2)]
    assert twice[0] == twice[1]


def test_plots_of_one_page_share_no_id(regression: Facts) -> None:
    ids = [
        part.split('"')[0]
        for plot in plots.plots(regression)
        for part in drawn(plot).split(' id="')[1:]
    ]
    assert ids
    assert len(ids) == len(set(ids))


def test_a_plot_takes_the_colour_of_its_page(regression: Facts) -> None:
    page = drawn(named(regression, "importance"))
    assert "currentColor" in page
    assert style.INK not in page


def test_words_of_the_data_are_neither_markup_nor_formulas(
    classes_of: Callable[..., Any], facts_of: FactsOf, frame: pd.DataFrame
) -> None:
    names = ["<script>$a_b$", "$"]
    spec = classes_of(target={"classes": names})
    facts = facts_of(spec, frame.assign(grade=frame["grade"].map(dict(zip("AB", names)))))
    page = drawn(named(facts, "confusion"))
    assert "&lt;script&gt;$a_b$" in page
    assert "<script>" not in page


def test_many_rows_are_thinned_to_what_a_plot_can_show(regression: Facts) -> None:
    truth = np.random.default_rng(1).normal(size=100_000)
    assert regression.evaluation is not None
    evaluation = regression.evaluation._replace(scored=Scored(truth, truth * 0.9))
    for plot in task_plots.plots(regression, evaluation):
        assert len(drawn(plot)) < 150_000


def test_calibration_is_on_the_diagonal_where_probabilities_are_true(
    classification: Facts,
) -> None:
    given = np.repeat([0.25, 0.75], 1000)
    true = np.arange(2000) % 4 < np.repeat([1, 3], 1000)
    scored = Scored(
        true.astype(int), (given > 0.5).astype(int), np.column_stack([1 - given, given])
    )
    assert classification.evaluation is not None
    evaluation = classification.evaluation._replace(scored=scored)
    found = {plot.name: plot for plot in task_plots.plots(classification, evaluation)}
    lines = found["calibration"].figure.axes[0].get_lines()
    given, came_true = (np.asarray(part) for part in lines[1].get_data())
    assert list(given) == list(came_true) == [25.0, 75.0]


def test_the_gate_stands_in_the_plot_of_the_slices(
    spec_of: Callable[..., Any], facts_of: FactsOf
) -> None:
    facts = facts_of(spec_of(gates={"slices": {"r2": {"min": 0.25}}}))
    plot = named(facts, "slices")
    dashed = [line for line in plot.figure.axes[0].get_lines() if line.get_linestyle() == "--"]
    assert [list(np.asarray(line.get_xdata())) for line in dashed] == [[0.25, 0.25]]
    assert "dashed red line is the gate" in plot.caption
