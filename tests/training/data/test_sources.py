"""Sources: the rows that can be read, those that cannot, and their fingerprint."""

import sqlite3
from pathlib import Path

import pandas as pd

from tests.support.plants import SpecOf
from training.data import sources

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


def test_the_keys_of_data_say_how_a_csv_is_written(spec_of: SpecOf, tmp_path: Path) -> None:
    rows = ROWS.astype({"kind": object})
    rows.loc[1, "kind"] = None
    rows.to_csv(
        tmp_path / "rows.csv", index=False, sep=";", decimal=",", na_rep="-", encoding="utf-16"
    )
    form = {"separator": ";", "decimal": ",", "encoding": "utf-16", "missing": ["-"]}
    given = sources.read(spec_of(data={"source": str(tmp_path / "rows.csv"), **form}))
    rows.to_csv(tmp_path / "usual.csv", index=False)
    pd.testing.assert_frame_equal(given, source(spec_of, tmp_path / "usual.csv"))


def test_only_the_wanted_columns_are_read(spec_of: SpecOf, tmp_path: Path) -> None:
    ROWS.to_csv(tmp_path / "rows.csv", index=False)
    assert "unwanted" not in source(spec_of, tmp_path / "rows.csv")


def test_a_category_that_looks_like_a_number_stays_as_written(
    spec_of: SpecOf, tmp_path: Path
) -> None:
    ROWS.assign(kind=["007", "08", "9"]).to_csv(tmp_path / "rows.csv", index=False)
    assert source(spec_of, tmp_path / "rows.csv")["kind"].tolist() == ["007", "08", "9"]


def test_the_fingerprint_knows_values_names_and_order() -> None:
    same = sources.fingerprint(ROWS)
    assert sources.fingerprint(ROWS.copy()) == same
    others = [ROWS[::-1], ROWS.rename(columns={"id": "key"}), ROWS.assign(leaves=[4, 5, 7])]
    assert same not in {sources.fingerprint(other) for other in others}
