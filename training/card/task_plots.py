"""The plots of one task alone: residuals, confusion and calibration, recipes and regret."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from training.card import style
from training.judge.evaluation import Evaluation
from training.judge.result import TrainingResult
from training.metrics.classification import confusion
from training.metrics.metric import Scored, sample_rows

#: As many points as a plot can show; more only make it larger.
POINTS = 3_000
CALIBRATION_BINS = 10
#: A bin of fewer rows says nothing about calibration.
BIN_ROWS = 10
MOST_CLASSES = 12
MOST_RECIPE_PARTS = 6


class Plot(NamedTuple):
    """A figure with what a page says about it, and as an element of the page. A `wide` one takes the whole line."""

    name: str
    title: str
    caption: str
    figure: Figure
    wide: bool = False
    svg: Markup = Markup("")


def task_plots(result: TrainingResult, evaluation: Evaluation) -> list[Plot]:
    scored, classes = evaluation.scored, result.dataset.contract.classes
    if result.spec.task == "regression":
        return [_predicted(result, scored), _residuals(result, scored)]
    if result.spec.task == "classification":
        plots = [_confusion(scored, classes), _balance(result, scored)]
        return plots + ([_calibration(result, scored)] if scored.probabilities is not None else [])
    return [_profit(scored), _regret(scored), *_recipes(result)]


def _points(axes: Axes, x: NDArray[Any], y: NDArray[Any]) -> None:
    """Dots as one picture inside the plot: thousands of them as vectors would fill the page."""
    shown = sample_rows(len(x), POINTS, seed=0)
    size = 9 if len(shown) > 500 else 22
    axes.scatter(
        x[shown], y[shown], s=size, color=style.BLUE, alpha=0.4, linewidths=0, rasterized=True
    )


def _along_diagonal(
    axes: Axes, x: NDArray[Any], y: NDArray[Any], ends: tuple[float, float], label: str
) -> None:
    """Dots beside the line on which both are equal."""
    _points(axes, x, y)
    axes.plot(ends, ends, color=style.ORANGE, linewidth=1.4, label=label)
    style.legend(axes, "upper left")


def _target(result: TrainingResult) -> tuple[str, str]:
    """The predicted column, without and with its unit."""
    output = result.dataset.contract.outputs[0]
    name = style.short_name(output.name)
    return name, f"{name} ({style.short_name(output.unit, 16)})" if output.unit else name


def _name_classes(axis: Any, classes: tuple[str, ...]) -> None:
    """Along the bottom: aslant where they would run into each other."""
    names = [style.short_name(name, 20) for name in classes]
    axis.set_ticks(range(len(names)), names, rotation=60 if sum(map(len, names)) > 40 else 0)


def _predicted(result: TrainingResult, scored: Scored) -> Plot:
    name, with_unit = _target(result)
    figure, axes = style.single("Predicted and true", f"predicted {with_unit}", f"true {name}")
    both = np.concatenate([scored.truth, scored.values])
    ends = (both.min(), both.max())
    _along_diagonal(axes, scored.values, scored.truth, ends, "a perfect prediction")
    caption = "Each dot is a held-out row. The nearer to the line, the better the prediction."
    return Plot("predicted", "Predicted and true", caption, figure)


def _residuals(result: TrainingResult, scored: Scored) -> Plot:
    name, with_unit = _target(result)
    figure = style.empty()
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[3, 1])
    style.decorate(left, "Misses", f"predicted {with_unit}", f"true minus predicted {name}")
    style.decorate(right, "", "rows", "")
    misses = scored.truth - scored.values
    _points(left, scored.values, misses)
    right.hist(misses, bins=30, orientation="horizontal", color=style.BLUE, alpha=0.8)
    for axes in (left, right):
        axes.axhline(0, color=style.ORANGE, linewidth=1.4)
    caption = (
        "By how much predictions miss: above the line the truth was more, below it was less. "
        "A cloud evenly around the line has no habit that could still be learnt."
    )
    return Plot("residuals", "Misses", caption, figure)


def _confusion(scored: Scored, classes: tuple[str, ...]) -> Plot:
    table = confusion(scored, len(classes))
    share = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    figure, axes = style.single(
        "Which classes are mistaken for which", "predicted", "true", height=4.0
    )
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    _name_classes(axes.xaxis, classes)
    axes.set_yticks(range(len(classes)), [style.short_name(name, 20) for name in classes])
    axes.grid(visible=False)
    for (true, called), part in np.ndenumerate(share) if len(classes) <= MOST_CLASSES else ():
        words = f"{table[true, called]:,}\n{part:.0%}"
        # The cells keep their colours in a dark theme, so this text may not follow the page.
        color = "#ffffff" if part > 0.55 else "#0d1a2b"
        axes.text(called, true, words, ha="center", va="center", fontsize=style.SMALL, color=color)
    caption = (
        "A line is a true class: how many of its rows were predicted as what. "
        "The diagonal, from top left to bottom right, is right."
    )
    return Plot("confusion", "Confusion", caption, figure)


def _balance(result: TrainingResult, scored: Scored) -> Plot:
    classes, (_, train) = result.dataset.contract.classes, result.dataset.train
    bars = [("training rows", train, style.GREY), ("held-out rows", scored.truth, style.BLUE)]
    bars.append(("predicted for these", scored.values, style.ORANGE))
    figure, axes = style.single("How often each class occurs", "", "share of rows (%)", height=4.0)
    places = np.arange(len(classes))
    for number, (label, values, color) in enumerate(bars):
        share = np.bincount(values.astype(np.intp), minlength=len(classes)) / len(values) * 100
        axes.bar(places + (number - 1) * 0.27, share, 0.25, color=color, label=label)
    _name_classes(axes.xaxis, classes)
    axes.grid(axis="x", visible=False)
    style.legend(axes)
    caption = (
        "If the shares differ between training and held-out rows, the world moved in between; "
        "if predicted differs from held-out, the model prefers some classes."
    )
    return Plot("balance", "Class balance", caption, figure)


def _calibration(result: TrainingResult, scored: Scored) -> Plot:
    assert scored.probabilities is not None  # asked before
    classes, before = result.dataset.contract.classes, _before_calibration(result)
    title = "Can its probabilities be believed?"
    figure, axes = style.single(title, "probability given (%)", "came true (%)", height=3.8)
    axes.plot([0, 100], [0, 100], color=style.GREY, linewidth=1.2, linestyle="--")
    for code, name in enumerate(classes[: len(style.CYCLE)]):
        curve = _reliability(scored.probabilities[:, code], scored.truth == code)
        look: dict[str, Any] = {"color": style.CYCLE[code], "markersize": 4, "linewidth": 1.5}
        axes.plot(*curve, "o-", label=style.short_name(name), **look)
        if before is not None:
            former = _reliability(before[:, code], scored.truth == code)
            axes.plot(*former, ":", color=style.CYCLE[code], linewidth=1.2)
    style.legend(axes, "upper left")
    caption = (
        "Of the rows to which the model gave a class with, say, 70%, about 70% should be of it: "
        "then the line lies on the dashed diagonal. Below it, the model is too sure."
        + (" Dotted is the model before it was calibrated." if before is not None else "")
    )
    return Plot("calibration", "Calibration", caption, figure)


def _before_calibration(result: TrainingResult) -> NDArray[np.float64] | None:
    """What the model alone gave to the held-out rows, where its probabilities were calibrated."""
    if not result.spec.target.calibrate:
        return None
    odds = result.fitted.chosen.pipeline.predict_proba(result.dataset.held_out)
    return np.asarray(odds, dtype=np.float64)


def _reliability(
    probabilities: NDArray[Any], true: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean probability and share that came true, in percent, by bin with enough rows."""
    bins = np.minimum((probabilities * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    rows = np.bincount(bins, minlength=CALIBRATION_BINS)
    enough = rows >= BIN_ROWS
    sums = [np.bincount(bins, part, CALIBRATION_BINS)[enough] for part in (probabilities, true)]
    return sums[0] / rows[enough] * 100, sums[1] / rows[enough] * 100


def _profit(scored: Scored) -> Plot:
    title, best, served = "Profit of the served recipe", scored.truth[:, 0], scored.values[:, 0]
    figure, axes = style.single(title, "profit of the optimum", "profit of the served recipe")
    _along_diagonal(axes, best, served, (best.min(), best.max()), "as good as the optimum")
    caption = (
        "Each dot is a held-out context. On the line, the recipe that the model gives at once "
        "earns as much as the one that a long search found."
    )
    return Plot("profit", "Profit", caption, figure)


def _regret(scored: Scored) -> Plot:
    # Not as a share of each optimum: where next to nothing can be earned, a share says nothing.
    lost = scored.truth[:, 0] - scored.values[:, 0]
    title = "What is lost against the optimum"
    figure, axes = style.single(title, "profit lost in a context", "contexts")
    axes.hist(np.clip(lost, None, np.quantile(lost, 0.99)), bins=30, color=style.BLUE, alpha=0.8)
    middle = float(np.median(lost))
    label = f"half lose less than {middle:.2g}"
    axes.axvline(middle, color=style.ORANGE, linewidth=1.4, label=label)
    style.legend(axes)
    caption = (
        "What each held-out context loses; the worst hundredth is drawn into the last bar. "
        "Below zero, the recipe does better than what the search found."
    )
    return Plot("regret", "Regret", caption, figure)


def _recipes(result: TrainingResult) -> list[Plot]:
    """The optima's settings, by the first category of the context."""
    contract, target = result.dataset.contract, result.dataset.target
    column = next((column for column in contract.columns if column.type == "category"), None)
    if column is None or target.ndim != 2:
        return []
    codes = contract.parts_of(column.name)[0].values(result.dataset.matrix)
    parts = contract.outputs[:MOST_RECIPE_PARTS]
    lines = (len(parts) + 1) // 2
    figure = style.empty(10.4, 2.9 * lines)
    for number, output in enumerate(parts):
        axes = figure.add_subplot(lines, 2, number + 1)
        style.decorate(axes, style.short_name(output.name, 40), "", style.short_name(output.unit))
        groups = [target[codes == code, number] for code in range(len(column.categories))]
        _boxes(axes, groups)
        names = [style.short_name(name, 12) for name in column.categories]
        axes.set_xticks(range(1, len(groups) + 1), names)
        axes.grid(axis="x", visible=False)
    caption = (
        f"The best recipes found, by {column.name}: the line is the middle one, the box holds "
        "half of them, the whiskers nearly all."
    )
    return [Plot("recipes", f"Recipes by {column.name}", caption, figure, wide=True)]


def _boxes(axes: Axes, groups: list[NDArray[Any]]) -> None:
    look: dict[str, Any] = {
        "boxprops": {"facecolor": (style.BLUE, 0.55), "edgecolor": (style.BLUE, 0.55)},
        "medianprops": {"color": style.ORANGE, "linewidth": 1.8},
        "whiskerprops": {"color": style.GREY},
        "capprops": {"color": style.GREY},
    }
    axes.boxplot(groups, widths=0.55, patch_artist=True, showfliers=False, **look)
