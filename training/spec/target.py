"""`[target]` of a spec: the predicted column, and what is done so that its prediction is worth more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta, Struct

from service.bundle.contract import Contract

Open = Annotated[float, Meta(gt=0, lt=1)]


class ThresholdGoal(Struct, frozen=True):
    """From which probability a row is of the second of two classes: what it is to reach, or the probability itself."""

    maximise: Literal["f1", "balanced_accuracy", "accuracy"] | None = None
    #: At least this share of the second class is named, with as few mistakes as possible.
    recall: Open | None = None
    #: At least this share of what is named is of the second class, and as much of it as possible is named.
    precision: Open | None = None
    at: Open | None = None

    @property
    def goals(self) -> dict[str, str | float]:
        """Those that are given; a sound spec has one."""
        return {
            name: getattr(self, name)
            for name in self.__struct_fields__
            if getattr(self, name) is not None
        }

    def __str__(self) -> str:
        ((name, value),) = self.goals.items()
        if name == "maximise":
            return f"the greatest {value}"
        return f"set to {value:g}" if name == "at" else f"{name} of at least {value:g}"


class Target(Struct, frozen=True):
    """More about the predicted column. `classes` are found in the data where they are not listed."""

    unit: str = ""
    description: str = ""
    #: Of two, the second is the positive one.
    classes: tuple[str, ...] = ()
    #: Of numbers: the model learns the target's logarithm or power, and answers in the target's own unit.
    transform: Literal["log", "yeo-johnson"] | None = None
    #: `absolute`: few large misses count no more than many small ones.
    loss: Literal["squared", "absolute"] = "squared"
    #: The quantiles between which the truth shall lie, which are answered too.
    intervals: tuple[Open, ...] = ()
    #: `balanced`: rare classes weigh as much as common ones.
    class_weight: Literal["balanced"] | None = None
    calibrate: Literal["isotonic", "sigmoid"] | None = None
    threshold: ThresholdGoal | None = None


#: Of the candidates of ours, those that can weigh classes, and those that know an absolute loss.
WEIGHING = ("linear", "random-forest", "extra-trees", "gradient-boosting")
ROBUST = ("linear", "gradient-boosting")
#: Why a key of what is fitted here has no place beside [import].
TAKEN_AS_IT_IS = "and [import] names a model that is taken as it is; leave one of them out"
OF_TASK = {
    "regression": ("transform", "intervals"),
    "classification": ("class_weight", "calibrate", "threshold"),
}


def target_problems(target: Target, task: str, engine: str) -> Iterator[str]:
    """What contradicts itself, whatever the candidates are."""
    for allowed, keys in OF_TASK.items():
        for key in keys:
            if getattr(target, key) and task != allowed:
                yield f"target.{key}: given for {task}; allowed: only for task {allowed!r}"
    if target.loss != "squared" and task != "regression":
        yield f"target.loss: given for {task}; allowed: only for task 'regression'"
    levels = target.intervals
    if levels and (len(levels) != 2 or levels[0] >= levels[1]):
        yield f"target.intervals: given {list(levels)}; allowed: two levels, the lower first, such as [0.1, 0.9]"
    if target.threshold is not None and task == "classification":
        yield from _threshold_problems(target.threshold, target.classes)
    for key in ("transform", "intervals", "calibrate"):
        if getattr(target, key) and engine == "any":
            yield f"search.engine: given 'any'; with target.{key} allowed: 'onnx', into which alone it is compiled"


def interval_problems(target: Target, contract: Contract) -> Iterator[str]:
    """Outputs that `intervals` adds, and whose names are taken."""
    outputs = [output.name for output in contract.outputs]
    taken = [*outputs, *contract.names]
    for name in dict.fromkeys(outputs[1:] if target.intervals else ()):
        if taken.count(name) > 1:
            yield f"target.intervals: gives the output {name!r}, which is the name of another output or of a column"


def import_problems(target: Target) -> Iterator[str]:
    """Keys of what is fitted here, beside a model that was trained elsewhere."""
    for key in ("transform", "intervals", "class_weight", "calibrate", "threshold"):
        if getattr(target, key):
            yield f"target.{key}: given, {TAKEN_AS_IT_IS}"
    if target.loss != "squared":
        yield f"target.loss: given, {TAKEN_AS_IT_IS}"


def _threshold_problems(goal: ThresholdGoal, classes: tuple[str, ...]) -> Iterator[str]:
    if len(goal.goals) != 1:
        goals = ", ".join(goal.goals) or "nothing"
        yield f"target.threshold: given {goals}; allowed: one of maximise, recall, precision and at"
    if len(classes) != 2:
        yield (
            f"target.threshold: given, with {len(classes) or 'no'} target.classes; allowed: with two of them listed,"
            " of which the second is the one that the threshold is for"
        )


def candidate_problems(target: Target, candidates: tuple[str, ...]) -> Iterator[str]:
    """Own candidates, named by an import path, are asked for nothing: they read the spec."""
    for name in candidates:
        if ":" in name:
            continue
        if target.class_weight and name not in WEIGHING:
            yield f"search.candidates: given {name!r}; with target.class_weight allowed: {', '.join(WEIGHING)}"
        if target.loss == "absolute" and name not in ROBUST:
            yield f"search.candidates: given {name!r}; with target.loss = 'absolute' allowed: {', '.join(ROBUST)}"
