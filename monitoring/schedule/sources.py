"""What the monitor needs from elsewhere, and whether it answers: said in the log when it changes, and kept."""

from __future__ import annotations

import datetime as dt

from monitoring.findings import FindingsUnavailable, Store
from service.process.logs import log

#: In the order in which a person would look at them. Prometheus and MLflow count only where they are named.
JOURNAL, FINDINGS, REFERENCES = "journal", "findings", "references"
MLFLOW, PROMETHEUS, CLOCK, ELASTIC = "mlflow", "prometheus", "clock", "elastic"
#: Whether it takes the retrainings that alerts ask for.
JENKINS = "jenkins"
#: Whether Jenkins takes the orders of replicas.
SCALE = "scale"
#: Whether windows can be judged that could be read: where not, it is a fault of the monitor.
JUDGING = "judging"


class Sources:
    """One a process. What is noted while the database of findings is away is noted there once it is back."""

    def __init__(self, store: Store):
        self._store = store
        self._states: dict[str, tuple[bool, str]] = {}
        self._values: dict[str, float] = {}
        #: By source, whose fault it is.
        self._parts: dict[str, dict[tuple[str, ...], str]] = {}
        self._unsaved: dict[str, dt.datetime] = {}

    def note(self, source: str, up: bool, reason: str = "", value: float | None = None) -> None:
        """`reason` says why it is down; of one that is up, what is not as it should be."""
        if value is not None:
            self._values[source] = value
        before = self._states.get(source)
        if before != (up, reason):
            self._states[source] = (up, reason)
            _say(source, before, up, reason)
        self._unsaved[source] = dt.datetime.now(dt.UTC)

    def note_part(self, source: str, part: tuple[str, ...], reason: str = "") -> None:
        """Of a source that is up where each part of it is: what is said of a sound one hides no other's fault."""
        faults = self._parts.setdefault(source, {})
        if reason:
            faults[part] = reason
        else:
            faults.pop(part, None)
        self.note(source, not faults, next(iter(faults.values()), ""))

    def save(self) -> None:
        """Into the database of findings; its own state too."""
        try:
            self.note(FINDINGS, True)
            for source, at in sorted(self._unsaved.items()):
                up, reason = self._states[source]
                self._store.note_source(source, up, reason, at, self._values.get(source))
            self._unsaved.clear()
        except FindingsUnavailable as error:
            self.note(FINDINGS, False, str(error))


def _say(source: str, before: tuple[bool, str] | None, up: bool, reason: str) -> None:
    if not up:
        log(
            "warning",
            "source-down",
            message=f"{source} is down: {reason}",
            source=source,
            reason=reason,
        )
    elif reason:
        log("warning", "source-odd", message=f"{source}: {reason}", source=source, reason=reason)
    elif before is not None:
        log("info", "source-up", message=f"{source} is as it should be again", source=source)
