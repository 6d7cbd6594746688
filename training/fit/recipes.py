"""The rows of an optimization: the best recipes of many contexts by the objective's model, and what others bring."""

from __future__ import annotations

from typing import Any

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import differential_evolution

from service.bundle.contract import Contract, Matrix
from service.bundle.engines import Answer
from service.bundle.exported import Bundle
from training.common import interrupts
from training.common.progress import steps
from training.data.dataset import Dataset, encode
from training.data.split import Split
from training.metrics.metric import Rows, Scored
from training.spec.recipe import Ingredient
from training.spec.values import Spec

#: DE stops when the spread of the population's profits is below this share of their mean.
TOLERANCE = 1e-3
BATCH = 25
HELD_OUT = 0.25
#: What the columns with the optima begin with.
OPTIMUM = "optimum."


class Profit:
    """What recipes bring in given contexts, by the objective model's prediction."""

    def __init__(self, spec: Spec, objective: Bundle, typical: NDArray[np.float32]):
        self._parts, self._model, self._value = spec.recipe.values(), objective, spec.goal.value
        self._typical = typical
        inputs = {feature.name: at for at, feature in enumerate(objective.contract.features)}
        own = [feature.name for feature in spec.contract().features]
        self._context = [(at, inputs[name]) for at, name in enumerate(own) if name in inputs]
        self._recipe = [inputs[name] for name in spec.recipe]
        self._times = [
            [spec.contract().positions(name)[0] for name in part.times] for part in self._parts
        ]

    def profit_and_cost(self, contexts: Matrix, recipes: NDArray[Any]) -> NDArray[np.float64]:
        """Columns profit and cost, a row a context."""
        matrix = np.tile(self._typical, (len(contexts), 1))
        for here, there in self._context:
            matrix[:, there] = contexts[:, here]
        matrix[:, self._recipe] = recipes
        cost = self._cost(contexts, recipes)
        harvest = self._model.predict(matrix).values[:, 0].astype(np.float64)
        return np.column_stack([self._value * harvest - cost, cost])

    def _cost(self, contexts: Matrix, recipes: NDArray[Any]) -> NDArray[np.float64]:
        total = np.zeros(len(contexts))
        for position, part in enumerate(self._parts):
            units = np.clip(
                recipes[:, position] - (part.minimum if part.free is None else part.free), 0, None
            )
            times = np.prod([contexts[:, at] for at in self._times[position]], axis=0)
            total += part.cost * units * times
        return total


def sample_contexts(spec: Spec, rows: pd.DataFrame) -> pd.DataFrame:
    """Contexts as they occur in the objective's data; what it does not have is drawn between its bounds."""
    random = np.random.default_rng(spec.search.seed)
    chosen = rows.iloc[
        random.choice(len(rows), spec.goal.contexts, replace=len(rows) < spec.goal.contexts)
    ]
    columns: dict[str, Any] = {}
    for column in spec.inputs:
        if column.name in rows:
            columns[column.name] = chosen[column.name].to_numpy()
        elif column.type == "category":
            columns[column.name] = random.choice(column.categories, len(chosen))
        else:
            low, high = column.bounds
            columns[column.name] = (
                random.uniform(low, high, len(chosen)).astype(np.float32).astype(np.float64)
            )
    return pd.DataFrame(columns)


def typical_row(contract: Contract, matrix: Matrix) -> NDArray[np.float32]:
    """What a context leaves open: the median of numbers, the commonest of everything else."""
    row = np.nanmedian(matrix, axis=0)
    for position, feature in enumerate(contract.features):
        if feature.column.type in ("category", "boolean"):
            values, counts = np.unique(matrix[:, position], return_counts=True)
            row[position] = values[counts.argmax()]
    return np.asarray(row, dtype=np.float32)


def search_optima(spec: Spec, profit: Profit, contexts: pd.DataFrame) -> pd.DataFrame:
    """The contexts with the optimum of each: the recipe, its profit, and whether the search converged.

    Differential evolution, one search a context, all of a batch side by side on the machine's cores.
    """
    matrix = encode(spec.contract(), contexts)
    batches = [
        range(start, min(start + BATCH, len(matrix))) for start in range(0, len(matrix), BATCH)
    ]
    optima: list[tuple[NDArray[np.float64], float, bool]] = []
    for batch in steps(
        batches, f"{spec.name}: optimizing contexts, batches of {BATCH}", len(batches)
    ):
        interrupts.heed()
        # Threads: the time goes into the engine, which lets go of the interpreter.
        run = joblib.Parallel(n_jobs=joblib.cpu_count(), backend="threading")
        optima += run(
            joblib.delayed(_optimize_one)(spec, profit, matrix[number], number) for number in batch
        )
    recipes, profits, converged = zip(*optima, strict=True)
    parts = zip(spec.recipe, np.transpose(recipes), strict=True)
    columns = {OPTIMUM + name: values for name, values in parts}
    return contexts.assign(**columns, profit=profits, converged=converged)


def _optimize_one(
    spec: Spec, profit: Profit, context: Matrix, number: int
) -> tuple[NDArray[np.float64], float, bool]:
    parts: list[Ingredient] = list(spec.recipe.values())

    def loss(recipes: NDArray[np.float64]) -> NDArray[np.float64]:
        contexts = np.tile(context, (recipes.shape[1], 1))
        return -profit.profit_and_cost(contexts, recipes.T)[:, 0]

    result = differential_evolution(
        loss,
        [(part.minimum, part.maximum) for part in parts],
        maxiter=spec.goal.generations,
        popsize=spec.goal.population,
        tol=TOLERANCE,
        rng=np.random.default_rng([spec.search.seed, number]),
        polish=False,
        vectorized=True,
        updating="deferred",
    )
    return result.x, float(-result.fun), bool(result.success)


def make_dataset(
    spec: Spec, frame: pd.DataFrame, fingerprint: str, profit: Profit | None = None
) -> Dataset:
    """Contexts with their optima as the data to copy. Without `profit` nothing can be scored."""
    contract = spec.contract()
    matrix = encode(contract, frame)
    target = frame[[OPTIMUM + name for name in spec.recipe]].to_numpy(dtype=np.float64)
    held_out = max(1, round(len(frame) * HELD_OUT))
    rows = np.random.default_rng(spec.search.seed).permutation(len(frame))
    split = Split(np.sort(rows[held_out:]), np.sort(rows[:held_out]))
    truth = frame[["profit", "converged"]].to_numpy(dtype=np.float64)[split.held_out]
    contexts = matrix[split.held_out]

    def score(chosen: Rows, answer: Answer) -> Scored:
        assert profit is not None  # only `reproduce` makes a dataset without, and scores nothing
        return Scored(truth[chosen], profit.profit_and_cost(contexts[chosen], answer.values))

    return Dataset(contract, frame, matrix, target, split, fingerprint, score)
