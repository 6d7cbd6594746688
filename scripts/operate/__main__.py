"""What people and the nightly job do with a stack.

    python -m scripts.operate up|down|unlock|status|confirm|trace|prune|backup|restore|restore-test|run ...

Each tells more with --help.
"""

from __future__ import annotations

import sys

from scripts.command.options import Verb, run_verb
from scripts.operate import backup, confirm, down, prune, run, status, trace, unlock, up

VERBS = {
    "up": Verb(up.main),
    "down": Verb(down.main),
    "unlock": Verb(unlock.main),
    "status": Verb(status.main),
    "confirm": Verb(confirm.main),
    "trace": Verb(trace.main),
    "prune": Verb(prune.main),
    "backup": Verb(backup.main),
    "restore": Verb(backup.main_restore),
    "restore-test": Verb(backup.main_test),
    "run": Verb(run.main),
}

if __name__ == "__main__":
    sys.exit(run_verb("operate", __doc__, VERBS))
