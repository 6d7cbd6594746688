"""The ledger for people: the MLflow experiment `releases`, one run a release, rollback or change of traffic.

    python -m scripts.ledger write [--stack NAME] [--json]

Writes what the Swarm's records have and the ledger lacks, so an MLflow that was down loses nothing; a rollback moves
champions back, too. MLFLOW_TRACKING_URI names the MLflow. Exit codes: 0 done, 1 MLflow cannot be reached.
"""

from __future__ import annotations

import sys

from scripts.command.options import parsed, parser
from scripts.command.outcome import finish
from scripts.ledger import releases


def main() -> int:
    line = parser("ledger", __doc__)
    line.add_argument("act", choices=("write",))
    options = parsed(line, None)
    return finish(lambda: releases.write(options.stack), options.json)


if __name__ == "__main__":
    sys.exit(main())
