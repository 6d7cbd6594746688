"""How often an experiment without a difference gets a verdict, and how many rows it takes to find one that is there.

python -m tests.bench.experiments [silence|power|errors ...] [--runs 500] [--seed 7]
"""

from __future__ import annotations

import argparse
import functools
import statistics
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from tests.bench.experiments.simulated import (
    RAMP,
    Outcome,
    Plan,
    run_events,
    run_shadow,
    run_split,
)

Run = Callable[[np.random.Generator], Outcome]
SUBJECT_ROWS = 20
#: Each with its level: 3 % for quality, 1 % for errors.
SILENCE: tuple[tuple[str, str, Run], ...] = (
    ("accuracy 0.85, share 5 %", "3 %", lambda random: run_split(Plan((0.05,)), random)),
    ("accuracy 0.85, share 25 %", "3 %", lambda random: run_split(Plan((0.25,)), random)),
    ("accuracy 0.85, share 50 %", "3 %", lambda random: run_split(Plan((0.5,)), random)),
    ("accuracy 0.85, ramp 5, 25, 50 %", "3 %", lambda random: run_split(Plan(RAMP), random)),
    (
        "accuracy 0.97, share 25 %",
        "3 %",
        lambda random: run_split(Plan((0.25,), wrong=0.03), random),
    ),
    (
        "absolute error, lognormal, share 5 %",
        "3 %",
        lambda random: run_split(Plan((0.05,), numbers=True), random),
    ),
    (
        "absolute error, lognormal, share 50 %",
        "3 %",
        lambda random: run_split(Plan((0.5,), numbers=True), random),
    ),
    (
        "subjects of 20 rows, share 25 %",
        "3 %",
        lambda random: run_split(Plan((0.25,), subject_rows=SUBJECT_ROWS), random),
    ),
    (
        "subjects of 20 rows, ramp 5, 25, 50 %",
        "3 %",
        lambda random: run_split(Plan(RAMP, subject_rows=SUBJECT_ROWS), random),
    ),
    (
        "the same, wrongly with rows as units, share 25 %",
        "3 %",
        lambda random: run_split(
            Plan((0.25,), subject_rows=SUBJECT_ROWS, units_are_rows=True), random
        ),
    ),
    (
        "shadow, 10 % differ",
        "3 %",
        lambda random: run_shadow(0.0, 0.1, 200, 100, random),
    ),
    (
        "errors 0.2 %, ramp 5, 25, 50 %",
        "1 %",
        lambda random: run_events(0.002, 0.002, Plan(RAMP), random),
    ),
    (
        "errors 2 %, ramp 5, 25, 50 %",
        "1 %",
        lambda random: run_events(0.02, 0.02, Plan(RAMP), random),
    ),
)
GAINS = (0.01, 0.02, 0.05)
#: Rows after which a search for a difference is given up.
MOST_ROWS, LOOK_ROWS = 100_000, 500
#: Failures of champion and challenger, share of the challenger.
FAILURES = (
    (0.0, 0.2, 0.05),
    (0.0, 0.2, 0.5),
    (0.0, 0.05, 0.05),
    (0.0, 0.05, 0.5),
    (0.005, 0.2, 0.05),
    (0.005, 0.025, 0.05),
    (0.005, 0.01, 0.5),
)


def silence(runs: int, seed: int) -> Iterator[str]:
    yield "| no difference, 100 looks of 200 rows | level | verdicts | z-test at each look |"
    yield "|---|---|---|---|"
    for place, (title, level, run) in enumerate(SILENCE):
        outcomes = draw(run, runs, (seed, place))
        wrong = sum(outcome.rows is not None for outcome in outcomes)
        by_z = sum(outcome.z_rows is not None for outcome in outcomes)
        yield f"| {title} | {level} | {wrong / runs:.1%} | {by_z / runs:.0%} |"


def power(runs: int, seed: int) -> Iterator[str]:
    yield f"| better by | {' | '.join(f'{gain * 100:g} points' for gain in GAINS)} |"
    yield "|---|" + "---|" * len(GAINS)
    windows = MOST_ROWS // LOOK_ROWS
    for place, (title, shares) in enumerate(
        (("share 50 %", (0.5,)), ("share 25 %", (0.25,)), ("share 5 %", (0.05,)))
    ):
        plans = [Plan(shares, gain=gain, windows=windows, rows=LOOK_ROWS) for gain in GAINS]
        cells = [
            found(
                draw(
                    functools.partial(run_split, plan), runs, (seed, place, round(plan.gain * 100))
                ),
                "better",
            )
            for plan in plans
        ]
        yield f"| {title} | {' | '.join(cells)} |"
    cells = [
        found(
            draw(
                functools.partial(run_shadow, gain, 0.1, 200, 500),
                runs,
                (seed, 9, round(gain * 100)),
            ),
            "better",
        )
        for gain in GAINS
    ]
    yield f"| shadow, 10 % differ | {' | '.join(cells)} |"


def errors(runs: int, seed: int) -> Iterator[str]:
    yield (
        "| failures of champion, challenger | share | stopped after requests (9 of 10 runs by)"
        " | of these the challenger's |"
    )
    yield "|---|---|---|---|"
    for place, (champion, challenger, share) in enumerate(FAILURES):
        plan = Plan((share,), windows=4000, rows=10)
        run = functools.partial(run_events, champion, challenger, plan)
        outcomes = draw(run, runs, (seed, 20 + place))
        rows = sorted(outcome.rows or 10**9 for outcome in outcomes)
        stopped = [number for number in rows if number < 10**9]
        ninth = rows[int(0.9 * len(rows))]
        late = f"{ninth:,}" if ninth < 10**9 else "more than 40,000"
        median = statistics.median(stopped)
        yield (
            f"| {champion:.1%}, {challenger:.1%} | {share:.0%} | {median:,.0f} ({late}) | {median * share:,.0f} |"
        )


def draw(run: Run, runs: int, seed: Sequence[int]) -> list[Outcome]:
    return [run(np.random.default_rng([*seed, number])) for number in range(runs)]


def found(outcomes: Sequence[Outcome], verdict: str) -> str:
    """The median of the rows, and the share that was told in time."""
    rows = [outcome.rows for outcome in outcomes if outcome.rows and outcome.verdict == verdict]
    if not rows:
        return "not found"
    # Those that were not found took longer than all others.
    ranked = sorted([*rows, *[MOST_ROWS + 1] * (len(outcomes) - len(rows))])
    median = ranked[len(ranked) // 2]
    text = f"{median:,}" if median <= MOST_ROWS else f"more than {MOST_ROWS:,}"
    return f"{text} ({len(rows) / len(outcomes):.0%})"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.experiments", description=__doc__)
    tables = {"silence": silence, "power": power, "errors": errors}
    parser.add_argument("parts", nargs="*", choices=[*tables, []], default=[])
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    for part in options.parts or tables:
        begun = time.process_time()
        runs = options.runs if part != "power" else max(1, options.runs // 5)
        print(f"\n{part}, {runs} runs, seed {options.seed}", flush=True)
        for line in tables[part](runs, options.seed):
            print(line, flush=True)
        print(f"{time.process_time() - begun:.0f} s of one core", flush=True)


if __name__ == "__main__":
    main()
