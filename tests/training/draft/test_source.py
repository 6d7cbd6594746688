"""Drafts of tables as people have them: how a file is written, several files, databases, and what is left out."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from tests.support.plants import plants
from tests.support.postgres import Cluster, running_cluster
from training.common.errors import SourceError, SpecError
from training.data import dataset, sources
from training.draft.draft import draft_spec, write_draft
from training.spec.load import load


@pytest.fixture(scope="module", name="cluster")
def _cluster() -> Iterator[Cluster]:
    with running_cluster() as cluster:
        yield cluster


def homes(count: int = 300) -> pd.DataFrame:
    """An export as a German program writes it."""
    random = np.random.default_rng(1)
    area, rooms = random.normal(80, 20, count), random.integers(1, 7, count)
    price = area * 4000 + random.normal(0, 20_000, count)
    words = np.array("schöne helle Wohnung mit Blick auf den Fluß".split())
    table = pd.DataFrame(
        {
            "Ort": random.choice(["Köln", "München"], count),
            "Fläche": [f"{value:,.1f}" for value in area],
            "Zimmer": rooms.astype(str),
            "Balkon": random.choice(["ja", "nein"], count),
            "Text": [" ".join(random.choice(words, 7)) for _ in range(count)],
            "Kennung": [f"W-{number:05d}" for number in random.permutation(count)],
            "Nr": [str(number) for number in range(count)],
            "Land": "DE",
            "frei ab": [f"{day:02d}.11.2026" for day in random.integers(1, 31, count)],
            "Etage": [f"{number} links" for number in random.integers(0, 200, count)],
            "Preis": [f"{value:,.2f}" for value in price],
        }
    )
    for name in ("Fläche", "Preis"):
        table[name] = table[name].str.translate(str.maketrans(".,", ",."))
    table.loc[[1, 5], "Fläche"] = "k.A."
    table.loc[[2, 7], "Zimmer"] = "-"
    return table


def section(path: Path, name: str) -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads(path.read_text())[name]
    return table


@pytest.mark.parametrize(
    ("encoding", "said"),
    [("latin-1", {"encoding": "latin-1"}), ("utf-8-sig", {}), ("utf-16", {"encoding": "utf-16"})],
)
def test_an_export_of_another_country_is_drafted_and_its_data_passes(
    tmp_path: Path, encoding: str, said: dict[str, str]
) -> None:
    homes().to_csv(tmp_path / "homes.csv", sep=";", index=False, encoding=encoding)
    path = write_draft(str(tmp_path / "homes.csv"), "Preis", "", tmp_path)
    written = section(path, "data")
    assert {key: written[key] for key in written.keys() - {"source", "target"}} == {
        "separator": ";",
        "decimal": ",",
        "thousands": ".",
        "missing": ["", "-", "k.A."],
        **said,
    }
    spec = load(path)
    assert [(column.name, column.type, column.nullable) for column in spec.inputs] == [
        ("Ort", "category", False),
        ("Fläche", "number", True),
        ("Zimmer", "integer", True),
        ("Balkon", "category", False),
    ]
    rows = sources.read(spec)
    report, data = dataset.validate(spec, rows, sources.fingerprint(rows))
    assert report.errors == []
    assert data is not None
    assert len(data.frame) == 300


def test_what_is_left_out_is_left_out_with_the_reason(tmp_path: Path) -> None:
    homes().to_csv(tmp_path / "homes.csv", sep=";", index=False)
    text = draft_spec(str(tmp_path / "homes.csv"), "Preis", "homes")
    for line in (
        '# "Text" left out: free text: ',
        '# "Kennung" left out: an identifier: a text with 300 different values',
        '# "Nr" left out: an identifier: it counts the rows',
        "# \"Land\" left out: it has the same value in every row, 'DE'",
        '# "frei ab" left out: dates such as ',
        '# "Etage" left out: a text with ',
    ):
        assert line in text


def test_of_many_categories_the_common_ones_are_listed_and_others_taken(tmp_path: Path) -> None:
    rows = plants(3000)
    towns = [f"town {number % 60}" for number in range(2400)]
    rows["town"] = [*towns, *(f"hamlet {number}" for number in range(600))]
    rows.to_csv(tmp_path / "p.csv", index=False)
    spec = load(write_draft(str(tmp_path / "p.csv"), "weight", "p", tmp_path))
    (town,) = [column for column in spec.inputs if column.name == "town"]
    assert town.unknown == "other" and town.categories == tuple(sorted(set(towns)))
    table = sources.read(spec)
    report, _ = dataset.validate(spec, table, sources.fingerprint(table))
    assert report.errors == []


def test_of_a_time_the_parts_that_differ_are_encoded(tmp_path: Path) -> None:
    rows = plants()
    rows["at noon"] = pd.date_range("2026-01-01T12:00Z", periods=300, freq="D").astype(str)
    rows["by hour"] = pd.date_range("2026-01-01", periods=300, freq="h").astype(str)
    rows.to_csv(tmp_path / "p.csv", index=False)
    spec = load(write_draft(str(tmp_path / "p.csv"), "weight", "p", tmp_path))
    encode = {column.name: column.encode for column in spec.inputs if column.type == "timestamp"}
    assert encode["at noon"] == ("days", "month", "weekday")
    assert encode["by hour"] == ("days", "weekday", "hour")


def test_a_drafted_model_has_to_beat_the_baseline(tmp_path: Path) -> None:
    plants().to_csv(tmp_path / "p.csv", index=False)
    spec = load(write_draft(str(tmp_path / "p.csv"), "weight", "p", tmp_path))
    assert spec.gates.beat == ("baseline",)


def test_a_number_called_id_that_each_row_has_of_its_own_is_left_out(tmp_path: Path) -> None:
    rows = plants().assign(customer_id=np.random.default_rng(1).permutation(300) * 7)
    rows.to_parquet(tmp_path / "p.parquet")
    text = draft_spec(str(tmp_path / "p.parquet"), "weight", "p")
    assert '# "customer_id" left out: an identifier: it is called so' in text


def test_numbers_of_which_some_are_none_are_left_out_with_those(tmp_path: Path) -> None:
    rows = plants().astype({"light": str})
    rows.loc[[3, 4], "light"] = ">9"
    rows.to_csv(tmp_path / "p.csv", index=False)
    text = draft_spec(str(tmp_path / "p.csv"), "weight", "p")
    assert "# \"light\" left out: numbers, but for 2 values such as '>9'; correct them" in text


def test_namibia_is_no_missing_value(tmp_path: Path) -> None:
    rows = plants().assign(country=["NA", "DE", "AT", "CH", "FR"] * 60)
    rows.to_csv(tmp_path / "p.csv", index=False)
    path = write_draft(str(tmp_path / "p.csv"), "weight", "p", tmp_path)
    country = section(path, "columns")["country"]
    assert country == {"type": "category", "categories": ["AT", "CH", "DE", "FR", "NA"]}
    assert "NA" in set(sources.read(load(path))["country"])


def test_usual_marks_need_no_key(tmp_path: Path) -> None:
    rows = plants().drop(columns="day")
    rows.loc[[3, 4], "light"] = None
    rows.to_csv(tmp_path / "p.csv", index=False, na_rep="NA")
    path = write_draft(str(tmp_path / "p.csv"), "weight", "p", tmp_path)
    assert section(path, "data").keys() == {"source", "target"}
    assert section(path, "columns")["light"]["nullable"]


def test_files_of_a_glob_are_drafted_together(tmp_path: Path) -> None:
    rows = plants().drop(columns="day")
    rows[:100].assign(kind="fern").to_csv(tmp_path / "a.csv", index=False)
    rows[100:].to_csv(tmp_path / "b.csv", index=False)
    with pytest.raises(SpecError, match=r"names no model: NAME=late-orders"):
        write_draft(str(tmp_path / "*.csv"), "weight", "", tmp_path)
    spec = load(write_draft(str(tmp_path / "*.csv"), "weight", "all", tmp_path))
    assert spec.inputs[0].categories == ("fern", "herb", "tree")
    assert len(sources.read(spec)) == 300


@pytest.mark.parametrize(
    ("values", "task"),
    [
        ([0, 1, None], "classification"),
        (range(10), "classification"),
        (range(11), "regression"),
        ([0.5, 1.5], "regression"),
        ([True, False], "classification"),
        (["yes", "no"], "classification"),
    ],
)
def test_the_task_is_told_from_the_target(tmp_path: Path, values: Any, task: str) -> None:
    rows = plants().assign(aim=np.resize(np.array(list(values), dtype=object), 300))
    rows.to_csv(tmp_path / "p.csv", index=False)
    assert load(write_draft(str(tmp_path / "p.csv"), "aim", "p", tmp_path)).task == task


def test_rows_without_a_target_are_left_out_with_a_warning(tmp_path: Path) -> None:
    rows = plants()
    rows.loc[:9, "weight"] = None
    rows.to_csv(tmp_path / "p.csv", index=False)
    spec = load(write_draft(str(tmp_path / "p.csv"), "weight", "p", tmp_path))
    rows = sources.read(spec)
    report, data = dataset.validate(spec, rows, sources.fingerprint(rows))
    assert report.errors == []
    assert data is not None
    assert len(data.frame) == 290


def test_rows_in_the_order_of_a_time_are_split_by_it(tmp_path: Path) -> None:
    moments = pd.date_range("2026-01-01", periods=300, freq="h").astype(str)
    plants().drop(columns="day").assign(at=moments).to_csv(tmp_path / "p.csv", index=False)
    data = section(write_draft(str(tmp_path / "p.csv"), "weight", "p", tmp_path), "data")
    assert (data["split"], data["time"]) == ("time", "at")


@pytest.mark.parametrize(
    ("values", "gate"),
    [
        # The commonest class alone has f1 2 * 0.5 / 1.5 / 2 = 0.333.
        (["A", "B"] * 50, {"f1": {"min": 0.367}}),
        (["A"] * 95 + ["B"] * 5, {"auc": {"min": 0.55}}),
        ([number / 7 for number in range(100)], {"r2": {"min": 0.05}}),
    ],
)
def test_the_first_gate_is_above_what_looks_at_no_column(
    tmp_path: Path, values: list[Any], gate: dict[str, Any]
) -> None:
    pd.DataFrame({"light": np.arange(100) ** 2, "aim": values}).to_csv(
        tmp_path / "p.csv", index=False
    )
    path = write_draft(str(tmp_path / "p.csv"), "aim", "p", tmp_path)
    assert section(path, "gates")["metrics"] == gate
    assert "# Without a look at any column" in path.read_text()


def _database(cluster: Cluster) -> None:
    engine = sa.create_engine(cluster.url.replace("://", "+psycopg://"))
    plants().to_sql("plant", engine, index=False, if_exists="replace")
    engine.dispose()


@pytest.mark.parametrize("query", ["SELECT * FROM plant WHERE kind <> ':%s' OR kind = '\"'"])
def test_a_query_is_drafted_and_its_password_is_nowhere(
    cluster: Cluster, tmp_path: Path, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _database(cluster)
    address = cluster.url.replace("tester@", "tester:s3cret@")
    path = write_draft(address, "weight", "my-plants", tmp_path, query)
    assert "s3cret" not in path.read_text()
    assert section(path, "data")["source"] == cluster.url.replace(
        "tester@", "tester:${MY_PLANTS_PASSWORD}@"
    )
    monkeypatch.setenv("MY_PLANTS_PASSWORD", "s3cret")
    spec = load(path)
    rows = sources.read(spec)
    report, _ = dataset.validate(spec, rows, sources.fingerprint(rows))
    assert (len(rows), report.errors) == (300, [])


def test_a_variable_in_an_address_stays_one(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _database(cluster)
    monkeypatch.setenv("FARM_PASSWORD", "x")
    address = cluster.url.replace("tester@", "tester:${FARM_PASSWORD}@")
    path = write_draft(address, "weight", "p", tmp_path, "SELECT * FROM plant")
    assert section(path, "data")["source"] == address


@pytest.mark.parametrize(
    ("source", "query", "message"),
    [
        ("postgresql://db/shop", "", r"a database \(postgresql://...\) needs QUERY="),
        ("p.csv", "select 1", r"p.csv: .* a file takes none"),
        ("postgresql://db/shop?password=s3cret", "select 1", "has a password behind"),
        ("postgresql://me:s3cret@127.0.0.1:1/x", "select 1", r"me:\*\*\*@127"),
    ],
)
def test_a_database_that_cannot_be_drafted_is_named_without_its_password(
    tmp_path: Path, source: str, query: str, message: str
) -> None:
    with pytest.raises(SourceError, match=message) as refused:
        write_draft(source, "y", "p", tmp_path, query)
    assert "s3cret" not in str(refused.value)
    assert not list(tmp_path.iterdir())
