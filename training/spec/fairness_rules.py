"""What contradicts itself in `[fairness]` and `gates.fairness`, as sentences."""

from __future__ import annotations

from collections.abc import Iterator

from training.metrics.by_group import judging
from training.spec.fairness import Fairness
from training.spec.values import Spec

#: The types of an input whose values are groups; numbers are parted in quarters.
GROUPED = ("category", "boolean", "number", "integer")


def fairness_problems(spec: Spec) -> Iterator[str]:
    if spec.fairness is None:
        if spec.gates.fairness:
            yield "fairness: missing; gates.fairness compares the groups of its column, `group`"
        return
    if spec.data is None:
        yield f"fairness: given for {spec.task}; allowed: only with [data], whose rows are of groups"
        return
    yield from _group_problems(spec, spec.fairness)
    yield from _positive_problems(spec, spec.fairness)
    yield from _gate_problems(spec)


def _group_problems(spec: Spec, fairness: Fairness) -> Iterator[str]:
    data, given = spec.source, f"fairness.group: given {fairness.group!r}"
    types = {column.name: column.type for column in spec.inputs}
    if not fairness.group:
        yield "fairness.group: given ''; allowed: the name of a column"
    elif fairness.group == data.target:
        yield f"{given}, which is the target; allowed: an input, or a column that is none"
    elif fairness.group in types:
        if types[fairness.group] not in GROUPED:
            yield f"{given}, a {types[fairness.group]}; allowed, of inputs: {', '.join(GROUPED)}"
    elif fairness.group in (data.time, *spec.checks.unique):
        # These are kept with the training rows; a group that is no input never is.
        yield f"{given}, which is data.time or one of checks.unique; allowed: an input, or a column that is none"
    elif data.journal:
        yield (
            f"data.journal: given true, and fairness.group {fairness.group!r} is no input:"
            " the journal has no such column"
        )


def _positive_problems(spec: Spec, fairness: Fairness) -> Iterator[str]:
    classes, positive = spec.target.classes, fairness.positive
    if spec.task != "classification":
        if positive:
            yield f"fairness.positive: given for {spec.task}; allowed: only for task 'classification'"
        return
    if not classes:
        yield "target.classes: missing; [fairness] needs them listed, since `positive` is one of them"
    elif positive and positive not in classes:
        yield f"fairness.positive: given {positive!r}; allowed: {', '.join(map(repr, classes))}"
    elif not positive and len(classes) != 2:
        yield f"fairness.positive: missing; of {len(classes)} classes the one whose selection is counted"


def _gate_problems(spec: Spec) -> Iterator[str]:
    allowed = judging(spec.task)
    for name, bound in spec.gates.fairness.items():
        path = f"gates.fairness.{name}"
        if name not in allowed:
            yield f"gates.fairness: given {name!r}; allowed for {spec.task}: {', '.join(allowed)}"
        elif bound.difference is None and bound.ratio is None:
            yield f"{path}: given nothing; allowed: difference, ratio or both"
        elif spec.task == "regression" and bound.ratio is not None:
            yield f"{path}.ratio: given for regression, whose errors have signs and units; allowed: difference"
        elif spec.task == "classification" and (bound.difference or 0) > 1:
            yield f"{path}.difference: given {bound.difference:g}; allowed: at most 1, since rates are shares"
