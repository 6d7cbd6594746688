"""What the last training of each model came to, as a file beside its card: the gate, a release and the mail read it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from training.common import places
from training.common.documents import pretty, write_whole
from training.common.errors import GateFailed, TrainingError

FILE = "training.json"


def record(outcome: Mapping[str, Any]) -> None:
    write_whole(places.reports() / str(outcome["model"]) / FILE, pretty(outcome))


def recorded(models: Iterable[str]) -> list[dict[str, Any]]:
    """The outcomes of those models that were trained, or found unchanged, since the reports were cleared."""
    paths = [places.reports() / model / FILE for model in models]
    return [msgspec.json.decode(path.read_bytes()) for path in paths if path.is_file()]


def judge(models: Sequence[str]) -> str:
    """Every rule that was applied to the candidates, for people; GateFailed where one did not hold."""
    outcomes = recorded(models)
    lines = [line for outcome in outcomes for line in _lines(outcome)]
    failed = [line for outcome in outcomes for line in _failures(outcome)]
    if failed:
        raise GateFailed("\n".join([*lines, "the gate failed:", *failed]))
    missing = set(models) - {outcome["model"] for outcome in outcomes}
    if missing:
        raise TrainingError(
            f"{', '.join(sorted(missing))}: no candidate here; `make train GATE=later` makes it"
        )
    return "\n".join(lines)


def _lines(outcome: dict[str, Any]) -> Iterator[str]:
    version = f"version {outcome['version']}" if outcome["version"] else f"run {outcome['run_id']}"
    rejected = f", rejected {outcome['rejected']}" if outcome["rejected"] else ""
    yield f"{outcome['model']}: {version}, {outcome['status']}{rejected}"
    for rule in outcome["gates"]:
        yield f"  {'pass' if rule['passed'] else 'FAIL'}  {_rule(rule)}"


def _failures(outcome: dict[str, Any]) -> Iterator[str]:
    for rule in outcome["gates"]:
        if not rule["passed"]:
            yield f"  {outcome['model']}: {_rule(rule)}"


def _rule(rule: dict[str, Any]) -> str:
    value, bound = (
        "-" if rule[name] is None else f"{rule[name]:.6g}" for name in ("value", "bound")
    )
    return f"{rule['rule']}: value {value}, bound {bound}"


def to_release(models: Iterable[str]) -> dict[str, str]:
    """The version of each candidate that passed, and that nobody rejected."""
    passed = (one for one in recorded(models) if all(rule["passed"] for rule in one["gates"]))
    return {
        one["model"]: one["version"] for one in passed if one["version"] and not one["rejected"]
    }


def note_rejected(model: str, version: str, told: str) -> None:
    """In the outcome too, so that whoever reads of the candidate reads of this."""
    for outcome in recorded([model]):
        if outcome["version"] == version:
            record({**outcome, "rejected": told})
