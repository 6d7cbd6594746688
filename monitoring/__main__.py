"""What is typed: `python -m monitoring VERB`. Settings come from the environment (docs/monitoring.md).

serve      judges, and shows pages and numbers, until it is told to end
run        looks once: judges what is due, and ends
drift      the newest windows' drift, of MODEL or of all; exit code 3 where something is raised
quality    the newest windows' estimates, quality and truth, in the same way
experiment the verdict on the challenger of MODEL, or of all that have one; exit code 3 where it is worse
report     Evidently's report of the newest window of each MODEL, as a file
hosts      numbers of nodes and tasks, by the engines' API; its settings are its own
simulate   callers whose inputs shift, whose truth comes late, whose relation changes
judge, show   the two processes of `serve`, each alone
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import signal
import sys
import threading
from typing import NoReturn

from monitoring.settings import BadSettings, Settings, read_settings
from service.process import logs

VERBS = (
    *("serve", "run", "drift", "quality", "experiment", "report", "hosts", "simulate"),
    *("judge", "show", "supervise"),
)
MODELS = re.compile(r"\w[\w.-]{0,99}( +\w[\w.-]{0,99})*")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(1, f"python -m monitoring: {message}\n")


def main() -> int:
    # One window at a time: a pool of threads in each linear algebra call would only take from who predicts.
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    verb, rest = _verb()
    if verb == "simulate":
        # pylint: disable-next=import-outside-toplevel
        from monitoring.simulate.command import main as simulate

        return simulate(rest)
    options = _options(verb, rest)
    if verb == "hosts":
        from monitoring.hosts import serve  # pylint: disable=import-outside-toplevel

        return serve.main(os.environ)
    try:
        settings = read_settings(os.environ)
        return _run(verb, settings, options)
    except BadSettings as error:
        return _refuse(error.sentences)


def _verb() -> tuple[str, list[str]]:
    line = _Parser(
        prog="python -m monitoring",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    line.add_argument("verb", choices=VERBS, metavar="VERB")
    words = line.parse_args(sys.argv[1:2])
    try:
        return str(words.verb), [*shlex.split(os.environ.get("ARGS", "")), *sys.argv[2:]]
    except ValueError as error:
        line.error(f"ARGS cannot be divided into words: {error}")


def _options(verb: str, rest: list[str]) -> argparse.Namespace:
    line = _Parser(prog=f"python -m monitoring {verb}")
    if verb in ("drift", "quality", "experiment", "report"):
        line.add_argument("models", nargs="*", default=None, help="all, where none is named")
    if verb in ("drift", "quality", "experiment"):
        line.add_argument("--json", action="store_true", help="one JSON document on stdout")
    if verb in ("judge", "show"):
        line.add_argument("--supervised", action="store_true", help=argparse.SUPPRESS)
    options = line.parse_args(rest)
    if "models" in options and not options.models:
        text = os.environ.get("MODEL", "").strip()
        if text and not MODELS.fullmatch(text):
            line.error(f"MODEL is {text[:80]!r}; allowed are names of letters, digits, . _ and -")
        options.models = text.split()
    return options


def _run(verb: str, settings: Settings, options: argparse.Namespace) -> int:
    # pylint: disable=import-outside-toplevel,too-many-return-statements
    logs.set_up(settings.log_level, service="swarmline-monitor")
    if verb == "serve":
        from monitoring.server import start

        return start.serve(settings, os.environ)
    if verb == "supervise":
        # What `serve` becomes once it has made sure that both processes can start.
        from monitoring.server import supervisor

        supervisor.run_both(os.environ)
        return 0
    if verb == "show":
        from monitoring.server import start

        return start.show(settings, options.supervised)
    if verb in ("judge", "run"):
        from monitoring.server import start

        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        if verb == "run":
            return start.judge_once(settings)
        return start.judge(settings, stop, options.supervised)
    from monitoring.server import asked

    if verb == "report":
        return asked.write_reports(settings, options.models)
    return asked.show(settings, verb, options.models, options.json)


def _refuse(sentences: list[str]) -> int:
    for sentence in sentences:
        print(f"cannot start: {sentence}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
