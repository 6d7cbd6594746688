"""Are the files of the stack sound? Stack files, those of HAProxy, Prometheus and Alertmanager, files of settings.

    python -m scripts.stack_file check [--json]
    python -m scripts.stack_file dashboards [--json]    writes Grafana's dashboards

Renders with stand-ins for image and secrets; needs the docker command and no engine. Exit codes: 0 they are, 1 not.
"""

from __future__ import annotations

import os
import sys

from scripts.command.options import parsed, parser
from scripts.command.outcome import finish
from scripts.stack_file import dashboards
from scripts.stack_file.check import check


def main() -> int:
    line = parser("stack_file", __doc__)
    line.add_argument("act", choices=("check", "dashboards"))
    options = parsed(line, None)
    act = dashboards.write if options.act == "dashboards" else lambda: check(os.environ)
    return finish(act, options.json)


if __name__ == "__main__":
    sys.exit(main())
