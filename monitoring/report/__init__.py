"""Evidently's HTML report of a window beside the reference, for people. Its verdict alarms nobody."""

from monitoring.report.on_alarm import AlarmReports
from monitoring.report.reports import NoReport, ReportBusy, Reports

__all__ = ["AlarmReports", "NoReport", "ReportBusy", "Reports"]
