from __future__ import annotations

import threading

import msgspec
import numpy as np
import pytest
import sqlalchemy as sa

from monitoring.findings import database, tables
from monitoring.findings.database import FindingsUnavailable, UnfitFindings
from monitoring.findings.retrains import Retrains
from monitoring.findings.store import Store
from tests.support.monitoring import HOUR, START, alarm, finding, raise_alarm, record
from tests.support.postgres import Cluster

KEY = ("yield", "3", "champion")
MIGRATIONS = sorted(path.stem for path in (database.MIGRATIONS / "sqlite").glob("*.sql"))


def test_a_window_and_its_findings_come_back_as_they_were(store: Store):
    findings = [
        finding(),
        finding(kind="share", column="", verdict="unknown", reason="no reference"),
    ]
    store.save(record(), findings)
    assert store.windows("yield") == [record()]
    assert store.findings(*KEY, START) == findings


def test_judged_again_a_window_replaces_itself(store: Store):
    store.save(record(), [finding(), finding(column="humidity")])
    store.save(record(rows=1200), [finding(value=0.5)])
    assert [window.rows for window in store.windows("yield")] == [1200]
    assert store.findings(*KEY, START) == [finding(value=0.5)]


def test_a_save_that_fails_midway_leaves_what_was_there(store: Store):
    store.save(record(), [finding()])
    unfit = finding(details={"text": object()})
    with pytest.raises(UnfitFindings):
        store.save(record(rows=1), [finding(column="humidity"), unfit], [alarm()])
    assert store.windows("yield") == [record()]
    assert store.findings(*KEY, START) == [finding()]
    assert store.alarms() == []


def test_what_is_not_finite_is_kept_as_none(store: Store):
    store.save(
        record(), [finding(value=float("nan"), high=float("inf"), details={"x": float("nan")})]
    )
    (stored,) = store.findings(*KEY, START)
    assert (stored.value, stored.high, stored.details) == (None, None, {"x": None})


def test_numbers_of_numpy_are_kept_as_numbers(store: Store):
    details = {"share": np.float64(0.5), "counts": np.array([1, 2]), "pairs": [np.int64(3)]}
    store.save(record(rows=np.int64(9)), [finding(value=np.float32(0.5), details=details)])
    (stored,) = store.findings(*KEY, START)
    assert (stored.value, stored.details) == (0.5, {"share": 0.5, "counts": [1, 2], "pairs": [3]})


def test_hostile_names_are_kept_as_text(store: Store):
    name = "'); DROP TABLE finding; --<script>"
    store.save(record(model=name), [finding(column=name, reason=name)])
    (stored,) = store.findings(name, "3", "champion", START)
    assert (stored.column, stored.reason) == (name, name)


def test_windows_are_listed_newest_first_by_version_arm_and_time(store: Store):
    for number in range(4):
        store.save(record(number, version=str(number % 2)), [])
    assert [window.start for window in store.windows("yield", limit=2)] == [
        START + 3 * HOUR,
        START + 2 * HOUR,
    ]
    assert [window.version for window in store.windows("yield", version="1")] == ["1", "1"]
    assert store.windows("yield", arm="challenger") == []
    assert len(store.windows("yield", since=START + 2 * HOUR)) == 2
    assert [arm.version for arm in store.arms()] == ["1", "0"]


def test_a_series_has_the_newest_windows_oldest_first_and_only_the_kinds_asked_for(store: Store):
    for number in range(3):
        store.save(record(number), [finding(value=number / 10), finding(kind="share", column="")])
    series = store.series("yield", {"drift"}, limit=2)
    assert [(window.start, stored.value) for window, stored in series] == [
        (START + HOUR, 0.1),
        (START + 2 * HOUR, 0.2),
    ]
    assert {stored.details.get("reference") is None for _, stored in series} == {True}
    (_, detailed), *_ = store.series("yield", {"drift"}, details=True)
    assert detailed.details == finding().details


def test_an_alarm_is_raised_once_resolved_and_raised_again(store: Store):
    store.save(record(), [finding()], raised=[alarm()])
    store.save(record(1), [finding()], raised=[alarm(1)])
    assert store.alarms(standing=True) == [alarm()]
    over = msgspec.structs.replace(alarm(), resolved_at=START + 9 * HOUR)
    store.save(record(4), [], resolved=[over])
    assert store.alarms(standing=True) == []
    assert store.alarms("yield", standing=False) == [over]
    raise_alarm(store, alarm(5))
    assert store.alarms() == [alarm(5), over]


def test_the_evidence_of_an_alarm_outlives_a_new_judgement_of_its_window(store: Store):
    store.save(record(), [finding(verdict="raised", value=0.4)], raised=[alarm()])
    store.save(record(), [finding(value=0.01)])
    (standing,) = store.alarms()
    assert standing.evidence == finding(verdict="raised", value=0.4)


