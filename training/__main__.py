"""The command line: `python -m training <command> [MODEL...]`."""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from collections.abc import Sequence

from outside.address import public_text
from outside.command_line import more_words
from outside.values import NotAllowed
from training import commands
from training.commands.arguments import check_models, complete, parser
from training.common import failures, interrupts
from training.common.errors import TrainingError
from training.common.progress import say

#: The exit status after Ctrl-C or TERM.
INTERRUPTED = 130


def main(words: Sequence[str] | None = None) -> int:
    line = parser()
    arguments = line.parse_args([*sys.argv[1:], *more_words(line)] if words is None else words)
    warnings.filterwarnings("ignore", category=FutureWarning)
    try:
        complete(arguments)
        check_models(arguments)
        commands.run(arguments)
    except NotAllowed as error:
        return _end_with(TrainingError(str(error)), arguments.traceback)
    except TrainingError as error:
        return _end_with(error, arguments.traceback)
    except failures.kinds() as error:
        return _end_with(failures.explained(error), arguments.traceback)
    except KeyboardInterrupt:
        say("stopped; nothing half-made is registered")
        return INTERRUPTED
    return 0


def _end_with(error: TrainingError, with_traceback: bool) -> int:
    if with_traceback:
        traceback.print_exc()
    say(f"error: {public_text(str(error))}")
    return error.exit_code


if __name__ == "__main__":
    interrupts.listen()
    status = main()
    if status == INTERRUPTED:
        # Threads of libraries may hold up the interpreter's end, and who pressed again would get a traceback.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)
