"""What the log says of a window that was judged, and of an alarm that began or ended."""

from __future__ import annotations

from monitoring.findings import Alarm
from monitoring.judge.judge import Judgement
from service.process.logs import log


def log_judgement(judgement: Judgement, changes: list[Alarm]) -> None:
    record = judgement.record
    of = {"model": record.model, "version": record.version, "arm": record.arm}
    raised = [finding for finding in judgement.findings if finding.verdict == "raised"]
    message = f"{record.rows} rows from {record.start.isoformat()}: {len(raised)} findings raised"
    message = "; ".join(filter(None, (message, record.lacking)))
    log("info", "window-judged", message=message, **of)
    for alarm in changes:
        log_alarm(alarm)


def log_alarm(alarm: Alarm) -> None:
    word = "raised" if alarm.resolved_at is None else "resolved"
    message = f"{' '.join(filter(None, (alarm.kind, alarm.column)))}: {alarm.reason or word}"
    of = {"model": alarm.model, "version": alarm.version, "arm": alarm.arm}
    log("warning", f"alarm-{word}", message=message, **of)
