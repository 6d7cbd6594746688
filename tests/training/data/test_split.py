"""The split: by time, within each class, by chance."""

import numpy as np
import pandas as pd

from tests.support.plants import SpecOf, plants
from training.data.split import split

ROWS = pd.DataFrame({"day": ["2026-01-03", "2026-01-01", "2026-01-02"]})


def test_a_split_by_time_holds_out_the_latest(spec_of: SpecOf) -> None:
    parts = split(spec_of(data={"holdout": 0.34}), ROWS)
    assert ROWS["day"].iloc[parts.held_out].tolist() == ["2026-01-03"]
    assert ROWS["day"].iloc[parts.train].tolist() == ["2026-01-01", "2026-01-02"]


def test_a_stratified_split_keeps_the_shares_on_both_sides(classes_of: SpecOf) -> None:
    grades = pd.DataFrame({"grade": ["A"] * 20 + ["B"] * 80})
    parts = split(classes_of(), grades)
    assert grades["grade"].iloc[parts.held_out].value_counts().to_dict() == {"A": 4, "B": 16}


def test_a_random_split_has_every_row_once_and_follows_the_seed(spec_of: SpecOf) -> None:
    by_chance = {"split": "random", "time": ""}
    first, other = (split(spec_of(data=by_chance, search={"seed": seed}), ROWS) for seed in (1, 2))
    assert sorted([*first.train, *first.held_out]) == [0, 1, 2]
    again = split(spec_of(data=by_chance, search={"seed": 1}), ROWS)
    assert np.array_equal(again.held_out, first.held_out)
    assert not np.array_equal(first.held_out, other.held_out)


def test_one_row_at_least_is_learnt_from(spec_of: SpecOf) -> None:
    parts = split(spec_of(data={"holdout": 0.99}), plants(12))
    assert (len(parts.train), len(parts.held_out)) == (1, 11)
