"""`python -m tests.bench.window`: a window of many journalled rows, read by the monitor from a real PostgreSQL.

Prints the seconds and the memory of the reading process, and the plan of each statement with what the database did.
"""

from __future__ import annotations

import argparse
import datetime as dt
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from monitoring.window.journal import JournalReader
from monitoring.window.values import Arm, Span
from scripts.command.options import parsed
from service.bundle.contract import Column, Contract, Output
from service.journal.database.connection import connect
from service.journal.database.predictions import DAY, DAYS_AHEAD, PredictionTable
from tests.support.postgres import Cluster

COLUMNS = 13
CONTRACT = Contract(
    "bench",
    "classification",
    tuple(Column(f"c{number}", "number") for number in range(COLUMNS)),
    (Output("class"),),
    ("bad", "good"),
)
#: One in four is the challenger's; one request in a hundred is sent again.
FILL = f"""
INSERT INTO prediction
SELECT 'w-' || n || '-0', md5((n - (n % 100 = 3)::int)::text), 0,
    CAST(:start AS timestamptz) + n * (interval '1 day' / CAST(:rows AS integer)),
    'bench', CASE WHEN n % 4 = 0 THEN '2' ELSE '1' END, 'release',
    CASE WHEN n % 4 = 0 THEN 'challenger' ELSE 'champion' END, NULL,
    jsonb_build_object({', '.join(f"'c{number}', round(random()::numeric, 6)" for number in range(COLUMNS))}),
    '"good"', 'good', NULL, jsonb_build_object('bad', 0.2, 'good', 0.8), 0.8, random() * 5, NULL
FROM generate_series(0, CAST(:rows AS integer) - 1) AS n
"""
TRUTH = """
INSERT INTO truth
SELECT DISTINCT ON (request_id) model, request_id, row, at, at + random() * interval '1 day', '"good"', 'good', NULL
FROM prediction
WHERE hashtext(request_id) % 2 = 0
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--plans", action="store_true", help="print the plan of each statement")
    options = parsed(parser, None)
    day = dt.datetime.now(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with tempfile.TemporaryDirectory(prefix="pg-") as place:
        cluster = Cluster(Path(place))
        cluster.start()
        try:
            fill(cluster.url, options.rows, day)
            read(cluster.url, Span(day, day + dt.timedelta(days=1)), options.plans)
        finally:
            cluster.stop()
    return 0


def fill(url: str, rows: int, day: dt.datetime) -> None:
    table = PredictionTable(url, 0)
    table.prepare()
    # As a sweep of that day leaves them: by now it may be the next one.
    table._ensure_days({(day + number * DAY).date() for number in range(DAYS_AHEAD + 1)})
    table.close()
    engine = connect(url + "?options=-c%20statement_timeout%3D0%20-c%20timezone%3DUTC")
    with engine.begin() as connection:
        connection.execute(sa.text(FILL), {"rows": rows, "start": day})
        connection.execute(sa.text(TRUTH))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # As autovacuum does once a fifth of a partition is new.
        connection.exec_driver_sql("VACUUM ANALYZE")
        sizes = (
            "SELECT sum(pg_table_size(inhrelid)), sum(pg_indexes_size(inhrelid)) FROM pg_inherits"
            " WHERE inhparent = 'prediction'::regclass"
        )
        table_size, index_size = connection.exec_driver_sql(sizes).one()
    engine.dispose()
    print(f"{rows} rows: {int(table_size) >> 20} MB, indexes {int(index_size) >> 20} MB")


def read(url: str, span: Span, plans: bool) -> None:
    reader = JournalReader(url)
    if plans:
        sa.event.listen(reader._connection.engine, "before_cursor_execute", explain)
    arms = timed("arms", lambda: reader.arms(span))
    for arm in arms:
        window = timed(
            f"window of {arm.name}", lambda arm=arm: reader.window(arm, span, CONTRACT, 1)
        )
        truth = timed(f"truth of {arm.name}", lambda window=window: reader.truth(window, CONTRACT))
        print(
            f"  {window.rows} rows, {window.requests} requests, {len(window.matrix)} in the sample;"
            f" truth of {truth.with_truth}, {len(truth.truth)} in the sample"
        )
    timed(
        "minutes of new truth",
        lambda: reader.truth_minutes("bench", span.end - dt.timedelta(hours=1), span.start),
    )
    timed(
        "the first 500 rows", lambda: reader.row_spans(Arm("bench", "1", "champion"), 500, *span, 1)
    )
    reader.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"the reading process: {peak:.0f} MB at most")


def timed(what: str, work: Callable[[], Any]) -> Any:
    started, used = time.monotonic(), time.process_time()
    outcome = work()
    print(
        f"{what}: {time.monotonic() - started:.2f} s, of these {time.process_time() - used:.2f} s of our CPU"
    )
    return outcome


def explain(  # pylint: disable=too-many-arguments,too-many-positional-arguments
    connection: sa.Connection,
    _cursor: Any,
    statement: str,
    parameters: Any,
    _context: Any,
    _many: bool,
) -> None:
    if statement.startswith("EXPLAIN") or "prediction" not in statement:
        return
    words = f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF) {statement}"
    print(f"  {' '.join(statement.split())[:100]} ...")
    driver: Any = connection.connection.driver_connection
    for (line,) in driver.execute(words, parameters).fetchall():
        print(f"    {line}")


if __name__ == "__main__":
    raise SystemExit(main())
