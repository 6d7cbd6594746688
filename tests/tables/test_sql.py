"""Queries of a real PostgreSQL: batches in constant memory, values as a table has them, and nothing written."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pytest
import sqlalchemy as sa

from tables.errors import TableError
from tables.frame import read_table
from tables.source import open_table
from tests.support.postgres import Cluster, running_cluster


@pytest.fixture(scope="module", name="cluster")
def _cluster() -> Iterator[Cluster]:
    with running_cluster() as cluster:
        yield cluster


def test_rows_come_in_batches_whose_types_stay(cluster: Cluster) -> None:
    query = (
        "SELECT n AS id, CASE WHEN n > 20000 THEN n END AS light FROM generate_series(1, 45000) n"
    )
    with open_table(cluster.url, query=query) as table:
        batches = list(table.batches({"light": "number", "id": "stored"}))
    assert table.names == ("id", "light")
    assert [batch.num_rows for batch in batches] == [20_000, 20_000, 5_000]
    assert {batch.column("light").type for batch in batches} == {pa.float64()}


def test_values_of_a_database_are_values_of_a_table(cluster: Cluster) -> None:
    frame = read_table(
        cluster.url,
        {},
        others=True,
        query="""
            SELECT 1.25::numeric AS price, true AS open, DATE '2026-01-31' AS day, 7::smallint AS kind, 'x' AS word,
                   TIMESTAMPTZ '2026-01-31 12:00+02' AS moment, '{1,2}'::int[] AS list, '{"a": 1}'::jsonb AS json,
                   '10%:tree' AS sign
        """,
    )
    row = frame.iloc[0]
    assert (row["price"], bool(row["open"]), row["kind"], row["word"]) == (1.25, True, 7, "x")
    assert str(row["day"]) == "2026-01-31"
    assert row["moment"].isoformat() == "2026-01-31T10:00:00+00:00"
    assert (row["list"], row["json"], row["sign"]) == ("[1, 2]", "{'a': 1}", "10%:tree")


def test_times_are_read_as_utc(cluster: Cluster) -> None:
    query = "SELECT TIMESTAMPTZ '2026-01-31 12:00+02' AS moment"
    frame = read_table(cluster.url, {"moment": "timestamp"}, query=query)
    assert frame["moment"][0].isoformat() == "2026-01-31T10:00:00"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT nextval('plant_number')", "in a read-only transaction"),
        ("DELETE FROM plant RETURNING id", "syntax error"),
        ("SELECT 1; DELETE FROM plant", "multiple commands"),
    ],
)
def test_a_query_that_would_write_is_refused(cluster: Cluster, query: str, message: str) -> None:
    engine = sa.create_engine(cluster.url.replace("://", "+psycopg://"))
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "DROP SEQUENCE IF EXISTS plant_number; CREATE SEQUENCE plant_number"
        )
        connection.exec_driver_sql(
            "DROP TABLE IF EXISTS plant; CREATE TABLE plant AS SELECT 1 AS id"
        )
    with pytest.raises(TableError, match=message):
        read_table(cluster.url, {}, query=query, others=True)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM plant").scalar() == 1
    engine.dispose()


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT nothing FROM plants", r"postgresql://tester.*: .*plants.*\(query: SELECT nothing"),
        ("SELECT 1 / (10000 - n) FROM generate_series(1, 30000) n", "division by zero"),
    ],
)
def test_a_query_that_fails_at_once_or_on_the_way_is_named(
    cluster: Cluster, query: str, message: str
) -> None:
    with pytest.raises(TableError, match=message):
        read_table(cluster.url, {}, query=query, others=True)
