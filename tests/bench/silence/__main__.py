"""How often drift is said where there is none, and how often it is found where there is.

python -m tests.bench.silence [silence|relation|peers|power ...] [--nannyml PYTHON] [--share 1.0] [--seed 7]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

from tests.bench.silence import ours, peers, power

ROWS = (200, 2_000, 20_000)
KNOWN = (20_000, 1_000)
#: Triples of windows a cell: 2,100 windows.
TRIPLES = 700
RELATION_TRIPLES = {200: 700, 2_000: 100, 20_000: 67}
EFFECTS = (0.1, 0.15, 0.25, 0.5)
POWER_TRIPLES = {200: 100, 2_000: 67, 20_000: 30}


def silence(share: float, seed: int) -> Iterator[str]:
    yield "| window | reference | windows raised | columns raised | alarms, 2 of 3 (95 %) | columns that alarmed |"
    yield "|---|---|---|---|---|---|"
    for reference_rows in KNOWN:
        for cell in ours.silence(ROWS, reference_rows, _part(TRIPLES, share), seed):
            columns = ", ".join(f"{name} {count}" for name, count in cell.by_column.most_common())
            yield (
                f"| {cell.rows:,} | {reference_rows:,} | {100 * cell.windows.share:.1f} % of {cell.windows.of:,}"
                f" | {100 * cell.columns.share:.2f} % | {cell.alarms} of {cell.alarms.of:,} | {columns or '-'} |"
            )


def relation(share: float, seed: int) -> Iterator[str]:
    yield "| window | reference | windows raised | alarms, 2 of 3 (95 %) |"
    yield "|---|---|---|---|"
    for reference_rows in KNOWN:
        for rows in ROWS:
            raised, alarms = ours.silence_of_relation(
                rows, reference_rows, _part(RELATION_TRIPLES[rows], share), seed
            )
            yield (
                f"| {rows:,} | {reference_rows:,} | {100 * raised.share:.1f} % of {raised.of:,}"
                f" | {alarms} of {alarms.of:,} |"
            )


def beside_peers(share: float, seed: int, nannyml: str) -> Iterator[str]:
    yield "| window | reference | tool | windows raised | columns raised | 2 of 3 (95 %) |"
    yield "|---|---|---|---|---|---|"
    for reference_rows in KNOWN:
        for rows in ROWS:
            tools = peers.compare(
                rows, reference_rows, seed, nannyml, _part(peers.REFERENCES, share)
            )
            for tool, peer in tools.items():
                yield (
                    f"| {rows:,} | {reference_rows:,} | {tool} | {100 * peer.windows.share:.1f} % of {peer.windows.of}"
                    f" | {100 * peer.columns.share:.1f} % | {peer.alarms} |"
                )


def shifts_found(share: float, seed: int) -> Iterator[str]:
    yield (
        "| window | shift | effect | ours, window | ours, 2 of 3 (95 %) | Evidently, window | Evidently, 2 of 3 |"
    )
    yield "|---|---|---|---|---|---|---|"
    for rows in ROWS:
        for shift in power.SHIFTS:
            for effect in EFFECTS:
                if shift.column == "category_8" and effect == 0.5:
                    continue  # more than the level has to give
                # The one that has a bar of its own is told to two digits.
                exact = (rows, shift.column, effect) == (200, "normal", 0.25)
                triples = _part(TRIPLES if exact else POWER_TRIPLES[rows], share)
                outcome = power.power(shift, effect, rows, triples, seed)
                yield (
                    f"| {rows:,} | {shift.title} | {effect} | {outcome.window.share:.2f} | {outcome.alarm}"
                    f" | {outcome.evidently_window.share:.2f} | {outcome.evidently_alarm.share:.3f} |"
                )


def _part(count: int, share: float) -> int:
    return max(1, round(count * share))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.silence", description=__doc__)
    parts = ("silence", "relation", "peers", "power")
    parser.add_argument("parts", nargs="*", choices=[*parts, []], default=[])
    parser.add_argument("--nannyml", default="", help="the Python that has NannyML")
    parser.add_argument("--share", type=float, default=1.0, help="of the windows")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    tables = {
        "silence": lambda: silence(options.share, options.seed),
        "relation": lambda: relation(options.share, options.seed),
        "peers": lambda: beside_peers(options.share, options.seed, options.nannyml),
        "power": lambda: shifts_found(options.share, options.seed),
    }
    for part in options.parts or parts:
        begun = time.process_time()
        print(f"\n{part}, seed {options.seed}", flush=True)
        for line in tables[part]():
            print(line, flush=True)
        print(f"{time.process_time() - begun:.0f} s of one core", flush=True)


if __name__ == "__main__":
    main()
