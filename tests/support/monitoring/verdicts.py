"""An experiment as it is kept once it was judged."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec

from monitoring.experiment.values import (
    Check,
    Comparison,
    Disagreement,
    Experiment,
    Side,
    Stage,
)
from monitoring.findings import ExperimentRecord, Experiments, Store


def experiment_of(model: str, at: dt.datetime, **fields: Any) -> Experiment:
    """A split that runs for an hour and is undecided."""
    start = at - dt.timedelta(hours=1)
    values: dict[str, Any] = {
        "model": model,
        "champion": "5",
        "challenger": "6",
        "kind": "split",
        "started_at": start,
        "judged_at": at,
        "complete_to": at - dt.timedelta(minutes=1),
        "verdict": "undecided",
        "reason": "the difference may still be chance",
        "stop": False,
        "share": 0.25,
        "stages": [Stage(start, 0.25)],
        "errors": _events("errors", 0.01, 3, 2),
        "slow": _events("slow", 0.01, 12, 5),
        "quality": Comparison(
            metric="accuracy",
            level=0.03,
            champion=Side(value=0.861, rows=3012, units=3012, events=419),
            challenger=Side(value=0.874, rows=1004, units=1004, events=127),
            difference=0.013,
            low=-0.031,
            high=0.057,
            greater_is_better=True,
            margin=0.01,
            more_rows=41_300,
        ),
        "checks": [
            Check(name="sample-ratio", ok=True, expected=0.25, observed=0.25),
            Check(name="truth-arrival", ok=True, expected=0.8, observed=0.81),
        ],
    }
    return Experiment(**values | fields)


def shadow_of(model: str, at: dt.datetime, where: str) -> Experiment:
    """With a place of this name in which the arms differ."""
    places = [
        {"where": where, "rows": 31, "value": 0.031, "champion_right": 11, "challenger_right": 20}
    ]
    return experiment_of(
        model,
        at,
        kind="shadow",
        share=0.0,
        checks=[],
        disagreement=Disagreement(rows=1000, value=0.031, places=places),
    )


def keep_experiment(store: Store, experiment: Experiment) -> None:
    record = ExperimentRecord(
        model=experiment.model,
        champion=experiment.champion,
        challenger=experiment.challenger,
        started_at=experiment.started_at,
        judged_at=experiment.judged_at,
        ended_at=experiment.ended_at,
        verdict=experiment.verdict,
        decided_at=experiment.decided_at,
        document=msgspec.to_builtins(experiment),
    )
    Experiments(store).save(record)


def _events(metric: str, level: float, champion: int, challenger: int) -> Comparison:
    sides = (
        Side(value=events / units, rows=units, units=units, events=events)
        for units, events in ((3050, champion), (1011, challenger))
    )
    first, second = sides
    return Comparison(
        metric=metric,
        level=level,
        champion=first,
        challenger=second,
        difference=(second.value or 0) - (first.value or 0),
        evidence=0.4,
        reason="no more of them than chance brings",
    )
