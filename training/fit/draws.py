"""What a search tries next: each candidate as it comes, then parameters drawn by chance or near the best so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from service.bundle.contract import Contract
from training.fit.candidates.pipeline import space
from training.fit.trials import Attempt, Trial
from training.spec.values import Spec

#: Of a round, so many attempts are of the leading candidate, and so many of the one behind it.
SHARES = (4, 2)
#: The chance of a parameter to stay as the best attempt has it.
KEPT = 0.5


def first_round(spec: Spec) -> list[Attempt]:
    """Every candidate as it comes, in the spec's order."""
    return [Attempt(name, {}) for name in dict.fromkeys(spec.search.candidates)]


def next_round(spec: Spec, contract: Contract, number: int, best: Sequence[Trial]) -> list[Attempt]:
    """`best` has the best trial of each candidate, best first. The seed and the round decide what is drawn."""
    random = np.random.RandomState(np.random.MT19937([spec.search.seed, number]))
    varied = [trial for trial in best if space(spec, contract, trial.candidate)]
    attempts = []
    for trial, share in zip(varied, SHARES if len(varied) > 1 else (sum(SHARES),), strict=False):
        for at in range(share):
            near = trial.attempt.parameters if at % 2 else {}
            attempts.append(_draw(spec, contract, trial.candidate, near, random))
    return attempts


def _draw(
    spec: Spec,
    contract: Contract,
    candidate: str,
    near: Mapping[str, Any],
    random: np.random.RandomState,
) -> Attempt:
    """Parameters by chance, of which about half are taken from those that they shall be near, where there are any."""
    drawn = {}
    for name, values in space(spec, contract, candidate).items():
        value = _value(values, random)
        stays = random.uniform() < KEPT
        drawn[name] = near[name] if name in near and stays else value
    return Attempt(candidate, drawn)


def _value(values: Any, random: np.random.RandomState) -> Any:
    """One of a list, or drawn from a distribution, as a plain value of Python."""
    value = (
        values[random.randint(len(values))]
        if isinstance(values, Sequence) and not hasattr(values, "rvs")
        else values.rvs(random_state=random)
    )
    return value.item() if isinstance(value, np.generic) else value
