"""The ledger for people: the MLflow experiment `releases`, one run a release, rollback or change of traffic.

Writes what the Swarm's records have and the ledger lacks, so an MLflow that was down loses nothing; a rollback moves
champions back, too. MLFLOW_TRACKING_URI names the MLflow.
"""

from __future__ import annotations

import json
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from outside.address import public_text
from scripts.command import environments
from scripts.command.outcome import Refused, say
from scripts.ledger import champions, records, tracking
from scripts.ledger.records import Record

EXPERIMENT = "releases"
TAG = "swarmline.record"


def write_after(stack: str, champions_move: bool = False) -> None:
    """Catches up after a deploy; a ledger that cannot be written fails none."""
    try:
        write(stack)
    except Refused as error:
        say(f"the ledger is not written: {error}; the next deploy or `make ledger` does")
        if champions_move:
            say("MLflow's champions have not gone back either; `make ledger` moves them")


def write(stack: str) -> dict[str, Any]:
    """Writes every record that the ledger lacks, oldest first."""
    client, errors = tracking.client()
    history = records.history(stack)
    try:
        experiment = tracking.experiment(client, EXPERIMENT)
        written = _written(client, experiment, stack)
        lacking = [record for record in reversed(history) if _key(stack, record) not in written]
        # First, so that a rollback which is in the ledger has moved them.
        # Of a staging stack they are none: its rollback changes nothing of what serves callers.
        is_staging = environments.production_of(stack)
        moves = [] if is_staging else _champions(client, history, lacking)
        for record in lacking:
            _write(client, experiment, stack, record)
    except errors as error:
        raise Refused(public_text(f"MLflow at {tracking.uri()}: {error}")) from error
    if lacking:
        say(f"ledger: wrote {len(lacking)} of {EXPERIMENT} to MLflow")
    return {
        "written": [record.number for record in lacking],
        "champions": [move._asdict() for move in moves],
    }


def _champions(client: Any, history: list[Record], lacking: list[Record]) -> list[champions.Move]:
    """Once for each rollback: what people promote afterwards is theirs."""
    rollback = champions.gone_back(history)
    if rollback is None or rollback not in lacking:
        return []
    left = next((record for record in history if record.release == rollback.replaced), None)
    return champions.move_back(client, rollback, left)


def document(release: str) -> dict[str, Any]:
    """The release.json of a release that the Swarm has no record of any more; empty where MLflow is down."""
    try:
        client, errors = tracking.client()
        experiment = client.get_experiment_by_name(EXPERIMENT)
        runs = experiment and client.search_runs(
            [experiment.experiment_id], f"tags.`swarmline.release` = '{release}'", max_results=1
        )
        if not runs:
            return {}
        with tempfile.TemporaryDirectory(prefix="swarmline-") as folder:
            path = client.download_artifacts(runs[0].info.run_id, "release.json", folder)
            return dict(json.loads(Path(path).read_bytes()))
    except Refused as error:
        say(f"the ledger cannot tell of {release}: {error}")
    except errors as error:
        say(public_text(f"the ledger cannot tell of {release}: {error}"))
    return {}


def _key(stack: str, record: Record) -> str:
    # A Swarm that was made anew counts from 1 again.
    return f"{stack}/{record.number}/{record.at}"


def _written(client: Any, experiment: str, stack: str) -> set[str]:
    """Of each record that the ledger has, its key."""
    keys, token = set(), None
    while True:
        page = client.search_runs(
            [experiment], f"tags.`swarmline.stack` = '{stack}'", page_token=token
        )
        keys |= {run.data.tags.get(TAG, "") for run in page}
        token = page.token
        if not token:
            return keys


def _write(client: Any, experiment: str, stack: str, record: Record) -> None:
    moment = int(datetime.fromisoformat(record.at).timestamp() * 1000)
    facts = record.summary()
    tags = {
        TAG: _key(stack, record),
        "swarmline.stack": stack,
        "mlflow.user": record.by,
        "mlflow.note.content": f"{record.why or 'no reason given'}\n\n{record.reason}".strip(),
        **{
            f"swarmline.{name}": str(facts[name])
            for name in ("kind", "release", "image", "outcome", "by", "why", "replaced", "settings")
        },
        "swarmline.models": json.dumps(facts["models"]),
    }
    name = f"{record.kind} {record.number}: {record.release}"
    run = client.create_run(experiment, start_time=moment, tags=tags, run_name=name)
    for model, arms in facts["models"].items():
        for arm, version in arms.items():
            client.log_param(run.info.run_id, f"{model}.{arm}", version)
    client.log_metric(run.info.run_id, "seconds", record.seconds, timestamp=moment)
    client.log_dict(run.info.run_id, dict(record.document), "release.json")
    good = record.outcome in records.GOOD
    end = moment + int(record.seconds * 1000)
    client.set_terminated(run.info.run_id, "FINISHED" if good else "FAILED", end_time=end)
