"""What a build of Jenkins adds.

python -m scripts.ci scope|offer|notify|reject-unreleased|audit|monitor-report ...    --help tells more
"""

from __future__ import annotations

import sys

from scripts.ci import audit, monitor_pages, notify, reject_unreleased, scope
from scripts.command.options import Verb, run_verb

VERBS = {
    "scope": Verb(scope.main),
    "offer": Verb(notify.main_offer),
    "notify": Verb(notify.main),
    "reject-unreleased": Verb(reject_unreleased.main),
    "audit": Verb(audit.main),
    "monitor-report": Verb(monitor_pages.main),
}

if __name__ == "__main__":
    sys.exit(run_verb("ci", __doc__, VERBS))
