"""A deploy that no abort of a Jenkins build reaches, and what the build has to do with it.

    python -m scripts.detached verdict [--deadline SECONDS] [--json]

`verdict` is for the build's `post`: it waits until the deploy that this build began has ended, if it began one, says
how, and keeps that for the report; how it ended, the step has said with its exit code.
"""

from __future__ import annotations

import sys

from scripts.command.options import parsed, plain_parser
from scripts.command.outcome import finish
from scripts.detached import process


def main() -> int:
    if sys.argv[1:2] == ["run"]:
        return process.run(sys.argv[2], sys.argv[3], sys.argv[4:])
    line = plain_parser("detached", __doc__)
    line.add_argument("what", choices=("verdict",))
    line.add_argument("--deadline", type=float, default=process.DEADLINE, help="seconds to wait")
    options = parsed(line, None)
    return finish(lambda: process.verdict(options.deadline), options.json)


if __name__ == "__main__":
    sys.exit(main())
