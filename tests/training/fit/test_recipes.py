"""Optimization: contexts, optima, and what copying them costs."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from service.bundle.engines import Answer
from tests.support.plants import BEST_LIGHT, optima_of, plants, profit_of, recipe_spec
from training.data import dataset
from training.fit import recipes
from training.judge.result import TrainingResult
from training.spec.values import Spec


def spec_of(generations: int = 60, **light: Any) -> Spec:
    goal = {"contexts": 20, "generations": generations}
    return recipe_spec(objective=goal, recipe={"light": light})


def optima(spec: Spec) -> pd.DataFrame:
    contexts = recipes.sample_contexts(spec, plants())
    return recipes.search_optima(spec, profit_of(spec), contexts)


def test_the_search_finds_the_known_optimum() -> None:
    rows = optima(spec_of())
    lights = rows[recipes.OPTIMUM + "light"].to_numpy()
    assert lights == pytest.approx(np.full(20, BEST_LIGHT), abs=0.2)
    assert rows["converged"].all()
    profits = np.where(rows["kind"] == "tree", 40.0, 20.0)
    assert rows["profit"].to_numpy() == pytest.approx(profits, abs=0.01)


def test_what_an_ingredient_costs_moves_the_optimum() -> None:
    rows = optima(spec_of(cost=2.0, times=["price"]))
    # Where profit's slope is zero: value * bell'(light) = price * cost, for an herb.
    herbs = rows[rows["kind"] == "herb"]
    expected = (BEST_LIGHT - 2 * herbs["price"]).to_numpy()
    assert herbs[recipes.OPTIMUM + "light"].to_numpy() == pytest.approx(expected, abs=0.05)


def test_only_what_is_above_free_costs() -> None:
    contexts = np.array([[0.0, 0.5], [0.0, 0.5]], dtype=np.float32)
    profit = profit_of(spec_of(cost=3.0, free=4.0))
    both = profit.profit_and_cost(contexts, np.array([[3.0], [6.0]]))
    assert both[:, 1].tolist() == [0.0, 6.0]
    assert both[1, 0] == pytest.approx(2.0 * 10.0 - 6.0)


def test_a_search_that_is_cut_short_says_that_it_did_not_converge() -> None:
    assert not optima(spec_of(generations=1))["converged"].any()


def test_contexts_come_from_the_data_and_what_it_lacks_from_its_bounds() -> None:
    contexts = recipes.sample_contexts(spec_of(), plants())
    assert set(contexts["kind"]) == {"herb", "tree"}
    assert contexts["price"].between(0, 1).all()
    assert contexts["price"].nunique() == 20


def test_what_a_context_leaves_open_is_typical(regression: TrainingResult) -> None:
    rows = regression.dataset
    typical = recipes.typical_row(rows.contract, rows.matrix)
    commonest = rows.frame["kind"].mode()[0]
    assert rows.contract.columns[0].categories[int(typical[0])] == commonest
    assert typical[1] == pytest.approx(np.median(rows.matrix[:, 1]))


def test_a_recipe_below_the_optimum_has_the_regret_that_it_costs() -> None:
    rows = optima_of(spec_of())
    held_out = np.arange(len(rows.split.held_out))
    served = Answer(np.full((len(held_out), 1), BEST_LIGHT - 2.0))
    scored = rows.score(held_out, served)
    assert 1 - scored.values[:, 0].sum() / scored.truth[:, 0].sum() == pytest.approx(0.1, abs=1e-3)


def test_the_contexts_of_a_recipe_encode_as_its_contract_says() -> None:
    spec = spec_of()
    matrix = dataset.encode(spec.contract(), recipes.sample_contexts(spec, plants()))
    assert matrix.shape == (20, 2)
    assert not np.isnan(matrix).any()
    assert profit_of(spec).profit_and_cost(matrix, np.full((20, 1), 5.0)).shape == (20, 2)
