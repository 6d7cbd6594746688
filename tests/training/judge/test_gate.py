"""Every rule of the gate, passing and firing."""

from typing import Any

import numpy as np
import pytest

from service.bundle.engines import Answer
from service.bundle.manifest import Metric
from tests.support.plants import SpecOf
from training.fit.compile.compile import Compiled, compare
from training.judge import gate
from training.judge.evaluation import Evaluation, Slice
from training.judge.rivals import Rival
from training.metrics.by_group import Gap, Group, GroupFigures
from training.metrics.metric import Scored

NOTHING = Scored(np.zeros(1), np.zeros(1))


def exactly(value: float) -> Metric:
    return Metric(value, value, value)


def measured(r2: float, champion: float | None = None, part: float = 0.9) -> Evaluation:
    of_part = Slice("kind", "herb", 30, {"r2": exactly(part)})
    before = () if champion is None else (Rival("champion", {"r2": champion, "mae": 0.2}),)
    return Evaluation(
        100, {"r2": exactly(r2), "mae": exactly(0.2)}, (of_part,), (), NOTHING, before
    )


def compiled(tmp_path: Any, difference: float) -> Compiled:
    ones = np.ones((4, 1))
    answer = Answer(ones + difference)
    equality = compare(Answer(ones), answer)
    return Compiled("onnx", None, tmp_path, equality, answer, 1.0, 1.0)  # type: ignore[arg-type]  # the gate runs nothing


def failed(verdict: gate.Verdict) -> list[str]:
    return [decision.rule for decision in verdict.failed]


@pytest.mark.parametrize(
    ("r2", "fails"), [(0.9, []), (0.7, []), (0.69, ["r2 >= 0.7"]), (float("nan"), ["r2 >= 0.7"])]
)
def test_a_metric_below_its_least_fails(spec_of: SpecOf, r2: float, fails: list[str]) -> None:
    spec = spec_of(gates={"metrics": {"r2": {"min": 0.7}}})
    assert failed(gate.judge(spec, measured(r2), None)) == fails


def test_a_metric_above_its_most_fails(spec_of: SpecOf) -> None:
    spec = spec_of(gates={"metrics": {"mae": {"max": 0.1}}})
    assert failed(gate.judge(spec, measured(0.9), None)) == ["mae <= 0.1"]


def test_a_slice_out_of_bounds_fails_and_is_named(spec_of: SpecOf) -> None:
    spec = spec_of(gates={"slices": {"r2": {"min": 0.8}}})
    assert failed(gate.judge(spec, measured(0.9, part=0.5), None)) == [
        "r2 where kind is herb >= 0.8"
    ]
    assert gate.judge(spec, measured(0.9), None).passed


@pytest.mark.parametrize(("champion", "passes"), [(0.90, True), (0.92, True), (0.93, False)])
def test_a_candidate_may_be_worse_than_the_champion_by_the_tolerance(
    spec_of: SpecOf, champion: float, passes: bool
) -> None:
    spec = spec_of(gates={"champion": {"r2": 0.025}})
    assert gate.judge(spec, measured(0.9, champion), None).passed is passes


def test_an_error_may_be_larger_than_the_champions_by_the_tolerance(spec_of: SpecOf) -> None:
    worse = measured(0.9)._replace(rivals=(Rival("champion", {"mae": 0.1, "r2": 0.9}),))
    verdicts = [
        gate.judge(spec_of(gates={"champion": {"mae": by}}), worse, None).passed
        for by in (0.05, 0.15)
    ]
    assert verdicts == [False, True]


def test_without_a_champion_the_rule_passes_and_says_why(spec_of: SpecOf) -> None:
    verdict = gate.judge(spec_of(gates={"champion": {"r2": 0.0}}), measured(0.9), None)
    assert verdict.passed
    assert "there is no champion that takes these rows" in gate.table(verdict.decisions)


@pytest.mark.parametrize(("baseline", "passes"), [(0.89, True), (0.9, False), (0.91, False)])
def test_a_model_has_to_be_better_than_whom_it_should_beat(
    spec_of: SpecOf, baseline: float, passes: bool
) -> None:
    rivals = (Rival("mean", {"r2": baseline}), Rival("linear", {"r2": 0.5}))
    spec = spec_of(gates={"beat": ["baseline", "linear"]})
    verdict = gate.judge(spec, measured(0.9)._replace(rivals=rivals), None)
    assert verdict.passed is passes
    assert failed(verdict) == ([] if passes else ["r2 better than the baseline's"])
    assert "always giving the average" in gate.table(verdict.decisions)


