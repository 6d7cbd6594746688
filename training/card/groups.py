"""The groups of `[fairness]` on the card: a table of their figures, and sentences about how far they lie apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from training.common.numbers import number, plural
from training.judge.fairness import positive_class
from training.judge.result import TrainingResult
from training.metrics.by_group import FIGURES, Figure, GroupFigures
from training.spec.fairness import Fairness

#: Of two groups that lie apart: what the model does where the column is one of them, and where it is the other.
SENTENCES = {
    "selection_rate": (
        "It answers {positive} for {high} of the rows where {column} is {largest},"
        " and for {low} where it is {least}"
    ),
    "true_positive_rate": (
        "Of rows that are truly {positive}, it finds {high} where {column} is {largest},"
        " and {low} where it is {least}"
    ),
    "false_positive_rate": (
        "Of rows that are not {positive}, it calls {high} so by mistake where {column} is {largest},"
        " and {low} where it is {least}"
    ),
    "mean_error": (
        "In the mean it answers {high} where {column} is {largest}, and {low} where it is {least}"
    ),
    "mae": (
        "It misses by {high} in the mean where {column} is {largest}, and by {low} where it is {least}"
    ),
}


class GroupTable(NamedTuple):
    """What stands around the table of figures, and each figure with its title in it."""

    subject: str
    figures: list[tuple[Figure, str]]
    sentences: list[str]
    notes: str


def about_groups(result: TrainingResult) -> GroupTable | None:
    """None where no groups were compared."""
    fairness = result.spec.fairness
    groups = result.evaluation.by_group if result.evaluation else None
    if fairness is None or groups is None:
        return None
    shown, positive = FIGURES[result.spec.task], _positive(result, fairness)
    unit = result.spec.target.unit
    sentences = [
        _sentence(groups, figure, unit, positive=positive, column=fairness.group)
        for figure in shown
        if figure.name in groups.gaps
    ]
    titles = [(figure, _title(figure, positive, unit)) for figure in shown]
    notes = " ".join(_notes(fairness, groups, len(shown)))
    return GroupTable(_subject(result, fairness), titles, sentences, notes)


def _positive(result: TrainingResult, fairness: Fairness) -> str:
    classes = result.dataset.contract.classes
    return classes[positive_class(fairness, classes)] if classes else ""


def _title(figure: Figure, positive: str, unit: str) -> str:
    title = figure.title.format(positive=positive)
    title = f"{title} ({unit})" if unit and not figure.is_share else title
    return title[0].upper() + title[1:]


def _subject(result: TrainingResult, fairness: Fairness) -> str:
    """Which rows are compared, and whether the model sees the column."""
    if result.spec.group_beside:
        seen = "The model does not see this column; it was read for the held-out rows alone"
    else:
        seen = "It is an input of the model"
    answers = ", by the answers that are served," if result.spec.task == "classification" else ""
    return f"The held-out rows are told apart by {fairness.group}{answers} with 95% bootstrap intervals. {seen}."


def _sentence(groups: GroupFigures, figure: Figure, unit: str, **words: str) -> str:
    gap, values = groups.gaps[figure.name], groups.values_of(figure.name)
    text = SENTENCES[figure.name].format(
        **words,
        least=gap.least,
        largest=gap.largest,
        low=_amount(figure, values[gap.least], unit),
        high=_amount(figure, values[gap.largest], unit),
    )
    apart = gap.difference
    if figure.is_share:
        value, low, high = apart.value * 100, apart.low * 100, apart.high * 100
        return f"{text}: {value:.1f} percentage points apart ({low:.1f} to {high:.1f})."
    ends = f"{number(apart.low)} to {number(apart.high)}"
    return f"{text}: {_with_unit(apart.value, unit)} apart ({ends})."


def _amount(figure: Figure, value: float, unit: str) -> str:
    if figure.is_share:
        return figure.shown(value)
    if figure.name == "mean_error":
        return f"{_with_unit(abs(value), unit)} too {'much' if value >= 0 else 'little'}"
    return _with_unit(value, unit)


def _with_unit(value: float, unit: str) -> str:
    return f"{number(value)} {unit}".strip()


def _notes(fairness: Fairness, figures: GroupFigures, all_figures: int) -> Iterator[str]:
    least = f"fewer than {fairness.minimum_rows} held-out rows"
    if len(figures.groups) < 2:
        yield f"No two groups have {fairness.minimum_rows} held-out rows: they cannot be compared."
    if figures.small_groups:
        verb = "is" if figures.small_groups == 1 else "are"
        yield f"{plural(figures.small_groups, 'group')} with {least} {verb} not shown."
    if any(len(group.figures) < all_figures for group in figures.groups):
        yield f"A dash stands where {least} count for a figure."
    if figures.rows_without:
        yield f"{plural(figures.rows_without, 'row')} of no group had no part in it."
    yield (
        "A difference may come of the groups, of the data or of the model; whether it is unfair, people have to judge."
    )
