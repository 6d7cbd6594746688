"""`make simulate`: callers for the models of the exported set, against a service that runs, by default on this machine.

python -m monitoring simulate [MODEL...] [--scenario all|calm|shift|late|relation] [--rate N] [--rows N]
    [--delay SECONDS] [--calm MINUTES] [--minutes N] [--url http://127.0.0.1:8080] [--elsewhere] [--key-file FILE]
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import re
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from monitoring.references.version import VersionReference, read_version
from monitoring.simulate.callers import Caller, Pace
from monitoring.simulate.rows import Rows
from monitoring.simulate.scenario import SCENARIOS, Phase, phase_at
from monitoring.simulate.truth import Truth
from service.bundle.exported import read_aliases
from service.bundle.manifest import BundleError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
#: The most that it asks for, of each model: it shows what the monitor does, and measures nothing.
MOST_RATE, MOST_ROWS, MOST_MINUTES = 50.0, 500, 24 * 60.0
NAME = re.compile(r"\w[\w.-]{0,99}")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(1, f"simulate: {message}\n")


def main(words: Sequence[str]) -> int:
    options = _options(words)
    try:
        callers = _callers(options)
    except BundleError as error:
        print(f"simulate: {error}")
        return 1
    first, *others = SCENARIOS[options.scenario]
    scenario = (first._replace(minutes=options.calm), *others) if others else (first,)
    if options.minutes:
        scenario = (*scenario[:-1], scenario[-1]._replace(minutes=options.minutes))
    print(f"{options.url}: {', '.join(caller.model for caller in callers)};", end=" ")
    # As `make run` has it (scripts/operate/run.py).
    monitor = os.environ.get("MONITOR_BIND") or "127.0.0.1:8090"
    print(
        f"http://{monitor}/monitor/ shows what the monitor makes of it; Ctrl-C ends it", flush=True
    )
    return _run(callers, scenario)


def _options(words: Sequence[str]) -> argparse.Namespace:
    line = _Parser(
        prog="python -m monitoring simulate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    line.add_argument("models", nargs="*", help="all of the exported set, where none is named")
    line.add_argument("--scenario", choices=SCENARIOS, default="all")
    line.add_argument("--rate", type=float, default=5.0, help="requests a second, of each model")
    line.add_argument("--rows", type=int, default=20, help="rows of a request")
    line.add_argument("--delay", type=float, default=20.0, help="seconds until truth is sent")
    line.add_argument("--calm", type=float, default=1.0, help="minutes of the first phase")
    line.add_argument("--minutes", type=float, default=0.0, help="of the last phase")
    line.add_argument("--url", default=os.environ.get("SERVICE_URL") or "http://127.0.0.1:8080")
    line.add_argument("--elsewhere", action="store_true", help="ask a service on another machine")
    line.add_argument("--key-file", type=Path, help="a key with the scopes predict and truth")
    line.add_argument(
        "--bundles", type=Path, default=Path(os.environ.get("BUNDLES") or "build/bundles")
    )
    options = line.parse_args(words)
    options.models = options.models or os.environ.get("MODEL", "").split()
    options.url = options.url.rstrip("/")
    for allowed, sentence in (
        (
            0 < options.rate <= MOST_RATE,
            f"--rate is {options.rate:g}; allowed is up to {MOST_RATE:g}",
        ),
        (0 < options.rows <= MOST_ROWS, f"--rows is {options.rows}; allowed is 1 to {MOST_ROWS}"),
        (0 <= options.delay <= 86_400, f"--delay is {options.delay:g}; allowed is 0 to 86400"),
        (
            0 <= options.minutes <= MOST_MINUTES and 0 <= options.calm <= MOST_MINUTES,
            f"--minutes and --calm may be up to {MOST_MINUTES:g}",
        ),
        (all(map(NAME.fullmatch, options.models)), "a model's name has letters, digits, . _ and -"),
        (
            options.elsewhere or urlsplit(options.url).hostname in LOOPBACK,
            f"--url is {options.url}, on another machine: its journal would be filled with what never happened;"
            " --elsewhere means it",
        ),
    ):
        if not allowed:
            line.error(sentence)
    try:
        file = options.key_file
        options.key = file.read_text(encoding="utf-8").strip() if file else ""
    except (OSError, UnicodeDecodeError) as error:
        line.error(f"--key-file is {options.key_file}, which cannot be read: {error}")
    return options


def _callers(options: argparse.Namespace) -> list[Caller]:
    key = options.key
    aliases = read_aliases(options.bundles)
    lacking = sorted(set(options.models) - aliases.keys())
    if lacking:
        raise BundleError(
            f"{', '.join(lacking)}: not in the exported set; there are {', '.join(aliases)}"
        )
    pace = Pace(options.rate, options.rows, options.delay)
    callers = []
    for seed, model in enumerate(sorted(options.models or aliases)):
        champion = aliases[model]["champion"]
        version = read_version(options.bundles / model / champion, model, champion)
        callers.append(_caller(options.url, key, version, pace, seed))
    return callers


def _caller(url: str, key: str, version: VersionReference, pace: Pace, seed: int) -> Caller:
    contract = version.contract
    if version.reference is None:
        raise BundleError(f"{contract.model}: {version.reason}")
    rows = Rows(contract, version.reference, seed, dt.datetime.now(dt.UTC))
    truth = Truth(contract, version.manifest, version.reference.calibration, seed)
    return Caller(url, key, contract.model, rows, truth, pace)


def _run(callers: Sequence[Caller], scenario: tuple[Phase, ...]) -> int:
    began, stop = time.monotonic(), threading.Event()

    def phase() -> Phase | None:
        return phase_at(scenario, (time.monotonic() - began) / 60)

    threads = [threading.Thread(target=caller.run, args=(phase, stop)) for caller in callers]
    for thread in threads:
        thread.start()
    try:
        printed_phase: Phase | None = None
        while (now := phase()) is not None:
            if now is not printed_phase:
                print(
                    f"{dt.datetime.now():%H:%M:%S} {now.name}, {now.minutes:g} minutes: {now.words}",
                    flush=True,
                )
                printed_phase = now
            stop.wait(1.0)
    except KeyboardInterrupt:
        pass
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    for caller in callers:
        counts = caller.counts
        words = (
            f"{counts.answered} of {counts.asked} requests answered, {counts.truths} truths stored"
        )
        print(f"{caller.model}: {words}{'; last fault: ' + counts.fault if counts.fault else ''}")
    return 0 if all(caller.counts.answered for caller in callers) else 1
