"""The plots of one training: what was tried, importance, slices, and those of its task."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from markupsafe import Markup, escape

from training.card import style
from training.card.task_plots import Plot, task_plots
from training.judge.evaluation import Evaluation, Slice
from training.judge.result import TrainingResult

#: More bars than these are not read by anyone.
MOST_BARS = 15
MOST_SLICES = 24


def draw(result: TrainingResult) -> list[Plot]:
    """All that the result has enough for, small ones first; a step that was left out draws nothing."""
    plots = [*_of_evaluation(result), *_search(result)]
    if result.evaluation is not None and result.evaluation.slices:
        # Two small ones share a line: the slices fill the gap, or take a line of their own.
        gap = sum(not plot.wide for plot in plots) % 2 == 1
        plots.append(_slices(result, result.evaluation, wide=not gap))
    return [_embedded(plot) for plot in sorted(plots, key=lambda plot: plot.wide)]


def _embedded(plot: Plot) -> Plot:
    # Text inside is escaped by matplotlib; the label is escaped here.
    element = style.svg(style.literal(plot.figure), plot.name, str(escape(plot.title)))
    return plot._replace(svg=Markup(element))  # nosec B704


def _of_evaluation(result: TrainingResult) -> Iterator[Plot]:
    evaluation = result.evaluation
    if evaluation is None:
        return
    yield from task_plots(result, evaluation)
    if evaluation.importance:
        yield _importance(result, evaluation)


def _slices(result: TrainingResult, evaluation: Evaluation, wide: bool) -> Plot:
    deciding, shown = result.spec.deciding, evaluation.slices[:MOST_SLICES]
    title, size = "How good it is, part by part", (10.4 if wide else 5.0, 1.4 + 0.26 * len(shown))
    figure, axes = style.single(title, deciding.short_title, "", *size)
    whole = evaluation.metrics[deciding.name]
    axes.axvspan(whole.low, whole.high, color=style.GREY, alpha=0.2, linewidth=0)
    axes.axvline(whole.value, color=style.GREY, linewidth=1.2)
    for place, part in enumerate(shown):
        measured = part.metrics[deciding.name]
        axes.plot([measured.low, measured.high], [place, place], color=style.BLUE, linewidth=2)
        axes.plot(measured.value, place, "o", color=style.BLUE, markersize=5)
    bound = result.spec.gates.slices.get(deciding.name)
    for value in (bound.min, bound.max) if bound else ():
        if value is not None:
            axes.axvline(value, color=style.RED, linestyle="--", linewidth=1.2)
    axes.set_yticks(range(len(shown)), [_slice_name(part) for part in shown])
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    caption = (
        "A dot is the figure for one part of the held-out rows, with its 95% interval: "
        "a long line means few rows. Grey is the whole"
        + ("; the dashed red line is the gate." if bound else ".")
    )
    return Plot("slices", "By part", caption, figure, wide)


def _slice_name(part: Slice) -> str:
    return f"{style.short_name(f'{part.column}: {part.value}', 26)} ({part.rows:,})"


def _height(result: TrainingResult) -> float:
    """One height for the two plots that stand side by side."""
    columns = min(len(result.dataset.contract.columns), MOST_BARS)
    return 1.2 + max(0.24 * columns, 0.36 * len(result.fitted.search.ranking))


def _importance(result: TrainingResult, evaluation: Evaluation) -> Plot:
    shown = evaluation.importance[:MOST_BARS]
    label = f"{result.spec.deciding.short_title}: worse by, when shuffled"
    figure, axes = style.single("What the model goes by", label, "", height=_height(result))
    axes.barh(
        range(len(shown)),
        [part.mean for part in shown],
        xerr=[part.spread for part in shown],
        color=style.BLUE,
        height=0.62,
        error_kw={"ecolor": style.INK, "elinewidth": 1},
    )
    axes.set_yticks(range(len(shown)), [style.short_name(part.column, 24) for part in shown])
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    caption = (
        "How much worse the model gets when one column is shuffled among the rows. "
        "It shows what the model uses, not what causes what."
    )
    return Plot("importance", "Importance", caption, figure)


def _search(result: TrainingResult) -> Iterator[Plot]:
    """One dot a trial, on a line for its candidate, best candidate on top."""
    trials, chosen = result.fitted.search.trials, result.fitted.chosen.candidate
    if not trials:
        return
    ranking = result.fitted.search.ranking
    names = [best.candidate for best in ranking]
    label = "score in cross-validation (right is better)"
    figure, axes = style.single("What was tried", label, "", height=_height(result))
    for place, (name, best) in enumerate(zip(names, ranking, strict=True)):
        # Scores of fewer rows are another measure.
        alike = [trial for trial in trials if (trial.candidate, trial.rows) == (name, best.rows)]
        scores = np.array([trial.score for trial in alike])
        color = style.ORANGE if name == chosen else style.BLUE
        axes.plot(scores, np.full(len(scores), place), "o", color=color, alpha=0.65, markersize=6)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    caption = (
        f"Each dot is one setting of a candidate, scored on training rows it was not fitted to. "
        f"Orange is what was chosen: {chosen}."
    )
    yield Plot("search", "Search", caption, figure)
