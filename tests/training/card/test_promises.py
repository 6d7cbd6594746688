"""What a model promises beside its answer, in sentences on the card."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.plants import ResultOf, SpecOf
from training.card.promises import promises


@pytest.mark.parametrize(
    ("goal", "said"),
    [
        ({"at": 0.3}, "It answers B from a probability of 0.3 on, as its spec says."),
        (
            {"recall": 0.9},
            " on, chosen for recall of at least 0.9 on training rows that it did not",
        ),
    ],
)
def test_a_threshold_is_said_with_its_reason_and_what_came_of_it(
    classes_of: SpecOf, result_of: ResultOf, goal: dict[str, float], said: str
) -> None:
    result = result_of(classes_of(target={"threshold": goal}))
    assert result.evaluation is not None
    (sentence,) = promises(result)
    assert said in sentence
    truth, called = result.evaluation.scored.truth == 1, result.evaluation.scored.values == 1
    assert f"Of the held-out rows it names {np.mean(called):.1%}" in sentence
    assert f"it finds {np.mean(called[truth]):.1%} of B" in sentence
    assert f"is right in {np.mean(truth[called]):.1%}." in sentence


def test_an_interval_says_how_much_it_held(spec_of: SpecOf, result_of: ResultOf) -> None:
    (sentence,) = promises(result_of(spec_of(target={"intervals": [0.1, 0.9]})))
    assert "from weight_q10 to weight_q90, is meant to hold 80% of the truth" in sentence
