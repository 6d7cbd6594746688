"""Optimization: contexts, optima, and what copying them costs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.bundle.encoder import Encoder
from service.bundle.engines import Answer
from service.bundle.exported import Bundle
from tests.training.conftest import plants
from training.data import dataset
from training.fit import recipes
from training.judge.result import Facts
from training.spec.values import Spec, parse

BEST_LIGHT = 6.0


class Peak:  # pylint: disable=too-few-public-methods
    """An engine whose answer is known: most at `BEST_LIGHT`, twice as much for a tree."""

    def predict(self, matrix: Any) -> Answer:
        bell = 10 - (matrix[:, 1] - BEST_LIGHT) ** 2 / 4
        return Answer((bell * (1 + matrix[:, 0]))[:, np.newaxis])


def recipe_spec(**light: Any) -> Spec:
    raw = {
        "name": "plant-recipe",
        "task": "optimization",
        "columns": {
            "kind": {"type": "category", "categories": ["herb", "tree"]},
            "price": {"type": "number", "minimum": 0, "maximum": 1},
        },
        "objective": {"model": "plants", "value": 2.0, "contexts": 20, "generations": 60},
        "recipe": {"light": {"minimum": 0, "maximum": 10, **light}},
        "search": {"candidates": ["linear"], "folds": 2},
        "gates": {"metrics": {"regret": {"max": 0.5}}},
    }
    return parse(raw, "plant-recipe.toml", "plant-recipe")


@pytest.fixture
def objective(regression: Facts) -> Bundle:
    contract = regression.dataset.contract
    nothing: Any = None
    return Bundle(Path("."), nothing, contract, nothing, Encoder(contract), Peak())


def worth_of(spec: Spec, objective: Bundle, regression: Facts) -> recipes.Worth:
    made = regression.dataset
    return recipes.Worth(spec, objective, recipes.typical_row(made.contract, made.matrix))


def test_the_search_finds_the_known_optimum(objective: Bundle, regression: Facts) -> None:
    spec = recipe_spec()
    contexts = recipes.sample_contexts(spec, plants())
    found = recipes.search_optima(spec, worth_of(spec, objective, regression), contexts)
    assert found[recipes.OPTIMUM + "light"].to_numpy() == pytest.approx(
        np.full(20, BEST_LIGHT), abs=0.2
    )
    assert found["converged"].all()
    assert found["profit"].to_numpy() == pytest.approx(
        np.where(found["kind"] == "tree", 40.0, 20.0), abs=0.01
    )


def test_what_an_ingredient_costs_moves_the_optimum(objective: Bundle, regression: Facts) -> None:
    spec = recipe_spec(cost=2.0, times=["price"])
    contexts = recipes.sample_contexts(spec, plants())
    found = recipes.search_optima(spec, worth_of(spec, objective, regression), contexts)
    # Where profit's slope is zero: value * bell'(light) = price * cost, for an herb.
    herbs = found[found["kind"] == "herb"]
    expected = BEST_LIGHT - 2 * herbs["price"]
    assert herbs[recipes.OPTIMUM + "light"].to_numpy() == pytest.approx(
        expected.to_numpy(), abs=0.05
    )


def test_only_what_is_above_free_costs(objective: Bundle, regression: Facts) -> None:
    spec = recipe_spec(cost=3.0, free=4.0)
    contexts = np.array([[0.0, 0.5], [0.0, 0.5]], dtype=np.float32)
    worth = worth_of(spec, objective, regression).profit_and_cost(
        contexts, np.array([[3.0], [6.0]])
    )
    assert worth[:, 1].tolist() == [0.0, 6.0]
    assert worth[1, 0] == pytest.approx(2.0 * 10.0 - 6.0)


def test_a_search_that_is_cut_short_says_that_it_did_not_converge(
    objective: Bundle, regression: Facts
) -> None:
    spec = parse_with_generations(1)
    contexts = recipes.sample_contexts(spec, plants())
    found = recipes.search_optima(spec, worth_of(spec, objective, regression), contexts)
    assert not found["converged"].any()


def parse_with_generations(generations: int) -> Spec:
    import msgspec  # pylint: disable=import-outside-toplevel

    spec = recipe_spec()
    assert spec.objective is not None
    return msgspec.structs.replace(
        spec, objective=msgspec.structs.replace(spec.objective, generations=generations)
    )


def test_contexts_come_from_the_data_and_what_it_lacks_from_its_bounds() -> None:
    spec = recipe_spec()
    contexts = recipes.sample_contexts(spec, plants())
    assert set(contexts["kind"]) == {"herb", "tree"}
    assert contexts["price"].between(0, 1).all()
    assert contexts["price"].nunique() == 20


def test_what_a_context_leaves_open_is_typical(regression: Facts) -> None:
    made = regression.dataset
    typical = recipes.typical_row(made.contract, made.matrix)
    commonest = made.frame["kind"].mode()[0]
    assert made.contract.columns[0].categories[int(typical[0])] == commonest
    assert typical[1] == pytest.approx(np.median(made.matrix[:, 1]))


def test_a_recipe_below_the_optimum_has_the_regret_that_it_costs(
    objective: Bundle, regression: Facts
) -> None:
    spec = recipe_spec()
    contexts = recipes.sample_contexts(spec, plants())
    worth = worth_of(spec, objective, regression)
    made = recipes.make(spec, recipes.search_optima(spec, worth, contexts), "f", worth)
    rows = np.arange(len(made.split.held_out))
    served = Answer(np.full((len(rows), 1), BEST_LIGHT - 2.0))
    assert made.score is not None
    scored = made.score(rows, served)
    assert 1 - scored.values[:, 0].sum() / scored.truth[:, 0].sum() == pytest.approx(0.1, abs=1e-3)


def test_the_contexts_of_a_recipe_encode_as_its_contract_says(
    objective: Bundle, regression: Facts
) -> None:
    spec = recipe_spec()
    contexts = recipes.sample_contexts(spec, plants())
    matrix = dataset.encode(spec.contract(), contexts)
    assert matrix.shape == (20, 2)
    assert not np.isnan(matrix).any()
    assert worth_of(spec, objective, regression).profit_and_cost(
        matrix, np.full((20, 1), 5.0)
    ).shape == (20, 2)
