"""A release comes into the Swarm, or goes back.

python -m scripts.release deploy|plan|staging|rollback|releases|traffic|scale|stack-file ...

Each tells more with --help.
"""

from __future__ import annotations

import sys

from scripts.command.options import Verb, run_verb
from scripts.release import deploy, plan, rollback, scale, staging, standalone_file, traffic

VERBS = {
    "deploy": Verb(deploy.main),
    "plan": Verb(plan.main),
    "staging": Verb(staging.main),
    "rollback": Verb(rollback.main),
    "releases": Verb(rollback.list_releases),
    "traffic": Verb(traffic.main),
    "scale": Verb(scale.main),
    "stack-file": Verb(standalone_file.main),
}

if __name__ == "__main__":
    sys.exit(run_verb("release", __doc__, VERBS))
