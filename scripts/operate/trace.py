"""From a prediction to everything behind it: release, version, run, data, commit.

    python -m scripts.operate trace ID [--journal URL] [--stack NAME] [--json]

ID is a prediction's, a request's, or a trace's, which callers name by the header traceparent. The journal is asked
inside the Swarm, or at --journal. What a release consists of is told by the Swarm's own records, and by MLflow where
they do not reach back so far.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping
from typing import Any

from outside.address import public_text
from outside.values import ADDRESS, IDENTITY, Outside
from scripts.command.address import sound
from scripts.command.options import parsed, parser
from scripts.command.outcome import Refused, finish, say
from scripts.credentials import database
from scripts.engine import job, swarm
from scripts.engine.secrets_and_configs import current_secrets
from scripts.ledger import records, releases, unrecorded

PARTS = ("prediction_id", "request_id", "row", "at", "model", "version", "release", "arm")
#: A request may have very many rows.
MOST = 1000
QUERY = f"""SELECT {', '.join(PARTS)}, prediction FROM prediction
WHERE prediction_id = :id OR request_id = :id ORDER BY at, row LIMIT {MOST}"""  # nosec B608 # constants
#: Asked on its own, where nothing has this id: partitions from before there were traces have no index for it. A day
#: before the migration is early enough for clocks that differ.
BY_TRACE = f"""SELECT {', '.join(PARTS)}, prediction FROM prediction
WHERE trace_id = :id AND at >= (SELECT max({{since}}) FROM journal_migration WHERE version = 2)
ORDER BY at, row LIMIT {MOST}"""  # nosec B608 # constants
SINCE_POSTGRESQL = "applied_at::timestamptz - interval '1 day'"
SINCE_SQLITE = "datetime(applied_at, '-1 day')"
HAS_TRACES = "SELECT count(*) FROM journal_migration WHERE version = 2"
SCRIPT = """psql -X -q -At -v ON_ERROR_STOP=1 -v id={identity} "$(cat /run/secrets/url)" <<SQL
SELECT row_to_json(line) FROM ({query}) line;
SELECT ({has_traces}) = 1 AND NOT EXISTS ({query}) AS by_trace \\gset
\\if :by_trace
SELECT row_to_json(line) FROM ({by_trace}) line;
\\endif
SQL
"""
Row = dict[str, Any]


def trace(options: argparse.Namespace) -> dict[str, Any]:
    if not re.fullmatch(IDENTITY.pattern, options.id):
        raise Refused(f"{options.id!r} is no id; allowed is {IDENTITY.words}")
    rows = (
        from_address(options.journal, options.id)
        if options.journal
        else from_swarm(options.stack, options.id, options.deadline)
    )
    if not rows:
        raise Refused(
            f"the journal has no prediction {options.id}: it may still be on its way, or be older"
            " than JOURNAL_RETENTION_DAYS, or of another stack"
        )
    releases_by_name = documents(options.stack, rows)
    predictions = [explain(row, releases_by_name) for row in rows]
    for prediction in predictions[:10]:
        show(prediction)
    if len(predictions) > 10:
        say(f"... and {len(predictions) - 10} more; --json has all")
    return {"id": options.id, "predictions": predictions}


def from_address(url: str, identity: str) -> list[Row]:
    # Takes a while to import; only who names a journal waits for it.
    import sqlalchemy  # pylint: disable=import-outside-toplevel

    # The address as the service takes it; the driver is the one that it has.
    address = re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", sound("--journal", url))
    try:
        engine = sqlalchemy.create_engine(address)
    except (sqlalchemy.exc.SQLAlchemyError, ImportError) as error:
        raise Refused(
            f"--journal is no address of a database: {public_text(str(error))}"
        ) from error
    try:
        with engine.connect() as connection:
            names = {"id": identity}
            rows = connection.execute(sqlalchemy.text(QUERY), names).mappings().all()
            if not rows and connection.scalar(sqlalchemy.text(HAS_TRACES)):
                # Colons of a cast would be read as a parameter.
                since = SINCE_SQLITE if address.startswith("sqlite") else SINCE_POSTGRESQL
                by_trace = sqlalchemy.text(BY_TRACE.format(since=since.replace("::", r"\:\:")))
                rows = connection.execute(by_trace, names).mappings().all()
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise Refused(f"the journal at {engine.url!r} cannot be read: {error}") from error
    finally:
        engine.dispose()
    return [dict(row) for row in rows]


def from_swarm(stack: str, identity: str, seconds: float) -> list[Row]:
    """Asked by a job inside: the database has no port outside, and its password stays a secret."""
    swarm.need_manager()
    address = current_secrets(stack).get("JOURNAL_URL_SECRET")
    if address is None:
        raise Refused(f"stack {stack} has no journal; name one with --journal")
    script = script_of(identity)
    image = database.database_image(stack)
    words = job.ask(stack, "trace", image, script, {"url": address}, seconds)
    return [json.loads(line) for line in words.splitlines() if line.startswith("{")]


def script_of(identity: str) -> str:
    """What the job runs. psql quotes the id; that it holds nothing to quote was made sure of before."""
    by_trace = BY_TRACE.format(since=SINCE_POSTGRESQL)
    return SCRIPT.format(
        identity=identity,
        query=QUERY.replace(":id", ":'id'"),
        by_trace=by_trace.replace(":id", ":'id'"),
        has_traces=HAS_TRACES,
    )


def documents(stack: str, rows: list[Row]) -> Mapping[str, Mapping[str, Any]]:
    """release.json of each release, from the Swarm's records, from what serves, or else from the ledger."""
    wanted = {str(row["release"]) for row in rows}
    by_name = {
        record.release: record.document
        for record in reversed(_history(stack))
        if record.release in wanted
    }
    if wanted - by_name.keys():
        by_name |= _without_record(stack)
    for release in wanted - by_name.keys():
        document = releases.document(release)
        if document:
            by_name[release] = document
    return by_name


