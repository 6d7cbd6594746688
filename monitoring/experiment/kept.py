"""The experiments that were judged, as the database of findings keeps them."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from monitoring.experiment.values import Experiment
from monitoring.findings import ExperimentRecord, Experiments, Store


class NoExperiment(Exception):
    """Of a model that is asked for; the message says what there is. `is_known`: the monitor knows the model."""

    def __init__(self, reason: str, is_known: bool):
        self.is_known = is_known
        super().__init__(reason)


def all_experiments(store: Store) -> list[Experiment]:
    """Of each model the one that runs, or ran last."""
    return [_experiment(record) for record in Experiments(store).newest()]


def find_experiment(
    store: Store, model: str, may_see: Callable[[str], bool] = lambda _: True
) -> Experiment:
    """Of a model that whoever asks `may_see`; NoExperiment where there never was one."""
    if may_see(model):
        for record in Experiments(store).newest(model):
            return _experiment(record)
    names = sorted({arm.model for arm in store.arms() if may_see(arm.model)})
    if model in names:
        raise NoExperiment(
            f"{model} has no experiment: no challenger of it has got requests. `make traffic` gives one a share,"
            " or has it predict in shadow",
            True,
        )
    models = ", ".join(names) or "none yet"
    raise NoExperiment(f"nothing was judged of a model {model[:100]!r}; models: {models}", False)


def _experiment(record: ExperimentRecord) -> Experiment:
    experiment = msgspec.convert(record.document, Experiment)
    return replace(experiment, ended_at=record.ended_at)
