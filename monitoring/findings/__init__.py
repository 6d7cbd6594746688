"""What the monitor says of windows, as values, and the database that keeps them.

    store = Store(url)                                   # threads may share one
    store.prepare()                                      # makes its tables
    store.save(record, findings, raised, resolved)       # one transaction; a window judged again replaces itself
    store.series("yield", {"drift"}, limit=100)          # (record, finding) pairs, the oldest first

Every method raises FindingsUnavailable where the database is away; `save` UnfitFindings of what it cannot keep.
"""

from monitoring.findings.database import FindingsUnavailable, UnfitFindings
from monitoring.findings.experiments import ExperimentRecord, Experiments
from monitoring.findings.retrains import Retrains
from monitoring.findings.scalings import Scalings
from monitoring.findings.store import Arm, Store, answering
from monitoring.findings.values import (
    Alarm,
    Capacity,
    Finding,
    Retrain,
    Scaling,
    SourceState,
    WindowRecord,
)

__all__ = [
    "Alarm",
    "Arm",
    "Capacity",
    "ExperimentRecord",
    "Experiments",
    "Finding",
    "FindingsUnavailable",
    "Retrain",
    "Retrains",
    "Scaling",
    "Scalings",
    "SourceState",
    "Store",
    "UnfitFindings",
    "WindowRecord",
    "answering",
]
