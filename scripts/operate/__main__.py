"""What people and the nightly job do with a stack.

    python -m scripts.operate up|down|unlock|status|confirm|trace|prune|backup|restore|restore-test|run ...

Each tells more with --help.
"""

from __future__ import annotations

import sys

from scripts.command.options import run_verb
from scripts.operate import backup, confirm, down, prune, run, status, trace, unlock, up

VERBS = {
    "up": up.main,
    "down": down.main,
    "unlock": unlock.main,
    "status": status.main,
    "confirm": confirm.main,
    "trace": trace.main,
    "prune": prune.main,
    "backup": backup.main,
    "restore": backup.main_restore,
    "restore-test": backup.main_test,
    "run": run.main,
}

if __name__ == "__main__":
    sys.exit(run_verb("operate", __doc__, VERBS))
