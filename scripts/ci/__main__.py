"""What a build of Jenkins adds.

python -m scripts.ci scope|offer|notify|reject-unreleased|audit|monitor-report ...    --help tells more
"""

from __future__ import annotations

import sys

from scripts.ci import audit, monitor_pages, notify, reject_unreleased, scope
from scripts.command.options import run_verb

VERBS = {
    "scope": scope.main,
    "offer": notify.main_offer,
    "notify": notify.main,
    "reject-unreleased": reject_unreleased.main,
    "audit": audit.main,
    "monitor-report": monitor_pages.main,
}

if __name__ == "__main__":
    sys.exit(run_verb("ci", __doc__, VERBS))
