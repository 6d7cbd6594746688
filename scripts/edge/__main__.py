"""Does a running service predict what was exported? Asks it for the golden rows of each bundle.

    python -m scripts.edge smoke [--url http://127.0.0.1:8080] [--bundles build/bundles] [--key-file FILE] [--json]

Exit codes: 0 every row came out as exported, 1 anything else.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from scripts.command.options import parsed, plain_parser
from scripts.command.outcome import Refused, say
from scripts.edge.smoke import smoke


def main(arguments: list[str] | None = None) -> int:
    line = plain_parser("edge", __doc__)
    line.add_argument("act", choices=("smoke",))
    line.add_argument("--url", default="http://127.0.0.1:8080")
    line.add_argument("--bundles", type=Path, default=os.environ.get("BUNDLES") or "build/bundles")
    line.add_argument("--key-file", type=Path, help="file with a key of scope predict")
    options = parsed(line, arguments)
    key = options.key_file.read_text().strip() if options.key_file else ""
    try:
        verdicts = smoke(options.url, options.bundles, key)
    except Refused as error:
        say(f"swarmline: {error}")
        return 1
    if options.json:
        print(json.dumps([verdict._asdict() for verdict in verdicts]))
    else:
        print("\n".join(map(str, verdicts)))
    return 0 if not any(verdict.problem for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
