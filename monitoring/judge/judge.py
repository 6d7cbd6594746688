"""`judge_window`: one window of one version and arm, judged step by step."""

from __future__ import annotations

import datetime as dt
import functools
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from monitoring.attribution import explain_drop, last_good
from monitoring.drift import judge_drift
from monitoring.estimate import distrust, judge_estimate, judge_trust, relation_changed
from monitoring.findings.values import Finding, WindowRecord
from monitoring.quality import judge_quality
from monitoring.references import VersionReference
from monitoring.window.journal import JournalReader
from monitoring.window.values import Arm, Span, Window
from service.bundle.engines import Engine
from service.bundle.reference import open_loss_model

NO_ROWS = "no rows: nothing was journalled in this window"
NO_ROWS_YET = "no rows: nothing of this window is in the journal yet, and a node's spool lags"


class Asked(NamedTuple):
    """What is to be judged: the rows of an arm in a span, as the journal has them."""

    arm: Arm
    span: Span
    #: Up to here the journal is complete.
    watermark: dt.datetime
    now: dt.datetime
    #: As the journal counts them by its index alone.
    predictions: int
    #: Rows of the sample.
    limit: int

    @property
    def seed(self) -> int:
        """The same for both arms of a model: a request that went to both is in both samples, or in none."""
        return zlib.crc32(f"{self.arm.model} {self.span.start.isoformat()}".encode()) & 0x7FFFFFFF


class Judgement(NamedTuple):
    record: WindowRecord
    findings: tuple[Finding, ...]
    #: What was judged; None where it could not be read.
    window: Window | None = None


def judge_window(
    asked: Asked,
    version: VersionReference,
    journal: JournalReader,
    earlier: Sequence[Sequence[Finding]] = (),
    former: Window | None = None,
) -> Judgement:
    """`earlier` are the findings of the windows before it, the oldest first, of this version and arm.

    `former` is the window before it, where it is at hand: the page shows it beside the reference.
    """
    contract, rules, reference = version.contract, version.rules, version.reference
    window = journal.window(asked.arm, asked.span, contract, asked.seed, asked.limit)
    truth = journal.truth(window, contract, asked.limit)
    loss_model = _loss_model(version.folder, version.manifest.run_id)

    drift = judge_drift(window, reference, contract, rules, former)
    estimates = judge_estimate(window, reference, loss_model, contract, rules, drift)
    quality = judge_quality(truth, window, reference, contract, rules)
    trust = judge_trust(truth, reference, loss_model, contract, rules.least_rows, drift)
    if relation_changed([*_of_kind(earlier, "trust"), trust]):
        estimates = distrust(estimates)
    findings = [*drift, *estimates, *quality, *trust]
    causes = explain_drop(
        findings, last_good(earlier), window, truth, reference, contract=contract, rules=rules
    )
    return Judgement(_record(asked, window), (*findings, *causes), window)


def judge_empty(asked: Asked) -> Judgement:
    """A hole between windows: the service was not asked, or the journal lost what it was."""
    is_complete = asked.watermark >= asked.span.end
    return judge_unread(asked, NO_ROWS if is_complete else NO_ROWS_YET)


def judge_unread(asked: Asked, reason: str) -> Judgement:
    """Of rows that cannot be read, for want of a contract or for a fault of ours."""
    record = WindowRecord(
        model=asked.arm.model,
        version=asked.arm.version,
        arm=asked.arm.name,
        start=asked.span.start,
        end=asked.span.end,
        rows=asked.predictions,
        sampled=0,
        predictions=asked.predictions,
        first=None,
        last=None,
        watermark=asked.watermark,
        seed=asked.seed,
        judged_at=asked.now,
    )
    unknown = Finding(kind="drift", verdict="unknown", reason=reason, rows=asked.predictions)
    return Judgement(record, (unknown,))


def _of_kind(windows: Sequence[Sequence[Finding]], kind: str) -> list[list[Finding]]:
    return [[finding for finding in window if finding.kind == kind] for window in windows]


def _record(asked: Asked, window: Window) -> WindowRecord:
    return WindowRecord(
        model=window.model,
        version=window.version,
        arm=window.arm,
        start=window.span.start,
        end=window.span.end,
        rows=window.rows,
        sampled=len(window.matrix),
        predictions=asked.predictions,
        first=window.first,
        last=window.last,
        watermark=asked.watermark,
        seed=asked.seed,
        judged_at=asked.now,
        release=window.release,
    )


@functools.lru_cache(maxsize=8)
def _loss_model(folder: Path, run_id: str) -> Engine | None:  # pylint: disable=unused-argument
    """Opened once for each run that made one."""
    return open_loss_model(folder)
