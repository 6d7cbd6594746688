"""`[fairness]`: groups by an input, or by a column that the model never sees, and the answers as they are served."""

# pylint: disable=redefined-outer-name  # fixtures are asked for by their names
from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.support.plants import ResultOf, SpecOf, plants
from training.bundle.write import write_bundle
from training.judge.result import TrainingResult
from training.metrics.by_group import Group, GroupFigures

#: Two soils of many rows, one of few, and rows of none.
SOILS = np.array(["loam", "sandgrube", "loam", "sandgrube", None])


def with_soil() -> pd.DataFrame:
    rows = plants(400)
    soil = SOILS[np.arange(400) % 5]
    soil[[7, 81, 162, 243, 324]] = "moorland"
    return rows.assign(soil=soil)


def by_group(result: TrainingResult) -> GroupFigures:
    assert result.evaluation is not None and result.evaluation.by_group is not None
    return result.evaluation.by_group


def named(result: TrainingResult) -> dict[str, Group]:
    return {group.name: group for group in by_group(result).groups}


@pytest.fixture(scope="module")
def beside(classes_of: SpecOf, result_of: ResultOf) -> TrainingResult:
    fairness = {"group": "soil", "positive": "A", "minimum_rows": 10}
    return result_of(classes_of(fairness=fairness), with_soil())


def test_the_rates_are_those_of_the_held_out_rows(beside: TrainingResult) -> None:
    held_out, scored = beside.dataset.split.held_out, beside.evaluation.scored  # type: ignore[union-attr]
    soils = with_soil()["soil"].to_numpy()[held_out]
    assert set(named(beside)) == {"loam", "sandgrube"}
    for name, group in named(beside).items():
        rows = soils == name
        assert group.rows == rows.sum()
        # Of the classes A and B, A is the first.
        assert group.figures["selection_rate"].value == np.mean(scored.values[rows] == 0)
    assert by_group(beside).rows_without == sum(soil is None for soil in soils)


def test_a_column_that_is_no_input_is_kept_of_held_out_rows_alone(beside: TrainingResult) -> None:
    dataset = beside.dataset
    assert dataset.groups is not None and len(dataset.groups) == len(dataset.split.held_out)
    assert "soil" not in dataset.frame and "soil" not in dataset.contract.names
    assert dataset.matrix.shape[1] == 4


def test_a_bundle_has_none_of_its_values_but_in_the_gates_and_on_the_card(
    beside: TrainingResult, tmp_path: Path
) -> None:
    folder = write_bundle(beside, "a card", tmp_path / "bundle")
    for file in folder.iterdir():
        content = file.read_bytes()
        assert b"sandgrube" not in content and b"moorland" not in content, file.name


def test_an_input_is_a_group_by_its_values(spec_of: SpecOf, result_of: ResultOf) -> None:
    fairness = {"group": "kind", "minimum_rows": 5}
    result = result_of(spec_of(columns={"kind": {"sensitive": True}}, fairness=fairness))
    scored = result.evaluation.scored  # type: ignore[union-attr]
    kinds = result.dataset.held_out_frame()["kind"].to_numpy()
    assert set(named(result)) == {"herb", "tree"}
    for name, group in named(result).items():
        misses = (scored.values - scored.truth)[kinds == name]
        assert group.figures["mean_error"].value == pytest.approx(misses.mean())
        assert group.figures["mae"].value == pytest.approx(np.abs(misses).mean())


def test_texts_that_are_no_category_are_a_group_of_their_own(
    spec_of: SpecOf, result_of: ResultOf
) -> None:
    rows = plants(400)
    rows.loc[rows.index % 4 == 0, "kind"] = "moss"
    fairness = {"group": "kind", "minimum_rows": 5}
    result = result_of(spec_of(columns={"kind": {"unknown": "other"}}, fairness=fairness), rows)
    assert set(named(result)) == {"herb", "tree", "(other)"}


@pytest.mark.parametrize("group", ["light", "height"])
def test_numbers_are_grouped_in_quarters_without_their_ends(
    spec_of: SpecOf, result_of: ResultOf, group: str
) -> None:
    rows = plants()
    result = result_of(
        spec_of(fairness={"group": group, "minimum_rows": 10}), rows.assign(height=rows["light"])
    )
    names = list(named(result))
    assert len(names) == 4 and [figures.rows for figures in named(result).values()] == [15] * 4
    assert names[0].startswith("below ") and names[3].endswith(" or more")
    values = result.dataset.held_out_frame()["light"]
    assert f"{values.max():g}" not in " ".join(names)


def test_the_served_threshold_decides_who_is_selected(
    classes_of: SpecOf, result_of: ResultOf
) -> None:
    def selected(at: float) -> float:
        spec = classes_of(
            target={"threshold": {"at": at}}, fairness={"group": "kind", "minimum_rows": 5}
        )
        return sum(
            group.figures["selection_rate"].value for group in by_group(result_of(spec)).groups
        )

    assert selected(0.05) > selected(0.5) > selected(0.95)
