"""Journalled rows whose truth is in, as rows of a source: what a model was asked, and what really happened.

They are read by a role that can only read, and in a session that can only read, whatever the role may do. Of a row that
was predicted twice (by two arms, or sent again) there is one.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pandas as pd
import sqlalchemy as sa

from outside.address import public
from training.common.errors import SourceError
from training.common.progress import say
from training.spec.values import Spec

URL, URL_FILE = "JOURNAL_URL", "JOURNAL_URL_FILE"
#: As the secret of a platform says it that was given none.
NONE = "none"
#: Said by who checks or rehearses without it: branches, to which a pipeline gives no credential.
OFF = "off"
#: The newest are read, no more: a row is about a kilobyte while it is read.
MOST_ROWS = 1_000_000
STATEMENT_SECONDS = 600
_ROWS = """
SELECT p.request_id, p.row, p.at, CAST(p.features AS text) AS features, t.label, t.number
FROM prediction AS p
JOIN truth AS t ON t.model = p.model AND t.request_id = p.request_id AND t.row = p.row
WHERE p.model = :model AND p.at >= :since
ORDER BY p.at DESC, p.prediction_id
LIMIT :most
"""


class _Journalled(NamedTuple):
    identity: str
    at: dt.datetime
    features: dict[str, Any]
    truth: Any


def read_journal(spec: Spec, since: dt.datetime, like: pd.DataFrame) -> pd.DataFrame:
    """The rows since then, in the order of their times, with the columns of `like`; SourceError names what is wrong.

    The time column says when a row was predicted; a column that has to be unique, the request's id and its number.
    """
    names = [column.name for column in spec.inputs]
    # A row of a contract that had not all of these columns has no value for them, which is not the same as null.
    url = _address()
    served = [] if url == OFF else _rows(url, spec, since)
    if url == OFF:
        say(f"{spec.name}: {URL} is off, so the journal's rows are left out")
    rows = [row for row in served if row.features.keys() >= set(names)]
    frame = pd.DataFrame([[row.features[name] for name in names] for row in rows], columns=names)
    frame[spec.source.target] = [row.truth for row in rows]
    if spec.source.time not in names:
        moments = pd.Series([row.at for row in rows], dtype="datetime64[ns, UTC]")
        frame[spec.source.time] = _as_in(like[spec.source.time], moments)
    for name in set(spec.checks.unique) - set(frame.columns):
        frame[name] = [row.identity for row in rows]
    return frame.reindex(columns=like.columns)


def _rows(url: str, spec: Spec, since: dt.datetime) -> list[_Journalled]:
    """The oldest first, each once: the newest of its predictions."""
    classes = spec.task == "classification"
    seen: dict[str, _Journalled] = {}
    for row in _select(url, spec.name, since):
        identity = f"{row.request_id}/{row.row}"
        truth = row.label if classes else row.number
        if truth is not None and identity not in seen:
            at = pd.to_datetime(row.at, utc=True).to_pydatetime()
            seen[identity] = _Journalled(identity, at, json.loads(row.features), truth)
    return sorted(seen.values(), key=lambda row: (row.at, row.identity))


def _select(url: str, model: str, since: dt.datetime) -> Iterator[Any]:
    try:
        engine = _engine(url)
        try:
            with engine.connect() as connection:
                moment: Any = since
                if engine.dialect.name == "sqlite":
                    # Its times are text, in UTC.
                    moment = since.replace(tzinfo=None).isoformat(" ", "microseconds")
                about = {"model": model, "since": moment, "most": MOST_ROWS}
                yield from connection.execute(sa.text(_ROWS), about)
        finally:
            engine.dispose()
    except (sa.exc.SQLAlchemyError, ImportError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise SourceError(f"the journal at {public(url)}: {reason}") from error


def _address() -> str:
    url, file = os.environ.get(URL, ""), os.environ.get(URL_FILE, "")
    try:
        url = url or (Path(file).read_text(encoding="utf-8").strip() if file else "")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{URL_FILE} names {file}, which cannot be read: {error}") from error
    if url in ("", NONE):
        raise SourceError(
            f"data.journal asks for the journal's rows, and {URL} names none: give the address of a role that may"
            " read it, postgresql://USER:PASSWORD@HOST/journal; in Jenkins it is the credential `journal`;"
            f" {OFF} leaves them out"
        )
    return url


def _engine(url: str) -> sa.Engine:
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        # A file that is not there is not made.
        place = parsed.set(database=f"file:{quote(parsed.database or '')}")
        return sa.create_engine(place.update_query_dict({"mode": "ro", "uri": "true"}))
    options = (
        f"-c default_transaction_read_only=on -c statement_timeout={1000 * STATEMENT_SECONDS}"
        " -c timezone=UTC"
    )
    return sa.create_engine(
        parsed.set(drivername="postgresql+psycopg"),
        connect_args={"options": options, "application_name": "swarmline-training"},
        hide_parameters=True,
    )


def _as_in(source: pd.Series[Any], moments: pd.Series[Any]) -> pd.Series[Any]:
    """Times in the type that the source has them in, so that both can stand in one column."""
    if not pd.api.types.is_datetime64_any_dtype(source):
        return moments.map(lambda moment: moment.isoformat()).astype(object)
    zone = source.dt.tz
    times: pd.Series[Any] = (
        moments.dt.tz_convert(zone) if zone is not None else moments.dt.tz_localize(None)
    )
    return times
