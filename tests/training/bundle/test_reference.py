"""The reference: what windows are compared with, from all rows, and no sensitive value."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest

from service.bundle.reference import (
    REFERENCE,
    Calibration,
    CategoryProfile,
    NumberProfile,
    Reference,
    read_reference,
)
from service.bundle.rows.encoder import Encoder
from tests.support.plants import ResultOf, SpecOf, plants
from training.bundle.reference import SAMPLE_ROWS, make_reference
from training.judge.result import TrainingResult
from training.metrics.effects import LEVELS, number_effect


def reference_of(result: TrainingResult) -> Reference:
    assert result.fitted.compiled is not None
    return make_reference(result, result.fitted.compiled.engine, Calibration())


def number(profile: object) -> NumberProfile:
    assert isinstance(profile, NumberProfile)
    return profile


def category(profile: object) -> CategoryProfile:
    assert isinstance(profile, CategoryProfile)
    return profile


def test_columns_are_of_all_rows_whichever_part_they_were_in(regression: TrainingResult) -> None:
    """The newest are held out by a split in time: without them a fresh window drifts on its first day."""
    columns, frame = reference_of(regression).columns, regression.dataset.frame
    light = number(columns["light"])
    assert light.rows == len(frame) > len(regression.dataset.split.train)
    assert light.quantiles[-1] == pytest.approx(frame["light"].max(), rel=1e-6)
    assert len(light.quantiles) == len(LEVELS)
    assert light.histogram is not None and sum(light.histogram.counts) == len(frame)
    assert category(columns["kind"]).counts == frame["kind"].value_counts().to_dict()
    watered = int(frame["watered"].sum())
    counts = {"false": len(frame) - watered, "true": watered}
    assert category(columns["watered"]).counts == counts


def test_every_column_says_what_chance_makes(regression: TrainingResult) -> None:
    columns = reference_of(regression).columns
    for profile in columns.values():
        assert profile.noise is not None and profile.noise.rows == 500
        assert 0 < profile.noise.mean < 0.1


def test_nulls_are_counted_and_stay_where_they_are(spec_of: SpecOf, result_of: ResultOf) -> None:
    rows = plants()
    rows.loc[::3, "leaves"] = np.nan
    result = result_of(spec_of(), rows)
    reference = reference_of(result)
    leaves = number(reference.columns["leaves"])
    assert (leaves.rows, leaves.nulls) == (300, 100)
    assert not np.isnan(leaves.quantiles).any()
    assert np.isnan(reference.matrix[:, 2]).sum() == 100


def test_a_column_of_nulls_has_no_distribution(spec_of: SpecOf, result_of: ResultOf) -> None:
    rows = plants()
    rows["leaves"] = np.nan
    leaves = number(reference_of(result_of(spec_of(), rows)).columns["leaves"])
    assert (leaves.nulls, leaves.quantiles, leaves.noise) == (300, (), None)


def test_the_sample_has_whole_rows_of_the_data(regression: TrainingResult) -> None:
    reference, dataset = reference_of(regression), regression.dataset
    assert len(reference.sample) == min(SAMPLE_ROWS, len(dataset.matrix))
    assert reference.matrix.tolist() == dataset.matrix.tolist()


def test_a_large_sample_is_drawn_by_chance_and_the_same_again(
    regression: TrainingResult,
) -> None:
    matrix = np.tile(regression.dataset.matrix, (10, 1))
    matrix[:, 1] = np.arange(len(matrix))
    result = regression._replace(dataset=regression.dataset._replace(matrix=matrix))
    first, again = reference_of(result), reference_of(result)
    assert first == again and len(first.sample) == SAMPLE_ROWS
    ramp = number(first.columns["light"])
    assert number_effect(first.matrix[:, 1], np.array(ramp.quantiles), ramp.std) < 0.1


def test_predictions_are_of_all_held_out_rows(
    regression: TrainingResult, classification: TrainingResult
) -> None:
    held_out = len(regression.dataset.split.held_out)
    weight = number(reference_of(regression).predictions["weight"])
    assert weight.rows == held_out and weight.noise is not None
    grades = reference_of(classification)
    assert sum(category(grades.predictions["grade"]).counts.values()) == held_out
    assert list(category(grades.predictions["grade"]).counts) == ["A", "B"]
    assert grades.probability is not None and sum(grades.probability.counts) == held_out
    assert (grades.probability.edges[0], grades.probability.edges[-1]) == (0.0, 1.0)
    # Of two classes, the predicted one has at least half.
    assert sum(grades.probability.counts[:10]) == 0


def test_each_output_of_a_recipe_has_a_profile(optimization: TrainingResult) -> None:
    reference = reference_of(optimization)
    assert reference.predictions.keys() == optimization.spec.recipe.keys()
    assert reference.probability is None and not reference.seasons


def test_what_a_model_answers_may_have_a_season(spec_of: SpecOf, result_of: ResultOf) -> None:
    """Held-out rows of a split in time are of one season: without its own, each other one is an alarm."""
    rows = plants(9_000)
    rows["day"] = pd.Timestamp("2023-01-01") + pd.to_timedelta(np.arange(9_000) / 12, "D")
    month = rows["day"].dt.month.to_numpy()
    bright = rows["light"].rank(pct=True).to_numpy() * 5 + 5 * (abs(month - 6.5) < 3)
    rows["light"], rows["weight"] = bright, bright + rows["weight"] * 0.3
    seasons = {season.bucket: season for season in reference_of(result_of(spec_of(), rows)).seasons}
    assert len(seasons) == 12
    july, january = (number(seasons[name].columns["weight"]) for name in ("07", "01"))
    assert july.rows == (month == 7).sum() and july.mean > january.mean + 3
    assert seasons["07"].columns.keys() == {"light", "weight"}


def test_importance_is_what_the_judgement_measured(regression: TrainingResult) -> None:
    importance = reference_of(regression).importance
    assert importance.keys() == set(regression.dataset.contract.names)
    assert max(importance, key=lambda name: importance[name]) == "light"
    assert not reference_of(regression._replace(evaluation=None)).importance


def test_of_a_sensitive_column_there_is_nothing(spec_of: SpecOf, result_of: ResultOf) -> None:
    sensitive = {"light": {"sensitive": True, "example": 4.5}, "kind": {"sensitive": True}}
    reference = reference_of(result_of(spec_of(columns=sensitive)))
    assert reference.columns.keys() == {"leaves", "watered"}
    assert np.isnan(reference.matrix[:, :2]).all() and not np.isnan(reference.matrix[:, 2:]).any()


def test_rows_from_the_journal_are_encoded_as_the_sample_is(
    regression: TrainingResult, tmp_path: Path
) -> None:
    """What was written and read is what the encoder makes of the same rows."""
    (tmp_path / REFERENCE).write_bytes(msgspec.json.encode(reference_of(regression)))
    reference = read_reference(tmp_path)
    assert reference is not None
    names = regression.dataset.contract.names
    rows = regression.dataset.frame[list(names)].to_dict("records")
    encoded = Encoder(regression.dataset.contract).encode_rows(rows)
    assert reference.matrix.tolist() == encoded.tolist()
