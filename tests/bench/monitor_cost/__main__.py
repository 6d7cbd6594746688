"""`python -m tests.bench.monitor_cost`: what the monitor costs a service under steady load, and their PostgreSQL.

Windows of a minute, a model of 13 numbers, truth of half of the rows. Each minute has two rounds: one around the end of
a window, in which the monitor judges, and one in which all its processes are stopped (SIGSTOP). The first window after
a change of the rate is of both rates: its latency counts, its cost does not. 7.5 minutes in all.
"""

from __future__ import annotations

import argparse
import itertools
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from scripts.command.options import parsed
from tests.bench import contenders
from tests.bench.monitor_cost.costs import Cost, measure_cost, print_longest, reset, usage
from tests.bench.monitor_cost.site import MODEL, Site, bodies, signal_all, site
from tests.support.swarm_stack.callers import prediction
from tests.support.swarm_stack.paced import PacedCallers

#: Predictions a second, and rows of a request.
BATCHES = {100: 10, 1_000: 20, 3_000: 50}
#: So many requests at once, at most.
THREADS = 8
#: Seconds of a minute at which the round ends in which the monitor judges, and the one in which it is stopped.
JUDGED_BY, STOPPED_UNTIL = 25.0, 45.0
TRUTH = """
INSERT INTO truth (model, request_id, row, at, received_at, value, label, number)
SELECT DISTINCT ON (request_id, row) model, request_id, row, at, now(), '"good"', 'good', NULL FROM prediction
WHERE at > now() - interval '70 seconds' AND hashtext(request_id) % 2 = 0
ON CONFLICT DO NOTHING
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rates", type=int, nargs="+", choices=BATCHES, default=list(BATCHES))
    parser.add_argument(
        "--minutes", type=int, default=2, choices=range(2, 11), help="at each rate, 2 to 10"
    )
    parser.add_argument("--statements", action="store_true", help="print those that took longest")
    options = parsed(parser, None)
    # Else whoever ends it in the middle leaves the processes.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    print(f"{os.cpu_count()} cores, load before: {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(prefix="cost-") as place, site(Path(place)) as started:
        lines = [HEAD]
        for rate in options.rates:
            lines.append(measure(started, rate, options))
            print(f"{lines[-1]}\nload: {os.getloadavg()[0]:.1f}", flush=True)
    print("\n".join(lines))
    return 0


HEAD = """\
| predictions a second | windows judged a minute | monitor: CPU s | its peak MB: judges, shows, over both | its statements | their seconds | CPU s of their backends | service, p50 ms: without, with | p99 ms: without, with | requests, failed |
|---|---|---|---|---|---|---|---|---|---|"""


def measure(running: Site, rate: int, options: argparse.Namespace) -> str:
    """A line of the table."""
    batch = BATCHES[rate]
    requests = itertools.cycle(
        [prediction(MODEL, body["rows"], contenders.KEY) for body in bodies(batch)]
    )
    with_it: list[float] = []
    without: list[float] = []
    costs: list[Cost] = []
    callers = PacedCallers(
        ["127.0.0.1"],
        running.service.contender.port,
        None,
        lambda _: next(requests),
        THREADS,
        lambda _: rate / batch,
    )
    with callers as paced:
        for minute in range(options.minutes):
            signal_all(running.monitor, signal.SIGSTOP)
            without += round_until(paced, STOPPED_UNTIL)
            tell_truth(running.database)
            reset(running)
            began, cpu = time.time(), usage(running)
            signal_all(running.monitor, signal.SIGCONT)
            with_it += round_until(paced, JUDGED_BY)
            if minute:
                costs.append(measure_cost(running, began, cpu))
    if options.statements:
        print_longest(running.database)
    return line(rate, costs, without, with_it, paced)


def round_until(paced: PacedCallers, second: float) -> list[float]:
    """The latencies of what is answered from now until this second of the minute."""
    before = len(paced.seen.answers)
    time.sleep((second - time.time()) % 60)
    return [answer.seconds for answer in paced.seen.answers[before:] if answer.status == "200"]


def tell_truth(database: sa.Engine) -> None:
    with database.begin() as connection:
        connection.exec_driver_sql(TRUTH.replace("%", "%%"))


def line(
    rate: int, costs: list[Cost], without: list[float], with_it: list[float], paced: PacedCallers
) -> str:
    minutes = len(costs)
    peak = ", ".join(
        f"{max(each.peak_megabytes[verb] for each in costs):.0f}"
        for verb in ("judge", "show", "supervise")
    )
    percentiles = [
        ", ".join(f"{1000 * float(np.percentile(part, which)):.1f}" for part in (without, with_it))
        for which in (50, 99)
    ]
    cells = [
        f"{rate:,} in requests of {BATCHES[rate]}",
        f"{sum(each.windows for each in costs) / minutes:.1f}",
        f"{sum(each.cpu_seconds for each in costs) / minutes:.2f}",
        peak,
        f"{sum(each.statements for each in costs) / minutes:.0f}",
        f"{sum(each.statement_seconds for each in costs) / minutes:.2f}",
        f"{sum(each.backend_seconds for each in costs) / minutes:.2f}",
        *percentiles,
        f"{paced.seen.requests:,}, {len(paced.seen.failures)}",
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    raise SystemExit(main())
