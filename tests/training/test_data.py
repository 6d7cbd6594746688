"""Sources: what can be read, what cannot, and the split."""

import sqlite3
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.training.conftest import SpecOf
from training.common.errors import SourceError
from training.data import sources
from training.data.sample_farm import farm

ROWS = pd.DataFrame(
    {
        "kind": ["herb", "tree", "herb"],
        "light": [1.5, 2.5, 3.5],
        "leaves": [4, 5, 6],
        "watered": [True, False, True],
        "weight": [0.1, 0.2, 0.3],
        "day": ["2026-01-03", "2026-01-01", "2026-01-02"],
        "id": [1, 2, 3],
        "unwanted": ["x", "y", "z"],
    }
)


def source(spec_of: SpecOf, path: object, **more: str) -> pd.DataFrame:
    return sources.read(spec_of(data={"source": str(path), **more}))


def test_csv_parquet_and_sql_give_the_same_rows(spec_of: SpecOf, tmp_path: Path) -> None:
    ROWS.to_csv(tmp_path / "rows.csv", index=False)
    ROWS.to_parquet(tmp_path / "rows.parquet")
    with sqlite3.connect(tmp_path / "rows.db") as connection:
        ROWS.astype({"watered": int}).to_sql("plants", connection, index=False)
    connection.close()
    csv, parquet = (source(spec_of, tmp_path / f"rows.{kind}") for kind in ("csv", "parquet"))
    table = source(spec_of, f"sqlite:///{tmp_path}/rows.db", query="select * from plants")
    pd.testing.assert_frame_equal(csv, parquet)
    pd.testing.assert_frame_equal(csv, table.astype({"watered": bool}))


def test_only_the_wanted_columns_are_read(spec_of: SpecOf, tmp_path: Path) -> None:
    ROWS.to_csv(tmp_path / "rows.csv", index=False)
    assert "unwanted" not in source(spec_of, tmp_path / "rows.csv")


def test_a_glob_reads_its_files_in_the_order_of_their_names(
    spec_of: SpecOf, tmp_path: Path
) -> None:
    for name, rows in (("b", ROWS[2:]), ("a", ROWS[:2])):
        rows.to_parquet(tmp_path / f"{name}.parquet")
    assert source(spec_of, tmp_path / "*.parquet")["leaves"].tolist() == [4, 5, 6]


def test_a_category_that_looks_like_a_number_stays_as_written(
    spec_of: SpecOf, tmp_path: Path
) -> None:
    ROWS.assign(kind=["007", "08", "9"]).to_csv(tmp_path / "rows.csv", index=False)
    assert source(spec_of, tmp_path / "rows.csv")["kind"].tolist() == ["007", "08", "9"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty; a header and rows are needed"),
        (b"kind,light,weight\n", "has no rows; training needs at least 50"),
        (b"kind,light\nherb,1\ntree", "the last line has 1 fields of 2; the file looks truncated"),
        (
            b"kind,light\nherb,1\ntree,2,3,4\nherb,1\n",
            "cannot be read: .*Expected 2 fields in line 3, saw 4",
        ),
        ("kind,light\nbäume,1\n".encode("latin-1"), "is not UTF-8 at byte .*; save it as UTF-8"),
    ],
)
def test_a_csv_that_is_broken_is_named_with_the_reason(
    spec_of: SpecOf, tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "rows.csv").write_bytes(content)
    with pytest.raises(SourceError, match=message) as refused:
        source(spec_of, tmp_path / "rows.csv")
    assert "rows.csv" in str(refused.value)


def test_a_parquet_file_that_was_cut_off_is_named(spec_of: SpecOf, tmp_path: Path) -> None:
    ROWS.to_parquet(tmp_path / "rows.parquet")
    whole = (tmp_path / "rows.parquet").read_bytes()
    (tmp_path / "rows.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError, match=r"rows\.parquet: cannot be read"):
        source(spec_of, tmp_path / "rows.parquet")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere.csv", "no such file in"),
        ("sample:moon", "sample 'moon' is not known; allowed: farm"),
    ],
)
def test_a_source_that_is_not_there_is_named(spec_of: SpecOf, name: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        source(spec_of, name)


def test_a_file_of_another_kind_is_refused(spec_of: SpecOf, tmp_path: Path) -> None:
    (tmp_path / "rows.xlsx").write_bytes(b"PK")
    with pytest.raises(
        SourceError, match=r"given a file ending in '\.xlsx'; allowed: \.csv, \.parquet"
    ):
        source(spec_of, tmp_path / "rows.xlsx")


def test_sql_that_fails_is_named_without_the_password(spec_of: SpecOf) -> None:
    url = "postgresql+psycopg://me:secret@127.0.0.1:1/farm"
    with pytest.raises(SourceError, match=r"me:\*\*\*@127") as refused:
        source(spec_of, url, query="select 1")
    assert "secret" not in str(refused.value)


def test_sql_takes_its_address_from_the_environment(
    spec_of: SpecOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sqlite3.connect(tmp_path / "rows.db") as connection:
        ROWS.to_sql("plants", connection, index=False)
    connection.close()
    with pytest.raises(SourceError, match="the environment variable FARM is not set"):
        source(spec_of, "sqlite:///${FARM}", query="select * from plants")
    monkeypatch.setenv("FARM", str(tmp_path / "rows.db"))
    assert len(source(spec_of, "sqlite:///${FARM}", query="select * from plants")) == 3


def test_the_fingerprint_knows_values_names_and_order() -> None:
    same = sources.fingerprint(ROWS)
    assert sources.fingerprint(ROWS.copy()) == same
    others = [ROWS[::-1], ROWS.rename(columns={"id": "key"}), ROWS.assign(leaves=[4, 5, 7])]
    assert same not in {sources.fingerprint(other) for other in others}


def test_a_split_by_time_holds_out_the_latest(spec_of: SpecOf) -> None:
    split = sources.split(spec_of(data={"holdout": 0.34}), ROWS)
    assert ROWS["day"].iloc[split.held_out].tolist() == ["2026-01-03"]
    assert ROWS["day"].iloc[split.train].tolist() == ["2026-01-01", "2026-01-02"]


def test_a_stratified_split_keeps_the_shares_on_both_sides(classes_of: SpecOf) -> None:
    grades = pd.DataFrame({"grade": ["A"] * 20 + ["B"] * 80})
    split = sources.split(classes_of(), grades)
    assert grades["grade"].iloc[split.held_out].value_counts().to_dict() == {"A": 4, "B": 16}


def test_a_random_split_has_every_row_once_and_follows_the_seed(spec_of: SpecOf) -> None:
    by_chance = {"split": "random", "time": ""}
    one, other = (
        sources.split(spec_of(data=by_chance, search={"seed": seed}), ROWS) for seed in (1, 2)
    )
    assert sorted([*one.train, *one.held_out]) == [0, 1, 2]
    again = sources.split(spec_of(data=by_chance, search={"seed": 1}), ROWS)
    assert np.array_equal(again.held_out, one.held_out)
    assert not np.array_equal(one.held_out, other.held_out)


def test_the_sample_farm_is_the_same_every_time() -> None:
    assert sources.fingerprint(farm(200)) == sources.fingerprint(farm(200))


def test_the_sample_farm_has_seasons_crops_and_lost_readings() -> None:
    rows = farm(3000)
    months = rows.groupby(rows["harvested_at"].dt.month)["outdoor_c"].mean()
    assert months.loc[7] - months.loc[1] > 10
    assert rows["crop"].nunique() == 5
    assert 0.005 < rows["humidity_pct"].isna().mean() < 0.1