def _without_record(stack: str) -> dict[str, Mapping[str, Any]]:
    """Of a release that came without `make deploy`, and serves."""
    try:
        serving = unrecorded.record(swarm.look(stack), stack)
    except Refused as error:
        say(f"the Swarm cannot tell what serves: {error}")
        return {}
    return {serving.release: serving.document} if serving else {}


def _history(stack: str) -> list[records.Record]:
    try:
        return records.history(stack)
    except Refused as error:
        say(f"the Swarm cannot tell its releases: {error}")
        return []


def explain(row: Row, by_name: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The row, and what is known of its release and version."""
    document = by_name.get(str(row["release"]), {})
    arms: Mapping[str, Any] = document.get("models", {}).get(row["model"], {})
    about: Mapping[str, Any] = next(
        (arm for arm in arms.values() if str(arm["version"]) == str(row["version"])), {}
    )
    return {
        **row,
        "run_id": about.get("run_id"),
        "data_fingerprint": about.get("data_fingerprint"),
        "model_commit": about.get("commit"),
        "bundle": about.get("bundle"),
        "service_commit": document.get("commit"),
        "service_dirty": document.get("dirty"),
        "release_created": document.get("created"),
    }


def show(prediction: Mapping[str, Any]) -> None:
    say(
        f"prediction {prediction['prediction_id']}, row {prediction['row']} of request {prediction['request_id']}"
    )
    say(f"  at          {prediction['at']}: {prediction['prediction']}")
    say(
        f"  release     {prediction['release']} of {prediction['release_created'] or 'an unknown time'}"
    )
    say(f"  service     commit {prediction['service_commit'] or 'unknown'}{_dirty(prediction)}")
    say(f"  model       {prediction['model']} {prediction['version']} as {prediction['arm']}")
    say(f"  run         {prediction['run_id'] or 'unknown: the release is in no record'}")
    say(f"  data        {prediction['data_fingerprint'] or 'unknown'}")
    say(f"  trained at  commit {prediction['model_commit'] or 'unknown'}")


def _dirty(prediction: Mapping[str, Any]) -> str:
    return ", with changes that were not committed" if prediction["service_dirty"] else ""


def main(arguments: list[str] | None = None) -> int:
    line = parser("operate trace", __doc__, 120.0)
    line.add_argument(
        "id",
        nargs="?",
        default=Outside("ID", IDENTITY, needed="a prediction's, a request's or a trace's"),
        help="of a prediction, of a request (the header X-Request-Id has it) or of a caller's trace",
    )
    line.add_argument(
        "--journal",
        default=Outside("JOURNAL_URL", ADDRESS),
        help="address of a journal outside the Swarm",
    )
    options = parsed(line, arguments)
    return finish(lambda: trace(options), options.json)
