"""Training on the newest rows: a window of the source, and what was served with its truth, from both databases."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from tests.support.journalled import HOUR, Journal, fill
from tests.support.plants import SpecOf, plants
from tests.support.postgres import Cluster, empty, running_cluster
from training.common.errors import ContractViolated, SourceError, SpecError
from training.data import sources
from training.data.dataset import require_valid, validate
from training.data.sources import JOURNALLED

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
DAYS = pd.to_timedelta(range(300), "D")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with running_cluster() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def journal(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Journal]:
    url = f"sqlite:///{tmp_path}/journal.db"
    if request.param == "postgresql":
        url = empty(request.getfixturevalue("cluster").url, "journal")
    there = Journal(url)
    monkeypatch.setenv("JOURNAL_URL", url)
    yield there
    there.close()


@pytest.fixture
def source(tmp_path: Path) -> str:
    """A file whose newest row is of yesterday."""
    rows = plants()
    rows["day"] = pd.Timestamp(NOW).tz_localize(None) - dt.timedelta(days=300) + DAYS
    rows.to_csv(tmp_path / "rows.csv", index=False)
    return str(tmp_path / "rows.csv")


def read(spec_of: SpecOf, source: str, **data: Any) -> pd.DataFrame:
    return sources.read(spec_of(data={"source": source, **data}))


def test_a_window_keeps_the_newest_rows_counted_from_the_newest(spec_of: SpecOf, source: str):
    rows = read(spec_of, source, window="30d")
    assert rows["id"].tolist() == list(range(270, 300))
    assert len(read(spec_of, source, window="36500d")) == 300
    # The same tomorrow: it does not count from today.
    assert sources.fingerprint(rows) == sources.fingerprint(read(spec_of, source, window="30d"))


def test_a_window_of_a_query_and_of_times_as_text(spec_of: SpecOf, source: str, tmp_path: Path):
    rows = pd.read_csv(source)
    engine = sa.create_engine(f"sqlite:///{tmp_path}/rows.db")
    rows.to_sql("plants", engine, index=False)
    engine.dispose()
    url = f"sqlite:///{tmp_path}/rows.db"
    newest = read(spec_of, url, query="select * from plants where light < 9", window="30d")
    assert set(newest["id"]) == set(rows[(rows.id >= 270) & (rows.light < 9)]["id"])


def test_served_rows_with_their_truth_are_rows_of_the_training_each_once(
    spec_of: SpecOf, source: str, journal: Journal
):
    fill(journal, 40, NOW)
    # Without truth; and of a contract that lacked a column.
    journal.predict(900, NOW - HOUR, {"kind": "herb", "light": 1, "leaves": 2, "watered": 0})
    journal.predict(901, NOW - HOUR, {"kind": "herb", "light": 1, "watered": 0})
    journal.truth(901, NOW, 3.0)
    spec = spec_of(data={"source": source, "journal": True, "window": "80d"})
    rows = sources.read(spec)
    served = rows[rows[JOURNALLED]]
    assert served["id"].tolist() == [f"r{number}/0" for number in range(40)]
    assert served["weight"].tolist() == [2.0 * (number % 10) + 1 for number in range(40)]
    report, dataset = validate(spec, rows, sources.fingerprint(rows))
    dataset = require_valid(report, dataset)
    assert len(dataset.frame) == len(rows) == 40 + 80
    # The newest are held out, for champion and challenger alike.
    assert dataset.held_out_frame()[JOURNALLED].all()
    watered = dataset.frame.loc[dataset.frame[JOURNALLED], "watered"]
    assert watered.map(bool).all() and report.source.endswith("rows.csv and the journal")


def test_a_second_reading_has_the_same_fingerprint_and_new_truth_another(
    spec_of: SpecOf, source: str, journal: Journal
):
    fill(journal, 5, NOW)
    first, second = (read(spec_of, source, journal=True) for _ in range(2))
    assert sources.fingerprint(first) == sources.fingerprint(second)
    features = {"kind": "tree", "light": 1.0, "leaves": 3, "watered": 1}
    journal.predict(5, NOW, features)
    journal.truth(5, NOW, 4.0)
    third = read(spec_of, source, journal=True)
    assert sources.fingerprint(third) != sources.fingerprint(first) and len(third) == len(first) + 1


def test_rows_older_than_the_window_are_left_in_the_journal(
    spec_of: SpecOf, source: str, journal: Journal
):
    fill(journal, 30, NOW)
    served = read(spec_of, source, journal=True, window="24h")
    assert 22 <= served[JOURNALLED].sum() <= 24


def test_served_rows_are_held_to_the_same_checks(spec_of: SpecOf, source: str, journal: Journal):
    journal.predict(1, NOW, {"kind": "moss", "light": 1, "leaves": 2, "watered": 0})
    journal.truth(1, NOW, 3.0)
    spec = spec_of(data={"source": source, "journal": True})
    rows = sources.read(spec)
    with pytest.raises(ContractViolated, match="kind"):
        require_valid(*validate(spec, rows, sources.fingerprint(rows)))


def test_a_role_that_can_only_read_will_do(
    spec_of: SpecOf, source: str, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
):
    url = empty(cluster.url, "journal")
    there = Journal(url)
    fill(there, 3, NOW)
    there.close()
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP ROLE IF EXISTS trainer")
        connection.exec_driver_sql("CREATE ROLE trainer LOGIN PASSWORD 'a word'")
        connection.exec_driver_sql("GRANT USAGE ON SCHEMA public TO trainer")
        connection.exec_driver_sql("GRANT SELECT ON prediction, truth TO trainer")
    try:
        reader = sa.make_url(url).set(username="trainer", password="a word")
        monkeypatch.setenv("JOURNAL_URL", reader.render_as_string(hide_password=False))
        assert read(spec_of, source, journal=True)[JOURNALLED].sum() == 3
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP OWNED BY trainer")
            connection.exec_driver_sql("DROP ROLE trainer")
        engine.dispose()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "JOURNAL_URL names none"),
        ("none", "credential `journal`"),
        ("sqlite:////nowhere/journal.db", "unable to open"),
        ("postgresql://u:secret@127.0.0.1:1/journal", "the journal at postgresql://"),
    ],
)
def test_a_journal_that_cannot_be_read_is_said_without_its_password(
    spec_of: SpecOf, source: str, monkeypatch: pytest.MonkeyPatch, url: str, words: str
):
    monkeypatch.setenv("JOURNAL_URL", url)
    with pytest.raises(SourceError) as refused:
        read(spec_of, source, journal=True)
    assert words in str(refused.value) and "secret" not in str(refused.value)


def test_off_leaves_the_journal_out_and_says_so(
    spec_of: SpecOf, source: str, monkeypatch: pytest.MonkeyPatch, capsys
):
    monkeypatch.setenv("JOURNAL_URL", "off")
    assert not read(spec_of, source, journal=True)[JOURNALLED].any()
    assert "journal's rows are left out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("data", "columns", "words"),
    [
        ({"window": "soon"}, {}, "data.window: given 'soon'"),
        ({"window": "30d", "split": "random"}, {}, "data.split: given 'random'"),
        ({"journal": True, "split": "random"}, {}, "data.split: given 'random'"),
        ({"journal": True, "window": "91d"}, {}, "at most '90d'"),
        ({"journal": True}, {"light": {"sensitive": True}}, "columns.light is sensitive"),
        (
            {"journal": True},
            {"sown": {"type": "timestamp", "encode": "hour"}},
            "columns.sown is a timestamp",
        ),
    ],
)
def test_a_spec_that_cannot_be_is_refused_with_what_can(
    spec_of: SpecOf, data: dict[str, Any], columns: dict[str, Any], words: str
):
    with pytest.raises(SpecError) as refused:
        spec_of(data=data, columns=columns)
    assert words in str(refused.value)


def test_the_stacks_own_retention_is_the_bound(spec_of: SpecOf, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("JOURNAL_RETENTION_DAYS", "400")
    assert spec_of(data={"journal": True, "window": "91d"}).source.window == "91d"
    monkeypatch.setenv("JOURNAL_RETENTION_DAYS", "0")
    assert spec_of(data={"journal": True, "window": "3650d"}).source.journal
