"""What the journal's tests share: a contract, a worker's journal, and looks at the tables."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from service.bundle.contract import Column, Contract, Output
from service.bundle.engines import Answer
from service.journal import Journal
from service.journal.database.connection import connect
from service.journal.spool.segments import segments
from service.settings import JournalSettings

KEY = b"a key that only tests know"
SECRET = "paracetamol"

QUALITY = Contract(
    "quality",
    "classification",
    (
        Column("height", "number"),
        Column("leaves", "integer", nullable=True),
        Column("crop", "category", categories=("basil", "mint")),
        Column("organic", "boolean"),
        Column("medicine", "category", categories=("none", SECRET), nullable=True, sensitive=True),
        Column("age", "number", sensitive=True),
    ),
    (Output("quality"),),
    ("bad", "good"),
)
YIELD = Contract("yield", "regression", (Column("light", "number"),), (Output("grams"),))
RECIPE = Contract(
    "recipe", "optimization", (Column("price", "number"),), (Output("light"), Output("ec"))
)
CONTRACTS = [("1", QUALITY), ("1", YIELD), ("1", RECIPE)]
ROW = [21.3, 4.0, 1.0, 1.0, 1.0, 42.0]


def settings_for(folder: Path, **more: Any) -> JournalSettings:
    defaults: dict[str, Any] = {
        "url": f"sqlite:///{folder}/journal.db",
        "spool": folder / "spool",
        "poll": 0.02,
    }
    return JournalSettings(**(defaults | more))


def open_journal(settings: JournalSettings) -> Journal:
    return Journal(settings, CONTRACTS)


def record_quality(journal: Journal, request_id: str = "r1", rows: int = 1, **more: Any) -> bool:
    answer = Answer(np.ones(rows, np.int64), np.tile(np.array([[0.2, 0.8]], np.float32), (rows, 1)))
    matrix = np.tile(np.array([more.get("row", ROW)], np.float32), (rows, 1))
    return journal.record(
        *(request_id, "quality", "1", "release-1", more.get("arm", "champion")),
        *(more.get("subject", "someone"), matrix, answer),
        *(more.get("at", time.time()), 0.0125, more.get("trace_id")),
    )


def record_yield(
    journal: Journal,
    request_id: str,
    light: float = 1.5,
    at: float | None = None,
    trace_id: str | None = None,
) -> bool:
    matrix = np.array([[light]], np.float32)
    answer = Answer(np.array([[light * 2]], np.float32))
    return journal.record(
        *(request_id, "yield", "1", "release-1", "champion", None, matrix, answer),
        *(time.time() if at is None else at, 0.001, trace_id),
    )


def query(settings: JournalSettings, statement: str, **parameters: Any) -> list[Any]:
    engine = connect(settings.url)
    try:
        with engine.begin() as connection:
            return list(connection.execute(sa.text(statement), parameters))
    finally:
        engine.dispose()


def count(settings: JournalSettings, table: str = "prediction") -> int:
    return int(query(settings, f"SELECT count(*) FROM {table}")[0][0])


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def only_segment(settings: JournalSettings) -> Path:
    """The one file of a spool."""
    [path] = segments(settings.spool)
    return path