def test_a_source_says_since_when_it_is_as_it_is(store: Store):
    for number, up in enumerate([True, False, False, True]):
        store.note_source("mlflow", up, "" if up else "refused", START + number * HOUR)
        (state,) = store.sources()
        assert (state.up, state.checked_at) == (up, START + number * HOUR)
        assert state.since == START + {0: 0, 1: 1, 2: 1, 3: 3}[number] * HOUR


def test_the_last_success_is_kept_by_model(store: Store):
    store.note_success("yield", START)
    store.note_success("yield", START + HOUR)
    store.note_success("quality", START)
    assert store.last_success() == {"yield": START + HOUR, "quality": START}


def test_what_is_old_goes_and_a_standing_alarm_stays(store: Store):
    for number in range(6):
        store.save(record(number), [finding()])
    over = msgspec.structs.replace(alarm(column="humidity"), resolved_at=START + HOUR)
    raise_alarm(store, alarm())
    raise_alarm(store, msgspec.structs.replace(over, resolved_at=None))
    store.resolve_alarm(over)
    assert store.expire(START + 4 * HOUR) == 3
    assert [window.start for window in store.windows("yield")] == [
        START + n * HOUR for n in (5, 4, 3)
    ]
    assert store.findings(*KEY, START) == []
    assert store.alarms() == [alarm()]


def test_many_that_start_at_once_make_the_tables_once(database: str):
    applied: list[str] = []

    def prepare() -> None:
        other = Store(database)
        applied.extend(other.prepare())
        other.close()

    threads = [threading.Thread(target=prepare) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert applied == MIGRATIONS


def test_the_tables_are_as_the_migrations_make_them(store: Store):
    inspector = sa.inspect(store.engine)
    schema = tables.SCHEMA if store.engine.dialect.name == "postgresql" else None
    for table in tables.WINDOW.metadata.sorted_tables:
        column_names = [column["name"] for column in inspector.get_columns(table.name, schema)]
        assert column_names == [column.name for column in table.columns]


def test_a_role_that_owns_only_the_schema_makes_its_tables(postgresql: str):
    owner = Store(postgresql)
    with owner.engine.begin() as connection:
        connection.exec_driver_sql("DROP ROLE IF EXISTS watcher")
        connection.exec_driver_sql("CREATE ROLE watcher LOGIN")
        connection.exec_driver_sql("CREATE SCHEMA monitor AUTHORIZATION watcher")
    store = Store(postgresql.replace("tester@", "watcher@"))
    assert store.prepare() == MIGRATIONS
    store.save(record(), [finding()])
    assert store.windows("yield") == [record()]
    store.close()
    with owner.engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA monitor CASCADE")
        connection.exec_driver_sql("DROP ROLE watcher")
    owner.close()


def test_a_database_that_is_away_is_said_and_used_again_when_it_is_back(
    cluster: Cluster, postgresql: str
):
    store = Store(postgresql)
    store.prepare()
    store.save(record(), [finding()])
    cluster.stop()
    try:
        with pytest.raises(FindingsUnavailable, match="FINDINGS_URL"):
            store.windows("yield")
    finally:
        cluster.start()
    assert store.windows("yield") == [record()]
    store.close()


def test_a_window_is_to_be_sent_to_each_place_once_a_judgement(store: Store):
    first, again = record(), record(judged_at=START + 9 * HOUR)
    store.save(first, [])
    store.note_sent("mlflow", first)
    assert (store.unsent("mlflow"), store.unsent("elastic")) == ([], [first])
    store.save(again, [])
    store.note_sent("mlflow", first)
    assert store.unsent("mlflow") == [again]


def test_a_window_is_late_until_it_is_judged_again(store: Store):
    for number in range(3):
        store.save(record(number), [])
    store.note_late([record(0)], START)
    store.note_truth("yield", START + HOUR, [record(2)])
    assert [window.start for window in store.late(*KEY)] == [START + 2 * HOUR, START]
    assert store.truth_seen("yield") == START + HOUR
    store.save(record(2, rows=1001), [])
    assert store.late(*KEY) == [record(0)]
    assert store.truth_seen("quality") is None


def test_a_sign_that_no_database_keeps_is_replaced(store: Store):
    reason = "it could not be read: \0 at its end"
    store.save(record(), [finding(reason=reason, details={"names": ["a\0", {"\0": "\0"}]})])
    (kept,) = store.findings(*KEY, START)
    assert kept.reason == "it could not be read: \N{REPLACEMENT CHARACTER} at its end"
    assert "\0" not in str(kept.details)


def test_a_database_of_before_gets_what_it_lacks_and_keeps_what_it_has(
    store: Store,
):
    """As of a monitor from before retrainings: migrations only add."""
    store.save(record(), [finding()])
    schema = "monitor." if store.engine.dialect.name == "postgresql" else ""
    with store.engine.begin() as connection:
        connection.exec_driver_sql(f"DROP TABLE {schema}retrain")
        connection.exec_driver_sql(
            f"DELETE FROM {schema}monitor_migration WHERE name = '003_retrain'"
        )
    assert store.prepare() == ["003_retrain"]
    assert store.windows("yield") == [record()] and not Retrains(store.engine).newest()
