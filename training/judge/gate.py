"""The rules of the gate: metrics in, decisions with reasons out; and decisions as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec import structs

from service.bundle.manifest import Decision
from service.bundle.monitor_rules import Bound
from training.fit.compile.compile import Compiled
from training.judge.evaluation import Evaluation
from training.metrics.by_group import GroupFigures
from training.metrics.tasks import METRICS
from training.spec.values import Spec

NO_CHAMPION = "there is no champion that takes these rows"
NO_LINEAR = "it is the linear model itself, or no linear model can learn these rows"
NO_SUCH_METRIC = "the champion gives no intervals, by which it could be measured"
NO_TWO_GROUPS = (
    "no two groups have as many held-out rows that count for it as fairness.minimum_rows"
)
RIVALS = {"baseline": "the baseline", "linear": "the linear model", "champion": "the champion"}


class Verdict(NamedTuple):
    decisions: tuple[Decision, ...]

    @property
    def passed(self) -> bool:
        return all(decision.passed for decision in self.decisions)

    @property
    def failed(self) -> list[Decision]:
        return [decision for decision in self.decisions if not decision.passed]


def judge(spec: Spec, evaluation: Evaluation, compiled: Compiled | None) -> Verdict:
    """Every rule of the spec, in the order in which it stands there."""
    return Verdict(
        (
            *_metric_rules(spec, evaluation),
            *_slice_rules(spec, evaluation),
            *_fairness_rules(spec, evaluation),
            *_champion_rules(spec, evaluation),
            *_beat_rules(spec, evaluation),
            *(_engine_rules(spec, compiled) if compiled else ()),
        )
    )


def _bounded(rule: str, value: float, bound: Bound) -> Iterator[Decision]:
    """NaN passes no bound: a metric that cannot be computed is not good enough."""
    if bound.min is not None:
        yield Decision(f"{rule} >= {bound.min:g}", value, bound.min, value >= bound.min)
    if bound.max is not None:
        yield Decision(f"{rule} <= {bound.max:g}", value, bound.max, value <= bound.max)


def _metric_rules(spec: Spec, evaluation: Evaluation) -> Iterator[Decision]:
    for name, bound in spec.gates.metrics.items():
        yield from _bounded(name, evaluation.metrics[name].value, bound)


def _slice_rules(spec: Spec, evaluation: Evaluation) -> Iterator[Decision]:
    for name, bound in spec.gates.slices.items():
        for part in evaluation.slices:
            yield from _bounded(
                f"{name} where {part.column} is {part.value}", part.metrics[name].value, bound
            )


def _fairness_rules(spec: Spec, evaluation: Evaluation) -> Iterator[Decision]:
    """Where no two groups have rows enough, nothing is known, and the rule does not hold."""
    fairness, figures = spec.fairness, evaluation.by_group
    if fairness is None:
        return
    for name, apart in spec.gates.fairness.items():
        rule, gap = f"{name} by {fairness.group}", figures.gaps.get(name) if figures else None
        reason = _farthest(figures, name) if figures and gap else NO_TWO_GROUPS
        bounds = {"difference": Bound(max=apart.difference), "ratio": Bound(min=apart.ratio)}
        for kind, bound in bounds.items():
            interval = getattr(gap, kind, None)
            value = interval.value if interval else float("nan")
            for decision in _bounded(f"{rule}, {kind}", value, bound):
                yield structs.replace(decision, reason=reason)


def _farthest(figures: GroupFigures, name: str) -> str:
    """The two groups that lie farthest apart."""
    gap, values = figures.gaps[name], figures.values_of(name)
    return f"{gap.least} {values[gap.least]:.3g}, {gap.largest} {values[gap.largest]:.3g}"


def _champion_rules(spec: Spec, evaluation: Evaluation) -> Iterator[Decision]:
    greater_is_better = {metric.name: metric.greater_is_better for metric in METRICS[spec.task]}
    for name, tolerance in spec.gates.champion.items():
        rule = f"{name} no worse than the champion's by more than {tolerance:g}"
        value = evaluation.metrics[name].value
        if evaluation.champion is None:
            yield Decision(rule, value, None, True, NO_CHAMPION)
            continue
        if name not in evaluation.champion:
            yield Decision(rule, value, None, True, NO_SUCH_METRIC)
            continue
        champion = evaluation.champion[name]
        better = greater_is_better[name]
        bound = champion - tolerance if better else champion + tolerance
        passed = value >= bound if better else value <= bound
        yield Decision(
            rule, value, bound, passed, f"the champion reaches {champion:.4g} on the same rows"
        )


def _beat_rules(spec: Spec, evaluation: Evaluation) -> Iterator[Decision]:
    """By the deciding metric; as good as a rival is not better, nor is what cannot be computed."""
    deciding = spec.deciding
    for name in spec.gates.beat:
        own = evaluation.metrics[deciding.name].value
        rule = f"{deciding.name} better than {RIVALS[name]}'s"
        rival = evaluation.rival(name)
        if rival is None:
            reason = NO_LINEAR if name == "linear" else NO_CHAMPION
            yield Decision(rule, own, None, True, reason)
            continue
        other = rival.metrics[deciding.name]
        passed = deciding.compared(own, other) == "worse"
        yield Decision(rule, own, other, passed, f"{rival.subject[0].lower()}{rival.subject[1:]}")


def _engine_rules(spec: Spec, compiled: Compiled) -> Iterator[Decision]:
    proof = f"equal to the pipeline ({compiled.engine_name})"
    yield Decision(
        proof, compiled.equality.largest, compiled.equality.tolerance, compiled.equality.proven
    )
    if spec.gates.latency_ms is not None:
        yield from _bounded(
            "latency_ms, one row, p99", compiled.latency_ms, Bound(max=spec.gates.latency_ms)
        )
    if spec.gates.size_mb is not None:
        yield from _bounded("size_mb", compiled.size_mb, Bound(max=spec.gates.size_mb))


def table(decisions: Sequence[Decision]) -> str:
    """Verdict, name, value, bound and reason of every rule, in columns."""
    return "\n".join(
        f"  {'pass' if decision.passed else 'FAIL'}  {decision.rule:<58}"
        f" value {_number(decision.value):>9}  bound {_number(decision.bound):>9}"
        + (f"  ({decision.reason})" if decision.reason else "")
        for decision in decisions
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.6g}"
