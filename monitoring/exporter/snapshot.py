"""What the database of findings says right now: the exporter's numbers are made of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from monitoring.findings import (
    Alarm,
    Arm,
    Capacity,
    ExperimentRecord,
    Experiments,
    Finding,
    Retrains,
    Scalings,
    SourceState,
    Store,
    WindowRecord,
    answering,
)

#: What a window says of itself once it is judged.
BY_ROWS = ("drift", "estimate")
#: What is known later: the newest window is looked for in which it is.
BY_TRUTH = ("quality", "truth")
TRUTH_WINDOWS = 200
#: An arm that was not judged for so long is not shown any more.
FORGOTTEN = dt.timedelta(days=31)
#: How long a measurement of the capacity counts.
MEASURED = dt.timedelta(minutes=10)


class ArmState(NamedTuple):
    """The newest window of an arm, and the newest findings of each kind."""

    record: WindowRecord
    findings: tuple[Finding, ...]
    #: The end of the newest window that has truth.
    truth_until: dt.datetime | None = None


class Snapshot(NamedTuple):
    arms: tuple[ArmState, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    sources: tuple[SourceState, ...] = ()
    last_success: tuple[tuple[str, dt.datetime], ...] = ()
    #: Those that run.
    experiments: tuple[ExperimentRecord, ...] = ()
    #: Requests for retraining by model and outcome.
    retrains: tuple[tuple[tuple[str, str], int], ...] = ()
    capacity: Capacity | None = None
    #: By outcome, how many.
    scalings: tuple[tuple[str, int], ...] = ()


def take_snapshot(store: Store, now: dt.datetime) -> Snapshot:
    """FindingsUnavailable where the database is away."""
    arms = store.arms()
    states = tuple(_arm_states(store, arms, now))
    # A model that nobody asks any more is not stale.
    gone = {arm.model for arm in arms} - {state.record.model for state in states}
    successes = sorted(store.last_success().items())
    return Snapshot(
        states,
        tuple(store.alarms(standing=True, limit=10_000)),
        tuple(store.sources()),
        tuple((model, at) for model, at in successes if model not in gone),
        tuple(each for each in Experiments(store).newest() if each.ended_at is None),
        tuple(sorted(Retrains(store.engine).counts().items())),
        _capacity(store, now),
        tuple(sorted(Scalings(store.engine).counts().items())),
    )


def _capacity(store: Store, now: dt.datetime) -> Capacity | None:
    """What was measured lately: of a Prometheus that is down no old number is shown as of now."""
    capacity = Scalings(store.engine).capacity()
    return capacity if capacity is not None and now - capacity.measured_at < MEASURED else None


def _arm_states(store: Store, arms: Sequence[Arm], now: dt.datetime) -> Iterator[ArmState]:
    """Of each model's arms the version that answers now: others have gone."""
    for arm in answering(arms):
        records = store.windows(*arm, limit=1)
        if records and now - records[0].end < FORGOTTEN:
            yield _arm_state(store, arm, records[0])


def _arm_state(store: Store, arm: Arm, record: WindowRecord) -> ArmState:
    model, version, name = arm
    series = store.series(model, BY_ROWS, version=version, arm=name, since=record.start, limit=1)
    findings = [finding for _, finding in series]
    late = store.series(model, BY_TRUTH, version=version, arm=name, limit=TRUTH_WINDOWS)
    findings += _newest_known(finding for _, finding in late)
    with_truth = (window.end for window, finding in late if _is_truth(finding))
    return ArmState(record, tuple(findings), max(with_truth, default=None))


def _is_truth(finding: Finding) -> bool:
    return finding.kind == "truth" and finding.column == "share" and bool(finding.value)


def _newest_known(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Of each kind and column the last that has a value; a share of no truth at all says that there is none yet."""
    newest: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        has_value = finding.value is not None and not (
            finding.kind == "truth" and not finding.value
        )
        if has_value or (finding.kind, finding.column) not in newest:
            newest[finding.kind, finding.column] = finding
    yield from newest.values()
