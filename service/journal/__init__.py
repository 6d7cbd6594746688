"""The journal: every prediction served, in SQL, and what really happened to it.

A worker appends each answered request to its own spool file; a shipper, one process a service,
moves the spool to the database. Neither a dead database nor a full disk delays or fails a
prediction.

    settings = read_settings(os.environ).journal           # of service.settings; raises BadSettings
    log = journal.Journal(settings, [(version, contract), ...])
    log.record(request_id, model, version, release, arm, subject, matrix, answer, at, latency, trace_id)
    log.truth(model, [Entry(request_id, value, row=0)])    # raises Unavailable, Invalid
    log.stats()                                            # for /metrics

    shipper.ship_forever(settings, stop)                   # until `stop`, in a process of its own
    shipper.ship_once(settings)                            # one pass, for tests and tools

A worker loads no SQLAlchemy before the first truth: import what is not exported here from its
module (`truth`, `shipper`).
"""

from service.journal.errors import JournalError, Unavailable
from service.journal.recorder import Journal
from service.journal.spool.counters import Stats

__all__ = [
    "Journal",
    "JournalError",
    "Stats",
    "Unavailable",
]
