"""Groups on the card: their figures with intervals, sentences in plain words, and nothing of small groups."""

from __future__ import annotations

import html
import re
from typing import Any

import numpy as np
import pytest

from tests.support.plants import ResultOf, SpecOf, plants
from training.card import page
from training.card.plots import draw
from training.judge.result import TrainingResult

SOILS = np.array(["loam", "sand"])


def words(result: TrainingResult) -> str:
    text = re.sub(r"<style>.*?</style>", "", page.render(result, []), flags=re.DOTALL)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text)))


def with_soil(rows: int = 400) -> Any:
    soil = SOILS[np.arange(rows) % 2].astype(object)
    soil[::20] = "moorland"
    soil[1::10] = None
    return plants(rows).assign(soil=soil)


@pytest.fixture(scope="module")
def classes(classes_of: SpecOf, result_of: ResultOf) -> TrainingResult:
    fairness = {"group": "soil", "minimum_rows": 8}
    return result_of(classes_of(fairness=fairness), with_soil())


def test_each_group_has_its_figures_with_intervals(classes: TrainingResult) -> None:
    assert classes.evaluation is not None and classes.evaluation.by_group is not None
    text = words(classes)
    assert "Truly B" in text and "Called B" in text and "Of those truly B, called so" in text
    for group in classes.evaluation.by_group.groups:
        interval = group.figures["selection_rate"]
        assert f"{interval.value:.1%} {interval.low:.1%} to {interval.high:.1%}" in text


def test_how_far_groups_lie_apart_is_a_sentence(classes: TrainingResult) -> None:
    text = words(classes)
    assert re.search(
        r"It answers B for \d+\.\d% of the rows where soil is (loam|sand), and for \d+\.\d% where it is"
        r" (loam|sand): \d+\.\d percentage points apart \(\d+\.\d to \d+\.\d\)\.",
        text,
    )
    assert "Of rows that are truly B, it finds" in text
    assert "Of rows that are not B, it calls" in text
    assert "The model does not see this column; it was read for the held-out rows alone." in text
    assert "whether it is unfair, people have to judge" in text


def test_a_small_group_is_counted_and_not_named(classes: TrainingResult) -> None:
    whole = page.render(classes, draw(classes))
    assert "1 group with fewer than 8 held-out rows is not shown." in whole
    assert re.search(r"\d rows of no group had no part in it", whole)
    assert "moorland" not in whole


def test_numbers_miss_by_an_amount_with_its_unit(spec_of: SpecOf, result_of: ResultOf) -> None:
    text = words(result_of(spec_of(fairness={"group": "kind", "minimum_rows": 5})))
    assert "It is an input of the model." in text
    assert re.search(
        r"In the mean it answers [\d.]+ kg too (much|little) where kind is (herb|tree), and [\d.]+ kg too"
        r" (much|little) where it is (herb|tree): [\d.]+ kg apart \([\d.]+ to [\d.]+\)\.",
        text,
    )
    assert "Predicted less true, in the mean (kg)" in text


def test_groups_of_too_few_rows_cannot_be_compared(spec_of: SpecOf, result_of: ResultOf) -> None:
    text = words(result_of(spec_of(fairness={"group": "kind", "minimum_rows": 1000})))
    assert "No two groups have 1000 held-out rows: they cannot be compared." in text
    assert "2 groups with fewer than 1000 held-out rows are not shown." in text


def test_without_the_section_no_groups_are_on_the_card(regression: TrainingResult) -> None:
    assert "How it treats groups" not in words(regression)


def test_nothing_of_a_group_becomes_markup(classes_of: SpecOf, result_of: ResultOf) -> None:
    evil = "<script>{positive}</script>"
    rows = plants(400).assign(soil=[evil, "loam"] * 200)
    fairness = {"group": "soil", "minimum_rows": 10}
    text = page.render(result_of(classes_of(fairness=fairness), rows), [])
    assert "<script" not in text and html.escape(evil) in text