def test_a_smaller_error_beats(spec_of: SpecOf) -> None:
    spec = spec_of(gates={"beat": ["linear"]}, search={"scoring": "mae"})
    verdicts = [
        gate.judge(spec, measured(0.9)._replace(rivals=(Rival("linear", {"mae": mae}),)), None)
        for mae in (0.3, 0.1)
    ]
    assert [verdict.passed for verdict in verdicts] == [True, False]


@pytest.mark.parametrize(("own", "other"), [(float("nan"), 0.5), (0.5, float("nan"))])
@pytest.mark.parametrize("scoring", ["r2", "mae"])
def test_what_cannot_be_computed_beats_nothing(
    spec_of: SpecOf, scoring: str, own: float, other: float
) -> None:
    spec = spec_of(gates={"beat": ["linear"], "metrics": None}, search={"scoring": scoring})
    judged = measured(0.9)._replace(
        metrics={"r2": exactly(0.9), scoring: exactly(own)},
        rivals=(Rival("linear", {scoring: other}),),
    )
    assert failed(gate.judge(spec, judged, None)) == [f"{scoring} better than the linear model's"]


def test_a_champion_without_intervals_is_no_measure_of_theirs(spec_of: SpecOf) -> None:
    spec = spec_of(target={"intervals": [0.1, 0.9]}, gates={"champion": {"coverage": 0.05}})
    judged = measured(0.9, champion=0.9)
    judged = judged._replace(metrics={**judged.metrics, "coverage": exactly(0.8)})
    verdict = gate.judge(spec, judged, None)
    assert verdict.passed and "the champion gives no intervals" in gate.table(verdict.decisions)


def test_the_linear_model_need_not_beat_itself(spec_of: SpecOf) -> None:
    verdict = gate.judge(spec_of(gates={"beat": ["linear", "champion"]}), measured(0.9), None)
    assert verdict.passed
    assert [decision.reason for decision in verdict.decisions[1:]] == [
        "it is the linear model itself, or no linear model can learn these rows",
        "there is no champion that takes these rows",
    ]


def apart(difference: float, ratio: float) -> GroupFigures:
    """Two groups of a classification."""
    north, south = (
        Group(name, 90, {"selection_rate": exactly(rate)})
        for name, rate in (("north", 0.4), ("south", 0.4 - difference))
    )
    gap = Gap(exactly(difference), exactly(ratio), "south", "north")
    return GroupFigures((north, south), {"selection_rate": gap}, 0, 0)


@pytest.mark.parametrize(
    ("difference", "ratio", "fails"),
    [
        (0.05, 0.9, []),
        (0.1, 0.8, []),
        (0.11, 0.9, ["selection_rate by kind, difference <= 0.1"]),
        (0.05, 0.7, ["selection_rate by kind, ratio >= 0.8"]),
    ],
)
def test_groups_that_lie_too_far_apart_fail_and_are_named(
    classes_of: SpecOf, difference: float, ratio: float, fails: list[str]
) -> None:
    bound = {"selection_rate": {"difference": 0.1, "ratio": 0.8}}
    spec = classes_of(fairness={"group": "kind"}, gates={"metrics": None, "fairness": bound})
    evaluation = measured(0.9)._replace(by_group=apart(difference, ratio))
    verdict = gate.judge(spec, evaluation, None)
    assert failed(verdict) == fails
    assert f"south {0.4 - difference:.3g}, north 0.4" in gate.table(verdict.decisions)


def test_groups_that_cannot_be_compared_fail(classes_of: SpecOf) -> None:
    bound = {"false_positive_rate": {"difference": 0.1}}
    spec = classes_of(fairness={"group": "kind"}, gates={"metrics": None, "fairness": bound})
    for by_group in (apart(0.0, 1.0), None):
        verdict = gate.judge(spec, measured(0.9)._replace(by_group=by_group), None)
        assert failed(verdict) == ["false_positive_rate by kind, difference <= 0.1"]
        assert "no two groups have as many held-out rows" in gate.table(verdict.decisions)


def test_an_engine_that_answers_otherwise_fails(spec_of: SpecOf, tmp_path: Any) -> None:
    assert failed(gate.judge(spec_of(), measured(0.9), compiled(tmp_path, difference=0.01))) == [
        "equal to the pipeline (onnx)"
    ]


def test_the_table_shows_name_value_bound_and_verdict(spec_of: SpecOf) -> None:
    spec = spec_of(gates={"metrics": {"r2": {"min": 0.87}}})
    table = gate.table(gate.judge(spec, measured(0.86996), None).decisions)
    assert table.split() == ["FAIL", "r2", ">=", "0.87", "value", "0.86996", "bound", "0.87"]
