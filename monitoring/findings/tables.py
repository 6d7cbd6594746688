"""The tables of the monitor's own database, as the migrations make them, and how times and documents stand in them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import numpy as np
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

SCHEMA = "monitor"


class Moment(TypeDecorator[dt.datetime]):
    """An aware time, in UTC. SQLite keeps it as text that sorts."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: sa.Dialect) -> Any:
        if value is None:
            return None
        moment = value.astimezone(dt.UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(  # pylint: disable=unused-argument
        self, value: Any, dialect: sa.Dialect
    ) -> dt.datetime | None:
        if value is None:
            return None
        aware: dt.datetime = value if value.tzinfo else value.replace(tzinfo=dt.UTC)
        return aware.astimezone(dt.UTC)


def plain(value: Any) -> Any:
    """A number or an array of NumPy's as Python's own."""
    if not isinstance(value, np.generic | np.ndarray):
        raise TypeError(f"{type(value).__name__} is nothing that can be kept")
    return value.tolist()


class Json(TypeDecorator[Any]):
    """JSON as msgspec writes it: what is not finite is null."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(JSONB(none_as_null=True))
        return dialect.type_descriptor(sa.Text())

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        if value is None:
            return None
        text = msgspec.json.encode(value, enc_hook=plain).replace(b"\\u0000", b"\\ufffd")
        return msgspec.json.decode(text) if dialect.name == "postgresql" else text.decode()

    def process_result_value(  # pylint: disable=unused-argument
        self, value: Any, dialect: sa.Dialect
    ) -> Any:
        return msgspec.json.decode(value) if isinstance(value, str) else value


_TABLES = sa.MetaData(schema=SCHEMA)

# Where a field's name is a word of SQL the column has another one, and the field's as key.
WINDOW = sa.Table(
    "judged_window",
    _TABLES,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("model", sa.Text),
    sa.Column("version", sa.Text),
    sa.Column("arm", sa.Text),
    sa.Column("start_at", Moment, key="start"),
    sa.Column("end_at", Moment, key="end"),
    sa.Column("rows", sa.BigInteger),
    sa.Column("sampled", sa.BigInteger),
    sa.Column("predictions", sa.BigInteger),
    sa.Column("first_at", Moment, key="first"),
    sa.Column("last_at", Moment, key="last"),
    sa.Column("watermark", Moment),
    sa.Column("seed", sa.BigInteger),
    sa.Column("judged_at", Moment),
    sa.Column("traffic_share", sa.Double),
    sa.Column("release", sa.Text),
    sa.Column("late_at", Moment),
    sa.Column("sent_mlflow", Moment),
    sa.Column("sent_elastic", Moment),
)
FINDING = sa.Table(
    "finding",
    _TABLES,
    sa.Column("window_id", sa.BigInteger, primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True),
    sa.Column("kind", sa.Text),
    sa.Column("column_name", sa.Text, key="column"),
    sa.Column("verdict", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("value", sa.Double),
    sa.Column("low", sa.Double),
    sa.Column("high", sa.Double),
    sa.Column("bound", sa.Double),
    sa.Column("visible", sa.Double),
    sa.Column("rows", sa.BigInteger),
    sa.Column("details", Json),
)
ALARM = sa.Table(
    "alarm",
    _TABLES,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("model", sa.Text),
    sa.Column("version", sa.Text),
    sa.Column("arm", sa.Text),
    sa.Column("kind", sa.Text),
    sa.Column("column_name", sa.Text, key="column"),
    sa.Column("raised_at", Moment),
    sa.Column("resolved_at", Moment),
    sa.Column("window_start", Moment),
    sa.Column("reason", sa.Text),
    sa.Column("value", sa.Double),
    sa.Column("evidence", Json),
)
SOURCE = sa.Table(
    "source_state",
    _TABLES,
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("up", sa.Boolean),
    sa.Column("since", Moment),
    sa.Column("checked_at", Moment),
    sa.Column("reason", sa.Text),
    sa.Column("value", sa.Double),
)
SUCCESS = sa.Table(
    "success",
    _TABLES,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("at", Moment),
)
TRUTH_SEEN = sa.Table(
    "truth_seen",
    _TABLES,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("at", Moment),
)
EXPERIMENT = sa.Table(
    "experiment",
    _TABLES,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("champion", sa.Text, primary_key=True),
    sa.Column("challenger", sa.Text, primary_key=True),
    sa.Column("started_at", Moment),
    sa.Column("judged_at", Moment),
    sa.Column("ended_at", Moment),
    sa.Column("verdict", sa.Text),
    sa.Column("decided_at", Moment),
    sa.Column("document", Json),
    sa.Column("memory", Json),
)


def _of_job_request() -> list[sa.Column[Any]]:
    """Columns of what a job of Jenkins was asked for, and of what became of it."""
    return [
        sa.Column("outcome", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("place", sa.Text),
        sa.Column("asked_at", Moment),
        sa.Column("settled_at", Moment),
        sa.Column("next_at", Moment),
        sa.Column("failures", sa.Integer),
    ]


RETRAIN = sa.Table(
    "retrain",
    _TABLES,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("model", sa.Text),
    sa.Column("version", sa.Text),
    sa.Column("alerts", sa.Text),
    sa.Column("delivery", sa.Text),
    *_of_job_request(),
    sa.Column("deliveries", sa.Integer),
)
CAPACITY = sa.Table(
    "capacity",
    _TABLES,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("measured_at", Moment),
    sa.Column("busiest", sa.Double),
    sa.Column("cores", sa.Double),
    sa.Column("ordered", sa.Integer),
    sa.Column("needed", sa.Integer),
    sa.Column("unbounded", sa.Integer),
)
SCALING = sa.Table(
    "scaling",
    _TABLES,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("first", sa.Integer),
    sa.Column("last", sa.Integer),
    sa.Column("why", sa.Text),
    *_of_job_request(),
)
