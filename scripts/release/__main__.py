"""A release comes into the Swarm, or goes back.

python -m scripts.release deploy|plan|staging|rollback|releases|traffic|scale|stack-file ...

Each tells more with --help.
"""

from __future__ import annotations

import sys

from scripts.command.options import run_verb
from scripts.release import deploy, plan, rollback, scale, staging, standalone_file, traffic

VERBS = {
    "deploy": deploy.main,
    "plan": plan.main,
    "staging": staging.main,
    "rollback": rollback.main,
    "releases": rollback.list_releases,
    "traffic": traffic.main,
    "scale": scale.main,
    "stack-file": standalone_file.main,
}

if __name__ == "__main__":
    sys.exit(run_verb("release", __doc__, VERBS))
