"""Estimates before the truth beside the truth that comes later, and beside NannyML's of the same rows.

python -m tests.bench.estimates --nannyml PYTHON [--seeds 3] [--windows 40] [--json FILE] [--figures FILE]

PYTHON is that of an environment made by requirements/nannyml.txt; its packages also bring the public data sets.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from monitoring.estimate import judge_trust, relation_changed
from monitoring.estimate.estimate import estimate
from tests.bench.public_sets import PUBLIC
from tests.support.monitoring.populations import Population, Rows, population, truth_of
from training.metrics.metric import Scored, measure
from training.metrics.tasks import METRICS

WINDOW = 500
LEAST = 100
MADE_UP = ("easy", "hard", "rare", "numbers")
TRUST_WINDOWS = 10
SCRIPT = Path(__file__).with_name("nannyml_estimates.py")


class Case(NamedTuple):
    """Windows of a population whose truth comes later. `inputs` are the same, shifted, or of a later time."""

    inputs: str
    population: Population
    windows: list[Rows]

    @property
    def name(self) -> str:
        return f"{self.population.name}, {self.inputs}"


def made_up(seed: int, windows: int) -> Iterator[Case]:
    for name in MADE_UP:
        drawn = population(name, seed)
        for inputs in ("same", "shifted"):
            random = np.random.default_rng([seed, inputs == "shifted"])
            yield Case(
                inputs,
                drawn,
                [drawn.draw(WINDOW, random, inputs == "shifted") for _ in range(windows)],
            )


def public(packages: Path, seed: int, windows: int) -> Iterator[Case]:
    for read in PUBLIC.values():
        learnt, later = read(packages, seed, windows * WINDOW)
        starts = range(0, len(later.truth) - WINDOW + 1, WINDOW)
        yield Case("later", learnt, [later.take(slice(start, start + WINDOW)) for start in starts])


def measure_case(case: Case) -> Iterator[dict[str, Any]]:
    """A record a window and metric: our estimate, unless it cannot be known, and the later truth."""
    drawn = case.population
    for number, rows in enumerate(case.windows):
        ours = estimate(rows, drawn.reference, drawn.loss_model, drawn.contract, LEAST)
        scored = Scored(rows.truth, rows.values, rows.probabilities)
        for metric, later in measure(METRICS[drawn.contract.task], scored).items():
            record = {
                "case": case.name,
                "window": number,
                "metric": metric,
                "later": later,
                "unknown": ours.unknown,
            }
            if not ours.unknown:
                value, _, low, high = ours.metrics[metric]
                record["ours"] = {"value": value, "low": low, "high": high}
            yield record


def measure_trust(case: Case, seed: int) -> dict[str, Any]:
    """How many windows of truth it takes once the relation changed, and whether it is said before."""
    drawn, random = case.population, np.random.default_rng([seed, 7])

    def trust(changed: bool) -> Any:
        rows = drawn.draw(WINDOW, random, changed=changed)
        return judge_trust(truth_of(rows), drawn.reference, drawn.loss_model, drawn.contract, LEAST)

    before = [trust(False) for _ in range(TRUST_WINDOWS)]
    early = any(relation_changed(before[:end]) for end in range(1, len(before) + 1))
    after: list[Any] = []
    while len(after) < TRUST_WINDOWS and not relation_changed([*before, *after]):
        after.append(trust(True))
    return {"case": drawn.name, "early": early, "windows": len(after)}


def ask_nannyml(python: Path, named: dict[str, Case]) -> dict[str, Any]:
    """Its estimates by case: of all cases in one process, whose start takes longer than its work."""
    with tempfile.TemporaryDirectory(prefix="nannyml-") as folder:
        for name, case in named.items():
            write_case(case, Path(folder) / name.replace(", ", "-"))
        subprocess.run([python, SCRIPT, folder], check=True, stdout=sys.stderr)
        return {
            name: json.loads((Path(folder) / name.replace(", ", "-") / "nannyml.json").read_text())
            for name in named
        }


def write_case(case: Case, folder: Path) -> None:
    folder.mkdir()
    contract, windows = case.population.contract, case.windows
    about = {"task": contract.task, "features": contract.names, "window": WINDOW}
    (folder / "about.json").write_text(json.dumps(about))
    frame(case.population, case.population.held_out).to_csv(folder / "reference.csv", index=False)
    pd.concat([frame(case.population, rows) for rows in windows]).to_csv(
        folder / "windows.csv", index=False
    )


def frame(drawn: Population, rows: Rows) -> pd.DataFrame:
    columns = pd.DataFrame(rows.matrix, columns=drawn.contract.names)
    columns["answer"], columns["truth"] = rows.values, rows.truth
    if rows.probabilities is not None:
        columns["probability"] = rows.probabilities[:, 1]
    return columns


def run(python: Path | None, seeds: int, windows: int) -> dict[str, Any]:
    records: list[dict[str, Any]] = []
    trust = []
    for seed in range(seeds):
        cases = list(made_up(seed, windows))
        trust += [measure_trust(case, seed) for case in cases if case.inputs == "same"]
        if python:
            cases += public(packages_of(python), seed, windows)
        theirs = ask_nannyml(python, {case.name: case for case in cases}) if python else {}
        for case in cases:
            for record in measure_case(case):
                values = theirs.get(case.name, {}).get(record["metric"])
                records.append(
                    {
                        "seed": seed,
                        **record,
                        **({"nannyml": values[record["window"]]} if values else {}),
                    }
                )
        print(f"seed {seed} done", file=sys.stderr, flush=True)
    return {"seeds": seeds, "windows": windows, "rows": WINDOW, "records": records, "trust": trust}


def packages_of(python: Path) -> Path:
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    answer = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True)
    return Path(answer.stdout.strip())


def figures(results: dict[str, Any]) -> dict[str, Any]:
    """NannyML's estimates of the first seed's windows without a shift, by population and metric."""
    values: dict[str, dict[str, list[float]]] = {}
    for record in results["records"]:
        name, inputs = record["case"].split(", ")
        if record["seed"] == 0 and inputs == "same" and "nannyml" in record:
            metrics = values.setdefault(name, {})
            metrics.setdefault(record["metric"], []).append(round(record["nannyml"]["value"], 6))
    return {"nannyml": "0.13.1", "seed": 0, "rows": results["rows"], "estimates": values}


def table(results: dict[str, Any]) -> str:
    """Of windows whose estimate is known: mean absolute error, share of later values within the interval, its width."""
    lines = [
        "| data | metric | truth | ours: error | covered | width | NannyML: error | covered | width | not known |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    records = pd.DataFrame(results["records"])
    for names, group in records.groupby(["case", "metric"], sort=False):
        case, metric = map(str, names)
        unknown = (group["unknown"] != "").mean()
        parts = [scores(group[group["unknown"] == ""], side) for side in ("ours", "nannyml")]
        lines.append(
            f"| {case} | {metric} | {group['later'].mean():.3f} | {parts[0]} | {parts[1]} | {unknown:.0%} |"
        )
    lines += [
        "",
        "| data | said before the change | windows of truth until said |",
        "|---|---|---|",
    ]
    for name, group in pd.DataFrame(results["trust"]).groupby("case", sort=False):
        lines.append(
            f"| {name!s} | {group['early'].sum()} of {len(group)} | {', '.join(map(str, group['windows']))} |"
        )
    return "\n".join(lines)


def scores(group: pd.DataFrame, side: str) -> str:
    if side not in group or group[side].isna().all():
        return "– | – | –"
    present = group[group[side].notna()]
    value, low, high = (
        np.array([each[part] for each in present[side]]) for part in ("value", "low", "high")
    )
    later = present["later"].to_numpy()
    covered = (low <= later) & (later <= high)
    return f"{np.abs(value - later).mean():.4f} | {covered.mean():.2f} | {(high - low).mean():.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.estimates", description=__doc__)
    parser.add_argument("--nannyml", type=Path, help="the Python of NannyML's environment")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--windows", type=int, default=40)
    parser.add_argument("--json", type=Path, help="where to keep every figure")
    parser.add_argument(
        "--figures", type=Path, help="where to keep NannyML's, for the ordinary tests"
    )
    options = parser.parse_args()
    results = run(options.nannyml, options.seeds, options.windows)
    if options.json:
        options.json.write_text(json.dumps(results), encoding="utf-8")
    if options.figures:
        text = json.dumps(figures(results), indent=1)
        options.figures.write_text(text + "\n", encoding="utf-8")
    print(table(results))


if __name__ == "__main__":
    main()
