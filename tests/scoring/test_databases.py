"""Tables of databases: read in the order of an identifier, written whole or not at all."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from outside.address import public
from service.journal.database.connection import connect
from tests.support.postgres import empty, running_cluster
from tests.support.processes import wait_until
from tests.support.scoring import Scorer, answers, numbered, write_parquet
from tests.support.service import bundles

pytestmark = pytest.mark.slow

MODEL = "quality-classification"
ROWS = numbered(bundles.QUALITY, 300)
BAD = [
    {**row, "crop": 'spin"ach, \\ \n x'} if number % 50 == 7 else row
    for number, row in enumerate(ROWS)
]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles")
    bundles.write_bundle(folder, bundles.QUALITY, linear=True)
    bundles.write_bundle(
        folder, bundles.QUALITY, version="2", arm="challenger", linear=True, seed=2
    )
    return folder


@pytest.fixture
def score(root: Path, tmp_path: Path) -> Scorer:
    scorer = Scorer(root)
    scorer.environment["SWARMLINE_BUILD"] = str(tmp_path / "build")
    return scorer


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with running_cluster() as cluster:
        yield cluster.url


@pytest.fixture(params=["postgresql", "sqlite"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/orders.db"
    return empty(request.getfixturevalue("server"))


def fill(address: str, rows: list[dict[str, Any]]) -> None:
    engine = connect(address)
    kinds = {int: sa.BigInteger(), float: sa.Numeric(12, 3, asdecimal=False), bool: sa.Boolean()}
    columns = [
        sa.Column(name, kinds.get(type(value), sa.Text())) for name, value in rows[0].items()
    ]
    table = sa.Table("orders", sa.MetaData(), *columns)
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(table.insert(), rows)
    engine.dispose()


def asked(address: str, statement: str) -> list[dict[str, Any]]:
    engine = connect(address)
    with engine.connect() as connection:
        rows = [dict(row) for row in connection.exec_driver_sql(statement).mappings()]
    engine.dispose()
    return rows


def alike(ours: dict[str, Any], other: dict[str, Any]) -> bool:
    """Numbers are float32, of which databases keep six digits."""
    return ours.keys() == other.keys() and all(
        value == (pytest.approx(other[name], rel=1e-5) if isinstance(value, float) else other[name])
        for name, value in ours.items()
    )


def names_of(address: str) -> list[str]:
    engine = connect(address)
    names = sa.inspect(engine).get_table_names()
    engine.dispose()
    return sorted(names)


def test_a_query_and_a_table_give_what_files_do(
    score: Scorer, database: str, tmp_path: Path
) -> None:
    fill(database, BAD)
    words = ("--query", "SELECT * FROM orders -- all", "--table", "scored", "--id", "order")
    ended = score(MODEL, database, database, *words, "--part-rows", 70)
    assert ended.code == 0, ended.err
    table = write_parquet(tmp_path / "t.parquet", BAD)
    assert score(MODEL, table, tmp_path / "o.parquet", "--id", "order").code == 0
    scored = asked(database, 'SELECT * FROM scored ORDER BY "order"')
    assert len({row.pop("scoring") for row in scored}) == 1
    expected = answers(tmp_path / "o.parquet")
    for ours, other in zip(scored, expected, strict=True):
        assert alike(ours, other), (ours, other)
    refused = asked(database, 'SELECT * FROM scored_violations ORDER BY "order"')
    assert [row["order"] for row in refused] == [1007, 1057, 1107, 1157, 1207, 1257]
    assert refused[0]["given"] == BAD[7]["crop"]
    assert names_of(database) == ["orders", "scored", "scored_violations"]


def test_a_scoring_that_is_repeated_replaces_its_rows_and_another_is_appended(
    score: Scorer, database: str, tmp_path: Path
) -> None:
    table = write_parquet(tmp_path / "t.parquet", BAD)
    for version, rows in [("champion", 300), ("champion", 300), ("challenger", 600)]:
        ended = score(MODEL, table, database, "--table", "scored", "--version", version)
        assert ended.code == 0, ended.err
        assert asked(database, "SELECT count(*) AS n FROM scored") == [{"n": rows}]
        assert asked(database, "SELECT count(*) AS n FROM scored_violations") == [{"n": rows // 50}]


def kill_after_some_parts(score: Scorer, folder: Path, *words: object) -> None:
    with score.started(folder / "never", *words) as process:
        wait_until(
            lambda: len(list(folder.glob("build/scoring/*/*/*.json"))) > 3, "the first parts"
        )
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()


def test_it_goes_on_behind_the_last_row_and_nobody_sees_half(
    score: Scorer, server: str, tmp_path: Path
) -> None:
    address = empty(server)
    rows = [{**row, "order": number} for number, row in enumerate(ROWS * 40)]
    fill(address, rows)
    words = (MODEL, address, address, "--query", "SELECT * FROM orders", "--table", "scored")
    words += ("--id", "order", "--part-rows", "200")
    kill_after_some_parts(score, tmp_path, *words)
    assert "scored" not in names_of(address)
    parts = len(list(tmp_path.glob("build/scoring/*/*/*.json")))
    assert 3 < parts < 60
    ended = score(*words)
    assert (
        ended.code == 0 and f"{parts * 200:,} rows in {parts} parts are scored already" in ended.err
    )
    counts = 'SELECT count(*) AS n, count(DISTINCT "order") AS orders FROM scored'
    assert asked(address, counts) == [{"n": 12_000, "orders": 12_000}]


def test_parts_whose_rows_somebody_removed_are_scored_again(
    score: Scorer, server: str, tmp_path: Path
) -> None:
    address = empty(server)
    table = write_parquet(tmp_path / "t.parquet", ROWS * 40)
    words = (MODEL, table, address, "--table", "scored", "--part-rows", "200")
    kill_after_some_parts(score, tmp_path, *words)
    engine = connect(address)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE scored_unfinished")
    engine.dispose()
    assert score(*words).code == 0
    assert asked(address, "SELECT count(*) AS n FROM scored") == [{"n": 12_000}]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--table", "scored"], "QUERY is missing: QUERY='SELECT ...'"),
        (["--query", "SELECT * FROM orders"], "TABLE is missing: TABLE=name"),
        (["--table", "scored", "--query", "SELECT * FROM nowhere"], "nowhere"),
        (["--table", "scored", "--query", "SELECT *, light FROM orders"], "more than one column called light"),
        (["--table", "scored", "--query", "SELECT * FROM orders", "--id", "no"], "ID=no: the query has no such"),
        (["--table", "orders", "--query", "SELECT * FROM orders"], "is there already, and has no column row"),
        (["--table", "scored", "--query", "SELECT * FROM orders", "--id", "trays"], "has a value twice"),
    ],
)  # fmt: skip
def test_what_a_database_cannot_give_or_take_is_said(
    score: Scorer, tmp_path: Path, words: list[str], sentence: str
) -> None:
    address = f"sqlite:///{tmp_path}/orders.db"
    fill(address, ROWS)
    ended = score(MODEL, address, address, *words)
    assert ended.code == 1 and sentence in ended.err, ended.err


@pytest.mark.parametrize("table", ["scored; DROP TABLE orders", 'a"b', "x.y.z", "-t"])
def test_a_name_that_is_no_tables_is_refused(score: Scorer, tmp_path: Path, table: str) -> None:
    source = write_parquet(tmp_path / "t.parquet", ROWS[:3])
    ended = score(MODEL, source, f"sqlite:///{tmp_path}/o.db", TABLE=table)
    assert (
        ended.code == 1
        and "TABLE is " in ended.err
        and "allowed is the name of a table" in ended.err
    )


def test_a_password_is_never_shown(score: Scorer, tmp_path: Path) -> None:
    source = write_parquet(tmp_path / "t.parquet", ROWS[:3])
    address = "postgresql://boss:sesame@127.0.0.1:1/db"
    ended = score(MODEL, source, address, "--table", "scored")
    assert ended.code == 1 and "sesame" not in ended.err and "127.0.0.1" in ended.err


@pytest.mark.parametrize("place", ["?user=boss&password=sesame", "?sslpassword=sesame"])
def test_a_password_behind_a_question_mark_is_never_shown(
    score: Scorer, tmp_path: Path, place: str
) -> None:
    source = write_parquet(tmp_path / "t.parquet", ROWS[:3])
    ended = score(MODEL, source, f"postgresql://127.0.0.1:1/db{place}", "--table", "t t")
    assert ended.code == 1 and "sesame" not in ended.err
    ended = score(MODEL, source, f"postgresql://127.0.0.1:1/db{place}", "--table", "scored")
    assert ended.code == 1 and "sesame" not in ended.err and "127.0.0.1" in ended.err
    assert "sesame" not in public(f"postgresql://127.0.0.1:1/db{place}&sslmode=require")


def test_a_name_with_a_percent_sign_and_an_identifier_of_many_digits(
    server: str, tmp_path: Path
) -> None:
    bundles.write_bundle(
        tmp_path / "b", replace(bundles.QUALITY, classes=("50%", 'a"b', "C")), linear=True
    )
    score = Scorer(tmp_path / "b")
    score.environment["SWARMLINE_BUILD"] = str(tmp_path / "build")
    address = empty(server)
    fill(address, ROWS[:3])
    query = 'SELECT *, ("order" + 12345678901234567)::numeric AS "ID %" FROM orders'
    words = ("--query", query, "--table", "scored", "--id", "ID %")
    ended = score(MODEL, address, address, *words)
    assert ended.code == 0, ended.err
    first, *_ = asked(address, "SELECT * FROM scored ORDER BY 1")
    assert first["ID %"] == 12345678901235567
    assert "probability_50%" in first and 'probability_a"b' in first


def test_a_text_that_no_database_takes_is_said(score: Scorer, server: str, tmp_path: Path) -> None:
    rows = [{**row, "order": "a\0b", "crop": "x\0y"} for row in ROWS[:3]]
    table = write_parquet(tmp_path / "t.parquet", rows)
    address = empty(server)
    ended = score(MODEL, table, address, "--table", "scored")
    assert ended.code == 2
    assert asked(address, "SELECT given FROM scored_violations")[0]["given"] == "x\ufffdy"
    ended = score(MODEL, table, address, "--table", "other", "--id", "order")
    assert ended.code == 1 and ended.err.startswith("error: ") and "Traceback" not in ended.err


def test_a_driver_that_is_not_here_is_said(score: Scorer, tmp_path: Path) -> None:
    source = write_parquet(tmp_path / "t.parquet", ROWS[:3])
    ended = score(MODEL, source, "mysql://boss:sesame@db/shop", "--table", "scored")
    assert ended.code == 1 and "its driver is not here" in ended.err and "sesame" not in ended.err


@pytest.mark.parametrize("name", ["scoring", "part"])
def test_an_identifier_called_as_a_column_of_the_table_is_refused(
    score: Scorer, tmp_path: Path, name: str
) -> None:
    source = write_parquet(tmp_path / "t.parquet", [{**row, name: 1} for row in ROWS[:3]])
    ended = score(MODEL, source, f"sqlite:///{tmp_path}/o.db", "--table", "scored", "--id", name)
    assert ended.code == 1 and f"ID={name}: " in ended.err
