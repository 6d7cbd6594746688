"""A relation changes: training on what was served beats the champion on the same newest rows, and passes its gates."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.support.journalled import HOUR, Journal
from tests.support.plants import plants
from tests.support.training import Workspace, write_spec

pytestmark = pytest.mark.slow
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
SERVED = 150
SECTIONS: dict[str, Any] = {
    "task": "regression",
    "columns": {
        "kind": {"type": "category", "categories": ["herb", "tree"]},
        "light": {"type": "number", "minimum": 0, "maximum": 10},
        "leaves": {"type": "integer", "minimum": 0, "nullable": True},
        "watered": {"type": "boolean"},
    },
    "checks": {"unique": ["id"]},
    "gates": {"metrics": {"r2": {"min": 0.5}}, "champion": {"r2": 0.01}},
}


def spec(folder: Path, **data: Any) -> Path:
    folder.mkdir(exist_ok=True)
    about = {"target": "weight", "time": "day", "split": "time", **data}
    return write_spec(folder, "plants", folder.parent / "plants.csv", **SECTIONS, data=about)


def serve(journal: Journal) -> None:
    """What grew with light now shrinks with it."""
    rows = plants(SERVED)
    for number in range(SERVED):
        row = rows.iloc[number]
        features = {
            "kind": row["kind"],
            "light": float(row["light"]),
            "leaves": int(row["leaves"]),
            "watered": int(row["watered"]),
        }
        at = NOW - (SERVED - number) * HOUR
        journal.predict(number, at, features)
        share = 1.0 if row["kind"] == "herb" else 1.5
        journal.truth(number, at, share * (20.0 - float(row["light"])) + number % 5)


def test_a_changed_relation_is_learnt_from_what_was_served(tmp_path: Path) -> None:
    rows = plants().drop(columns="grade")
    rows["day"] += pd.Timestamp(NOW).tz_localize(None) - rows["day"].max() - dt.timedelta(days=7)
    rows.to_csv(tmp_path / "plants.csv", index=False)
    journal = Journal(f"sqlite:///{tmp_path}/journal.db")
    serve(journal)
    journal.close()
    workspace = Workspace(tmp_path, JOURNAL_URL=journal.url)
    done = workspace.training("train", spec(tmp_path / "old"), "--promote", "the first")
    assert done.code == 0, done.err
    newest = spec(tmp_path / "new", window="6d", journal=True)
    done = workspace.training("train", newest, "--json")
    assert done.code == 0, done.err
    assert len(workspace.versions("plants")) == 2
    reports = tmp_path / "build/reports/plants"
    decisions = json.loads((reports / "gate.json").read_text(encoding="utf-8"))
    (against,) = [each for each in decisions if "champion" in json.dumps(each)]
    assert against["passed"] and "r2" in json.dumps(against)
    card = (reports / "card.html").read_text(encoding="utf-8")
    assert "From the journal" in card and "100.0% of the held-out rows" in card
    again = workspace.training("train", newest)
    assert "unchanged, version 2" in again.err
    # The snapshot is enough to make it again, without the journal.
    done = workspace.training("reproduce", "plants", "2", JOURNAL_URL="")
    assert done.code == 0, done.err
