"""What only one task's plots show: residuals, confusion and calibration, recipes and regret."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from training.card import style
from training.judge.evaluation import Evaluation
from training.judge.result import Facts
from training.metrics.tasks import Scored

#: As many points as a plot can show; more only make it larger.
POINTS = 3_000
CALIBRATION_BINS = 10
#: A bin of fewer rows says nothing about calibration.
BIN_ROWS = 10
MOST_CLASSES = 12
MOST_RECIPE_PARTS = 6


class Plot(NamedTuple):
    """A figure with what a page says about it. A `wide` one takes the whole line."""

    name: str
    title: str
    caption: str
    figure: Figure
    wide: bool = False


def plots(facts: Facts, evaluation: Evaluation) -> list[Plot]:
    scored = evaluation.scored
    if facts.spec.task == "regression":
        return [_predicted(facts, scored), _residuals(facts, scored)]
    if facts.spec.task == "classification":
        classes = facts.dataset.contract.classes
        drawn = [_confusion(scored, classes), _balance(facts, scored)]
        return drawn + ([_calibration(scored, classes)] if scored.probabilities is not None else [])
    return [_profit(scored), _regret(scored), *_recipes(facts)]


def _some(rows: int) -> NDArray[np.intp]:
    """At most POINTS row numbers, the same ones each time."""
    return np.sort(np.random.default_rng(0).permutation(rows)[:POINTS])


def _points(drawn: Any, x: NDArray[Any], y: NDArray[Any], color: str = style.BLUE) -> None:
    """Dots as one picture inside the plot: thousands of them as vectors would fill the page."""
    size = 9 if len(x) > 500 else 22
    drawn.scatter(x, y, s=size, color=color, alpha=0.4, linewidths=0, rasterized=True)


def _measured(facts: Facts) -> tuple[str, str]:
    """The predicted column, without and with its unit."""
    output = facts.dataset.contract.outputs[0]
    name = style.short_name(output.name)
    return name, f"{name} ({style.short_name(output.unit, 16)})" if output.unit else name


def _name_classes(axis: Any, classes: tuple[str, ...]) -> None:
    """Along the bottom: aslant where they would run into each other."""
    names = [style.short_name(name, 20) for name in classes]
    axis.set_ticks(range(len(names)), names, rotation=60 if sum(map(len, names)) > 40 else 0)


def _predicted(facts: Facts, scored: Scored) -> Plot:
    name, labelled = _measured(facts)
    made = style.figure()
    drawn = style.axes(made, "Predicted and true", f"predicted {labelled}", f"true {name}")
    chosen = _some(len(scored.truth))
    truth, values = scored.truth[chosen], scored.values[chosen]
    _points(drawn, values, truth)
    ends = [min(truth.min(), values.min()), max(truth.max(), values.max())]
    drawn.plot(ends, ends, color=style.ORANGE, linewidth=1.4, label="a perfect prediction")
    style.legend(drawn, "upper left")
    caption = "Each dot is a held-out row. The nearer to the line, the better the prediction."
    return Plot("predicted", "Predicted and true", caption, made)


def _residuals(facts: Facts, scored: Scored) -> Plot:
    name, labelled = _measured(facts)
    made = style.figure()
    left, right = made.subplots(1, 2, sharey=True, width_ratios=[3, 1])
    style.decorate(left, "Misses", f"predicted {labelled}", f"true minus predicted {name}")
    style.decorate(right, "", "rows", "")
    misses = scored.truth - scored.values
    chosen = _some(len(misses))
    _points(left, scored.values[chosen], misses[chosen])
    left.axhline(0, color=style.ORANGE, linewidth=1.4)
    right.hist(misses, bins=30, orientation="horizontal", color=style.BLUE, alpha=0.8)
    right.axhline(0, color=style.ORANGE, linewidth=1.4)
    caption = (
        "By how much predictions miss: above the line the truth was more, below it was less. "
        "A cloud evenly around the line has no habit that could still be learnt."
    )
    return Plot("residuals", "Misses", caption, made)


def _counts(scored: Scored, size: int) -> NDArray[np.intp]:
    """Rows by true class, then by predicted class."""
    flat = scored.truth.astype(np.intp) * size + scored.values.astype(np.intp)
    return np.bincount(flat, minlength=size * size).reshape(size, size)


def _confusion(scored: Scored, classes: tuple[str, ...]) -> Plot:
    table = _counts(scored, len(classes))
    share = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    made = style.figure(5.0, 4.0)
    drawn = style.axes(made, "Which classes are mistaken for which", "predicted", "true")
    drawn.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    _name_classes(drawn.xaxis, classes)
    drawn.set_yticks(range(len(classes)), [style.short_name(name, 20) for name in classes])
    drawn.grid(visible=False)
    for (true, called), part in np.ndenumerate(share) if len(classes) <= MOST_CLASSES else ():
        words = f"{table[true, called]:,}\n{part:.0%}"
        # The cells keep their colours in a dark theme, so this text may not follow the page.
        color = "#ffffff" if part > 0.55 else "#0d1a2b"
        drawn.text(called, true, words, ha="center", va="center", fontsize=style.SMALL, color=color)
    caption = (
        "A line is a true class: how many of its rows were predicted as what. "
        "The diagonal, from top left to bottom right, is right."
    )
    return Plot("confusion", "Confusion", caption, made)


def _balance(facts: Facts, scored: Scored) -> Plot:
    classes = facts.dataset.contract.classes
    train = facts.dataset.target[facts.dataset.split.train]
    bars = [("training rows", train, style.GREY), ("held-out rows", scored.truth, style.BLUE)]
    bars.append(("predicted for these", scored.values, style.ORANGE))
    made = style.figure(5.0, 4.0)
    drawn = style.axes(made, "How often each class occurs", "", "share of rows (%)")
    places = np.arange(len(classes))
    for number, (label, values, color) in enumerate(bars):
        share = np.bincount(values.astype(np.intp), minlength=len(classes)) / len(values) * 100
        drawn.bar(places + (number - 1) * 0.27, share, 0.25, color=color, label=label)
    _name_classes(drawn.xaxis, classes)
    drawn.grid(axis="x", visible=False)
    style.legend(drawn)
    caption = (
        "If the shares differ between training and held-out rows, the world moved in between; "
        "if predicted differs from held-out, the model prefers some classes."
    )
    return Plot("balance", "Class balance", caption, made)


def _calibration(scored: Scored, classes: tuple[str, ...]) -> Plot:
    assert scored.probabilities is not None  # asked before
    made = style.figure(5.0, 3.8)
    drawn = style.axes(
        made, "Can its probabilities be believed?", "probability given (%)", "came true (%)"
    )
    drawn.plot([0, 100], [0, 100], color=style.GREY, linewidth=1.2, linestyle="--")
    for number, label in enumerate(classes[: len(style.CYCLE)]):
        given, true = _reliability(scored.probabilities[:, number], scored.truth == number)
        drawn.plot(
            given,
            true,
            "o-",
            color=style.CYCLE[number],
            markersize=4,
            linewidth=1.5,
            label=style.short_name(label),
        )
    style.legend(drawn, "upper left")
    caption = (
        "Of the rows to which the model gave a class with, say, 70%, about 70% should be of it: "
        "then the line lies on the dashed diagonal. Below it, the model is too sure."
    )
    return Plot("calibration", "Calibration", caption, made)


def _reliability(
    given: NDArray[Any], true: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean probability given and share that came true, in percent, by bin with enough rows."""
    bins = np.minimum((given * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    rows = np.bincount(bins, minlength=CALIBRATION_BINS)
    enough = rows >= BIN_ROWS
    sums = [np.bincount(bins, part, CALIBRATION_BINS)[enough] for part in (given, true)]
    return sums[0] / rows[enough] * 100, sums[1] / rows[enough] * 100


def _profit(scored: Scored) -> Plot:
    made = style.figure()
    drawn = style.axes(
        made, "Profit of the served recipe", "profit of the optimum", "profit of the served recipe"
    )
    best, served = scored.truth[:, 0], scored.values[:, 0]
    chosen = _some(len(best))
    _points(drawn, best[chosen], served[chosen])
    ends = [best.min(), best.max()]
    drawn.plot(ends, ends, color=style.ORANGE, linewidth=1.4, label="as good as the optimum")
    style.legend(drawn, "upper left")
    caption = (
        "Each dot is a held-out context. On the line, the recipe that the model gives at once "
        "earns as much as the one that a long search found."
    )
    return Plot("profit", "Profit", caption, made)


def _regret(scored: Scored) -> Plot:
    # Not as a share of each optimum: where next to nothing can be earned, a share says nothing.
    lost = scored.truth[:, 0] - scored.values[:, 0]
    made = style.figure()
    drawn = style.axes(
        made, "What is lost against the optimum", "profit lost in a context", "contexts"
    )
    drawn.hist(np.clip(lost, None, np.quantile(lost, 0.99)), bins=30, color=style.BLUE, alpha=0.8)
    middle = float(np.median(lost))
    drawn.axvline(
        middle, color=style.ORANGE, linewidth=1.4, label=f"half lose less than {middle:.2g}"
    )
    style.legend(drawn)
    caption = (
        "What each held-out context loses; the worst hundredth is drawn into the last bar. "
        "Below zero, the recipe does better than what the search found."
    )
    return Plot("regret", "Regret", caption, made)


def _recipes(facts: Facts) -> list[Plot]:
    """What the optima look like, by the first category of the context."""
    contract, target = facts.dataset.contract, facts.dataset.target
    column = next((one for one in contract.columns if one.type == "category"), None)
    if column is None or target.ndim != 2:
        return []
    codes = facts.dataset.matrix[:, contract.names.index(column.name)]
    parts = contract.outputs[:MOST_RECIPE_PARTS]
    made = style.figure(10.4, 2.9 * ((len(parts) + 1) // 2))
    for number, output in enumerate(parts):
        drawn = made.add_subplot((len(parts) + 1) // 2, 2, number + 1)
        style.decorate(drawn, style.short_name(output.name, 40), "", style.short_name(output.unit))
        groups = [target[codes == code, number] for code in range(len(column.categories))]
        boxes = drawn.boxplot(groups, widths=0.55, patch_artist=True, showfliers=False)
        for box in boxes["boxes"]:
            box.set(facecolor=style.BLUE, alpha=0.55, edgecolor=style.BLUE)
        for line in boxes["medians"]:
            line.set(color=style.ORANGE, linewidth=1.8)
        for line in boxes["whiskers"] + boxes["caps"]:
            line.set(color=style.GREY)
        names = [style.short_name(name, 12) for name in column.categories]
        drawn.set_xticks(range(1, len(groups) + 1), names)
        drawn.grid(axis="x", visible=False)
    caption = (
        f"The best recipes found, by {column.name}: the line is the middle one, the box holds "
        "half of them, the whiskers nearly all."
    )
    return [Plot("recipes", f"Recipes by {column.name}", caption, made, wide=True)]
