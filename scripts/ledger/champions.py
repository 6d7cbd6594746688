"""MLflow's champion is what serves: after a rollback the alias goes back too, and MLflow's history says why.

What training builds on next, and what the next image holds, is the champion. training/registry/ writes the same aliases
and runs of `promotions` at a promotion (the import law keeps the two apart).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from scripts.command.outcome import say
from scripts.ledger import records, tracking
from scripts.ledger.records import Record

#: The experiment in which each move of a champion is a run, tagged with the fields of a `Move`.
PROMOTIONS = "promotions"


class Move(NamedTuple):
    """One move of the alias, as `promote` records it."""

    at: str
    model: str
    version: str
    replaced: str
    by: str
    why: str


def gone_back(history: list[Record]) -> Record | None:
    """The rollback by which the release that serves came back; `history` has the newest first."""
    serving = records.serving(history)
    for record in history:
        if serving is None or record.verified and record.release != serving.release:
            return None
        if record.verified and record.kind == "rollback":
            return record
    return None


def move_back(client: Any, rollback: Record, left: Record | None) -> list[Move]:
    """Each model's champion becomes the version that was gone back to. Where it is that already, nothing happens."""
    before = records.versions(left.document) if left else {}
    moves: list[Move] = []
    for model, arms in rollback.document.get("models", {}).items():
        if not client.search_registered_models(f"name='{model}'", max_results=1):
            continue
        _withdraw(client, model, before.get(model, {}).get("champion"), arms["champion"])
        moves += _move(client, rollback, model, arms["champion"])
    return moves


def _withdraw(client: Any, model: str, refused: str | None, champion: Mapping[str, Any]) -> None:
    """A version that was left before it became champion is no challenger any more: the next build would take it."""
    pointed = _aliases(client, model)
    if refused and refused != str(champion["version"]) and pointed.get("challenger") == refused:
        client.delete_registered_model_alias(model, "challenger")
        say(f"{model}: version {refused} is no challenger any more")


def _move(client: Any, rollback: Record, model: str, champion: Mapping[str, Any]) -> Iterator[Move]:
    version, pointed = str(champion["version"]), _aliases(client, model)
    replaced = pointed.get("champion", "")
    if replaced == version:
        return
    if not _is_there(client, model, champion):
        say(f"{model}: champion stays {replaced or 'none'}; this MLflow has no such {version}")
        return
    experiment = tracking.experiment(client, PROMOTIONS)
    if later := _promoted_after(client, experiment, model, rollback.at):
        say(f"{model}: champion stays {replaced}; {later} made it that after the rollback")
        return
    client.set_registered_model_alias(model, "champion", version)
    if pointed.get("challenger") == version:
        client.delete_registered_model_alias(model, "challenger")
    why = f"rollback to release {rollback.release}: {rollback.why or 'no reason given'}"
    move = Move(records.now(), model, version, replaced, rollback.by, why)
    run = client.create_run(experiment, run_name=f"{model} {version}", tags=move._asdict())
    client.set_terminated(run.info.run_id)
    say(f"{model}: champion {replaced or '-'} -> {version}")
    yield move


def _aliases(client: Any, model: str) -> dict[str, str]:
    aliases = client.get_registered_model(model).aliases
    return {name: str(version) for name, version in aliases.items()}


def _is_there(client: Any, model: str, champion: Mapping[str, Any]) -> bool:
    """Whether this MLflow has the very version: another MLflow may have another of the same number."""
    versions = client.search_model_versions(f"name='{model}'", max_results=1000)
    return any(
        (str(version.version), str(version.run_id))
        == (str(champion["version"]), champion["run_id"])
        for version in versions
    )


def _promoted_after(client: Any, experiment: str, model: str, moment: str) -> str:
    """Who moved the champion since, if anybody did."""
    newest = client.search_runs(
        [experiment],
        f"tags.model = '{model}'",
        max_results=1,
        order_by=["attributes.start_time DESC"],
    )
    for run in newest:
        if datetime.fromisoformat(run.data.tags["at"]) > datetime.fromisoformat(moment):
            return str(run.data.tags["by"])
    return ""
