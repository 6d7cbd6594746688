"""The worker's journal: `record` before an answer leaves, `truth` when the real outcome comes."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from service.journal.errors import JournalError
from service.journal.privacy import Scrubber, keyed_hash
from service.journal.spool.counters import Counters, Stats, stats
from service.journal.spool.frames import Record, Source, SpooledColumn, pack
from service.journal.spool.writer import Spool
from service.settings import JournalSettings

if TYPE_CHECKING:
    from service.bundle.contract import Contract, Matrix
    from service.bundle.engines import Answer
    from service.journal.truth import Entry, Outcome, TruthTable

LOG = logging.getLogger(__name__)

#: Seconds between two log lines about a spool that cannot be written.
QUIET = 30.0
_encode = msgspec.msgpack.Encoder().encode


class _Writer(NamedTuple):
    """What every record of one source shares, made once."""

    number: int
    frame: bytes
    scrubber: Scrubber


class Journal:
    """One a process; safe between threads and over forks. It needs all served contracts."""

    def __init__(self, settings: JournalSettings, contracts: Iterable[tuple[str, Contract]]):
        self._settings = settings
        self._contracts = {(contract.model, version): contract for version, contract in contracts}
        self._spool = Spool(settings.spool, settings.spool_limit, settings.segment_size)
        self._counters = Counters(settings.spool)
        self._writers: dict[tuple[str, str, str, str], _Writer] = {}
        self._subject_treatment = settings.subject
        self._truths: TruthTable | None = None
        self._lock = threading.Lock()
        self._uncounted = 0
        self._silent_until = 0.0

    def record(  # pylint: disable=too-many-arguments,too-many-positional-arguments,too-many-locals
        self,
        request_id: str,
        model: str,
        version: str,
        release: str,
        arm: str,
        subject: str | None,
        matrix: Matrix,
        answer: Answer,
        at: float,
        latency: float,
        trace_id: str | None = None,
    ) -> bool:
        """Spool one answered request; `at` in Unix seconds, `latency` in seconds.

        What it returned True for survives a killed worker and a killed service, not a power cut.
        False: the spool could not be written; that was counted and logged, and the prediction may
        be answered all the same.
        """
        writer = self._writers.get((model, version, release, arm))
        if writer is None:
            writer = self._introduce(model, version, release, arm)
        rows, hidden = len(matrix), None
        if writer.scrubber.needed:
            matrix, hidden = writer.scrubber.split(matrix)
        if self._subject_treatment != "keep" and subject is not None:
            subject = self._treat_subject(subject)
        values, probabilities = answer
        payload = _encode(
            Record(
                writer.number,
                request_id,
                subject,
                at,
                latency,
                matrix.tobytes(),
                values.dtype.char,
                values.tobytes(),
                None if probabilities is None else probabilities.tobytes(),
                hidden,
                trace_id,
            )
        )
        try:
            self._spool.append(writer.number, writer.frame, pack(payload, rows))
        except OSError as error:
            self._drop(rows, error)
            return False
        return True

    def truth(self, model: str, entries: Sequence[Entry]) -> Outcome:
        """Store what really happened; see `service.journal.truth`."""
        with self._lock:
            if self._truths is None:
                # Only here does a worker load SQLAlchemy.
                from service.journal.truth import (  # pylint: disable=import-outside-toplevel
                    TruthTable,
                )

                self._truths = TruthTable(self._settings, self._contracts)
        return self._truths.store(model, entries)

    def stats(self) -> Stats:
        """For /metrics: the same from each worker of a spool."""
        return stats(self._settings.spool)

    def close(self) -> None:
        self._spool.close()
        with self._lock:
            truths, self._truths = self._truths, None
        if truths is not None:
            truths.close()

    def _introduce(self, model: str, version: str, release: str, arm: str) -> _Writer:
        with self._lock:
            contract = self._contracts.get((model, version))
            if contract is None:
                served = ", ".join(" ".join(key) for key in self._contracts)
                raise JournalError(
                    f"given a prediction of {model} {version}; the journal knows {served};"
                    " make it with the contracts of all served bundles"
                )
            number = len(self._writers)
            source = describe(number, contract, (version, release, arm), self._settings)
            writer = _Writer(number, pack(_encode(source), 0), Scrubber(contract, self._settings))
            return self._writers.setdefault((model, version, release, arm), writer)

    def _treat_subject(self, subject: str) -> str | None:
        if self._subject_treatment == "omit":
            return None
        return keyed_hash(self._settings.key, subject)

    def _drop(self, rows: int, error: OSError) -> None:
        with self._lock:
            self._uncounted += rows
            try:
                self._counters.add("unwritable", self._uncounted)
                self._uncounted = 0
            except OSError:
                # Counted when the folder can be written again; until then the log has it.
                pass
            if time.monotonic() < self._silent_until:
                return
            self._silent_until = time.monotonic() + QUIET
        LOG.error(
            "journal: the spool %s cannot be written (%s); predictions are not journalled;"
            " free disk space or correct JOURNAL_SPOOL",
            self._settings.spool,
            error,
        )


def describe(
    number: int, contract: Contract, origin: tuple[str, str, str], settings: JournalSettings
) -> Source:
    """The source that stands before its records in each spool file."""
    version, release, arm = origin
    return Source(
        number,
        contract.model,
        version,
        release,
        arm,
        tuple(
            SpooledColumn(
                column.name,
                column.type,
                () if column.sensitive else column.categories and column.levels,
                settings.sensitive if column.sensitive else "clear",
                len(contract.positions(column.name)),
            )
            for column in contract.columns
        ),
        tuple(output.name for output in contract.outputs),
        contract.classes,
        len(contract.targets),
    )
