"""The plots of one training: those of every task here, the others in `plots_by_task`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.figure import Figure

from training.card import style, task_plots
from training.card.task_plots import Plot
from training.judge.evaluation import Evaluation, Slice
from training.judge.result import Facts
from training.metrics.tasks import METRICS, Metric, metric

#: More bars than these are not read by anyone.
MOST_BARS = 15
MOST_SLICES = 24


def figures(facts: Facts) -> dict[str, Figure]:
    """The figures by name, as they are logged beside the run."""
    return {plot.name: plot.figure for plot in plots(facts)}


def plots(facts: Facts) -> list[Plot]:
    """All that the facts have enough for; a step that was skipped draws nothing."""
    small_first = sorted([*_of_evaluation(facts), *_search(facts)], key=lambda plot: plot.wide)
    if facts.evaluation is not None and facts.evaluation.slices:
        # Two small ones share a line: the slices fill the gap, or take a line of their own.
        gap = sum(not plot.wide for plot in small_first) % 2 == 1
        small_first.append(_slices(facts, facts.evaluation, wide=not gap))
    drawn = sorted(small_first, key=lambda plot: plot.wide)
    return [plot._replace(figure=style.literal(plot.figure)) for plot in drawn]


def deciding(facts: Facts) -> Metric:
    """The metric that the model is foremost judged by."""
    task = facts.spec.task
    return METRICS[task][0] if task == "optimization" else metric(task, facts.spec.scoring)


def short(judged: Metric) -> str:
    """A metric's title without what explains it."""
    return judged.title.partition(":")[0]


def _of_evaluation(facts: Facts) -> Iterator[Plot]:
    evaluation = facts.evaluation
    if evaluation is None:
        return
    yield from task_plots.plots(facts, evaluation)
    if evaluation.importance:
        yield _importance(facts, evaluation)


def _slices(facts: Facts, evaluation: Evaluation, wide: bool) -> Plot:
    judged = deciding(facts)
    shown = evaluation.slices[:MOST_SLICES]
    made = style.figure(10.4 if wide else 5.0, 1.4 + 0.26 * len(shown))
    drawn = style.axes(made, "How good it is, part by part", short(judged), "")
    whole = evaluation.metrics[judged.name]
    drawn.axvspan(whole.low, whole.high, color=style.GREY, alpha=0.2, linewidth=0)
    drawn.axvline(whole.value, color=style.GREY, linewidth=1.2)
    for place, part in enumerate(shown):
        found = part.metrics[judged.name]
        drawn.plot([found.low, found.high], [place, place], color=style.BLUE, linewidth=2)
        drawn.plot(found.value, place, "o", color=style.BLUE, markersize=5)
    bound = facts.spec.gates.slices.get(judged.name)
    for value in (bound.min, bound.max) if bound else ():
        if value is not None:
            drawn.axvline(value, color=style.RED, linestyle="--", linewidth=1.2)
    drawn.set_yticks(range(len(shown)), [_slice_name(part) for part in shown])
    drawn.set_ylim(len(shown) - 0.4, -0.6)
    drawn.grid(axis="y", visible=False)
    caption = (
        "A dot is the figure for one part of the held-out rows, with its 95% interval: "
        "a long line means few rows. Grey is the whole"
        + ("; the dashed red line is the gate." if bound else ".")
    )
    return Plot("slices", "By part", caption, made, wide)


def _slice_name(part: Slice) -> str:
    return f"{style.short_name(f'{part.column}: {part.value}', 26)} ({part.rows:,})"


def _height(facts: Facts) -> float:
    """One height for the two plots that stand side by side."""
    columns = min(len(facts.dataset.contract.columns), MOST_BARS)
    return 1.2 + max(0.24 * columns, 0.36 * len(facts.searched.ranking))


def _importance(facts: Facts, evaluation: Evaluation) -> Plot:
    shown = evaluation.importance[:MOST_BARS]
    made = style.figure(5.0, _height(facts))
    judged = short(deciding(facts))
    drawn = style.axes(made, "What the model goes by", f"{judged}: worse by, when shuffled", "")
    drawn.barh(
        range(len(shown)),
        [part.mean for part in shown],
        xerr=[part.spread for part in shown],
        color=style.BLUE,
        height=0.62,
        error_kw={"ecolor": style.INK, "elinewidth": 1},
    )
    drawn.set_yticks(range(len(shown)), [style.short_name(part.column, 24) for part in shown])
    drawn.invert_yaxis()
    drawn.grid(axis="y", visible=False)
    caption = (
        "How much worse the model gets when one column is shuffled among the rows. "
        "It shows what the model uses, not what causes what."
    )
    return Plot("importance", "Importance", caption, made)


def _search(facts: Facts) -> Iterator[Plot]:
    """One dot a trial, on a line for its candidate, best candidate on top."""
    trials = facts.searched.trials
    if not trials:
        return
    names = [found.candidate for found in facts.searched.ranking]
    made = style.figure(5.0, _height(facts))
    drawn = style.axes(made, "What was tried", "score in cross-validation (right is better)", "")
    for place, name in enumerate(names):
        scores = np.array([trial.score for trial in trials if trial.candidate == name])
        color = style.ORANGE if name == facts.chosen.candidate else style.BLUE
        drawn.plot(scores, np.full(len(scores), place), "o", color=color, alpha=0.65, markersize=6)
    drawn.set_yticks(range(len(names)), names)
    drawn.set_ylim(len(names) - 0.5, -0.5)
    caption = (
        f"Each dot is one setting of a candidate, scored on training rows it was not fitted to. "
        f"Orange is what was chosen: {facts.chosen.candidate}."
    )
    yield Plot("search", "Search", caption, made)
