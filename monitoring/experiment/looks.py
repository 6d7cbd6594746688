"""`ExperimentLooks`: one look after the other at each model's experiment; what one leaves to the next is kept."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from monitoring.experiment import stages
from monitoring.experiment.evidence import disagreement
from monitoring.experiment.evidence.counters import Requests, count_requests
from monitoring.experiment.evidence.reading import ExperimentReader, Journalled, Pair
from monitoring.experiment.judgement import Material, Memory, judge
from monitoring.experiment.stages import Served
from monitoring.experiment.values import Disagreement, Experiment
from monitoring.findings.experiments import ExperimentRecord, Experiments
from monitoring.references import VersionReference
from monitoring.window.values import Span
from service.bundle.monitor_rules import MonitorRules

#: A journal that takes longer than this is read again after nine times as long.
QUICK_SECONDS = 1.0
VersionOf = Callable[[str, str], VersionReference | None]


class LookTimes(NamedTuple):
    """The time of a look; up to when the journal is complete; how far back a challenger is looked for."""

    now: dt.datetime
    watermark: dt.datetime
    since: dt.datetime


class _Read(NamedTuple):
    journalled: Journalled
    disagreement: Disagreement | None
    complete_to: dt.datetime
    #: By the clock of the looks.
    again_at: float


class ExperimentLooks:
    """`version_of` gives contract and rules of a version, or None. Unavailable where a database does not answer."""

    def __init__(
        self,
        kept: Experiments,
        reader: ExperimentReader,
        version_of: VersionOf,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._kept, self._reader, self._version_of = kept, reader, version_of
        self._clock = clock
        self._reads: dict[Pair, _Read] = {}

    def look(
        self, model: str, served: Served | None, requests: Requests, times: LookTimes
    ) -> Experiment | None:
        """The experiment of a model as it is now; None where there is none. That of other versions ends."""
        self._end_others(model, served, times.now)
        if served is None:
            return None
        pair = Pair(model, served.champion, served.challenger)
        memory = self._memory(pair, served.share, times)
        if memory is None:
            return None
        _count(pair, served.share, requests, memory)
        read = self._read(pair, memory, times)
        version = self._version_of(model, pair.champion)
        margin = (MonitorRules() if version is None else version.rules).experiment_margin
        material = Material(
            *(pair, served.share, read.journalled, read.disagreement, margin),
            *(times.now, read.complete_to),
        )
        experiment = judge(material, memory)
        self._keep(experiment, memory)
        return experiment

    def _end_others(self, model: str, served: Served | None, now: dt.datetime) -> None:
        for record in self._kept.running(model):
            if served is None or served[:2] != (record.champion, record.challenger):
                self._kept.end(record, now)
                self._reads.pop(Pair(model, record.champion, record.challenger), None)

    def _memory(self, pair: Pair, share: float | None, times: LookTimes) -> Memory | None:
        """None of a challenger that has not predicted yet and gets no share."""
        former = self._kept.of(*pair)
        if former is not None:
            memory = msgspec.convert(former.memory, Memory)
            if former.ended_at is not None:
                memory.stages = stages.resume(memory.stages, share, former.ended_at, times.now)
            else:
                memory.stages = stages.note_share(memory.stages, share, times.now, former.judged_at)
            return memory
        first = self._reader.first(pair, Span(times.since, times.watermark))
        if first is None and not share:
            return None
        return Memory(stages=stages.first_stages(first or times.now, times.now, share))

    def _read(self, pair: Pair, memory: Memory, times: LookTimes) -> _Read:
        former = self._reads.get(pair)
        if former is not None and self._clock() < former.again_at:
            return former
        began = self._clock()
        journalled = self._reader.read(pair, memory.stages, times.watermark)
        where = None
        if journalled.kind == "shadow":
            where = disagreement.find_disagreement(
                round(journalled.shadow.total("answers")),
                journalled.shadow.total("apart"),
                self._reader.newest_pairs(pair, memory.stages[0].start, times.watermark),
                self._version_of(pair.model, pair.champion),
            )
        ended = self._clock()
        rest = 9 * (ended - began) if ended - began > QUICK_SECONDS else 0.0
        read = _Read(journalled, where, times.watermark, ended + rest)
        self._reads[pair] = read
        return read

    def _keep(self, experiment: Experiment, memory: Memory) -> None:
        record = ExperimentRecord(
            model=experiment.model,
            champion=experiment.champion,
            challenger=experiment.challenger,
            started_at=experiment.started_at,
            judged_at=experiment.judged_at,
            verdict=experiment.verdict,
            decided_at=experiment.decided_at,
            document=msgspec.to_builtins(experiment),
            memory=msgspec.to_builtins(memory),
        )
        self._kept.save(record)


def _count(pair: Pair, share: float | None, requests: Requests, memory: Memory) -> None:
    """A stretch of time ends once both arms have served something: one alone has nothing to be compared with.

    While the challenger is not asked at all, what the champion serves is left out.
    """
    counted = count_requests(requests, *pair, memory.replicas)
    has_both = counted.counts.champion > 0 and counted.counts.challenger > 0
    if has_both:
        memory.add_requests(counted.counts)
    if has_both or share == 0:
        memory.replicas = counted.seen
