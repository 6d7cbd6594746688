"""What was deployed when, kept in the Swarm itself, so that any of it can come back with MLflow and Jenkins down.

Each attempt is a config `<stack>_release_<number>`. One that was verified holds all that decides what runs; of one that
was not, only what happened.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from scripts.command.outcome import Refused
from scripts.engine import secrets_and_configs
from scripts.engine.secrets_and_configs import Stored
from scripts.image.release import Release
from scripts.stack_file.render import StackInputs

NAME = "release"
#: Outcomes: only what was verified can be gone back to.
VERIFIED, ROLLED_BACK, LATE, FAILED = "verified", "rolled back", "deadline", "failed"
#: Of a release that came without a deploy of ours.
UNPROVEN = "not proven"
#: How many replicas serve was changed, and nothing else: `scripts.ledger.replicas`.
SCALED = "scaled"
#: A record of this kind changed nothing: somebody decided that the release is not to come in.
REJECTION, REJECTED = "rejection", "rejected"
#: So does one of a ramp that ended and left the share as it was.
RAMP, STAYS = "ramp", "stays"
#: And one of this kind: what the release came to in the stack's staging (scripts/ledger/confirmations.py).
STAGING, CONFIRMED, RED = "staging", "confirmed", "red"
#: Outcomes that are no failure.
GOOD = (VERIFIED, UNPROVEN, SCALED, STAYS, CONFIRMED)


class Record(NamedTuple):
    """One attempt. `document` is the image's release.json, `golden` the rows that prove it."""

    kind: str
    release: str
    image: str
    at: str
    by: str
    outcome: str
    document: Mapping[str, Any]
    golden: Mapping[str, Any]
    number: int = 0
    why: str = ""
    reason: str = ""
    settings: str = ""
    replaced: str = ""
    seconds: float = 0.0
    inputs: StackInputs | None = None

    @property
    def verified(self) -> bool:
        return self.outcome == VERIFIED and self.inputs is not None

    @property
    def deployed_with(self) -> StackInputs:
        """Its inputs, which a record that was verified has."""
        assert self.inputs is not None
        return self.inputs

    @property
    def as_release(self) -> Release:
        """The release to be brought in once more, with what proves it."""
        golden = {model: dict(arms) for model, arms in self.golden.items()}
        return Release(self.image, self.release, dict(self.document), golden)

    def entry(self, kind: str, by: str, why: str) -> Record:
        """An entry about this release, at this time, which brought nothing in: nobody can go back to it."""
        entry = self._replace(number=0, kind=kind, at=now(), by=by, why=why)
        return entry._replace(
            outcome="", reason="", replaced="", seconds=0.0, golden={}, inputs=None
        )

    def summary(self) -> dict[str, Any]:
        """The facts for people and for the ledger."""
        facts = self._asdict()
        for name in ("document", "golden", "inputs"):
            del facts[name]
        return facts | {"models": versions(self.document)}


def line(summary: Mapping[str, Any], serves: bool) -> str:
    """For a list of what was deployed when; a star stands at what serves."""
    mark = "*" if serves else " "
    reason = summary["reason"] or summary["why"]
    moment = summary["at"][:16].replace("T", " ")
    return (
        f"{mark} {summary['number']:>3}  {moment}  {summary['kind']:<9} {summary['release']}"
        f"  {summary['outcome']}, by {summary['by']}{f': {reason}' if reason else ''}"
    )


def versions(document: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Model to arm to version."""
    return {
        model: {arm: str(facts["version"]) for arm, facts in arms.items()}
        for model, arms in document.get("models", {}).items()
    }


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def store(stack: str, record: Record) -> Record:
    """Keeps the record under the next free number."""
    while True:
        number = 1 + max((_number(config) for config in _configs(stack)), default=0)
        numbered = record._replace(number=number)
        try:
            _create(stack, numbered)
            return numbered
        except secrets_and_configs.Taken:
            continue  # another took the number at this moment


def labels(stack: str, record: Record) -> dict[str, str]:
    return {
        secrets_and_configs.STACK: stack,
        secrets_and_configs.NAME: NAME,
        "swarmline.number": str(record.number),
        "swarmline.kind": record.kind,
        "swarmline.release": record.release,
        "swarmline.image": record.image,
        "swarmline.at": record.at,
        "swarmline.by": record.by,
        "swarmline.why": record.why,
        "swarmline.outcome": record.outcome,
    }


def _create(stack: str, record: Record) -> None:
    called, text = f"{stack}_release_{record.number}", to_text(record)
    secrets_and_configs.create("config", stack, NAME, text, called, labels(stack, record))


def _configs(stack: str) -> list[Stored]:
    return secrets_and_configs.listed("config", stack, NAME)


def to_text(record: Record) -> str:
    inputs = (
        record.inputs._asdict() | {"origins": dict(record.inputs.origins)}
        if record.inputs
        else None
    )
    text = json.dumps(record._asdict() | {"inputs": inputs})
    if len(text) > secrets_and_configs.LIMIT:
        raise Refused(
            f"the record of {record.release} has {len(text)} bytes, more than a config of the Swarm"
            f" may have ({secrets_and_configs.LIMIT}); make golden rows or stack files smaller"
        )
    return text


def from_text(text: str) -> Record:
    facts = json.loads(text)
    inputs = StackInputs(**facts.pop("inputs")) if facts["inputs"] else facts.pop("inputs")
    return Record(**facts, inputs=inputs)


def history(stack: str) -> list[Record]:
    """All attempts, the newest first."""
    records = [from_text(config.content) for config in _configs(stack)]
    return sorted(records, key=lambda record: record.number, reverse=True)


def serving(history_of: list[Record]) -> Record | None:
    """What was verified last."""
    return next((record for record in history_of if record.verified), None)


def need_serving(stack: str, history_of: list[Record]) -> Record:
    record = serving(history_of)
    if record is None:
        raise Refused(f"stack {stack} has no release yet; `make deploy` brings one in")
    return record


def last_inputs(stack: str) -> StackInputs | None:
    """What the stack was deployed with last, as far as there is a record."""
    last = serving(history(stack))
    return last.inputs if last else None


def choose(history_of: list[Record], wanted: str) -> Record:
    """The newest verified record of a release, named by its name, its start, its number or its digest."""
    verified = [record for record in history_of if record.verified]
    for is_meant in (_exactly, _begins):
        records = [record for record in verified if is_meant(record, wanted)]
        if records and len({record.release for record in records}) == 1:
            return records[0]
    names = list(dict.fromkeys(record.release for record in verified))
    raise Refused(
        f"there is no release {wanted} to go back to; there are {', '.join(names) or 'none'}"
    )


def previous(history_of: list[Record]) -> Record:
    """What a plain rollback goes to: a release that was left by a rollback is not gone back to.

    After deploys of A, B, C and a rollback to B, the path is A, B, and the next one goes to A.
    """
    path: list[Record] = []
    for record in reversed([record for record in history_of if record.verified]):
        places = [place for place, step in enumerate(path) if step.image == record.image]
        if record.kind == "rollback" and places:
            del path[places[-1] :]
        elif path and path[-1].image == record.image:
            path.pop()
        path.append(record)
    if len(path) < 2:
        raise Refused("there is no release before the one that serves")
    return path[-2]


def _exactly(record: Record, wanted: str) -> bool:
    return wanted in (record.release, str(record.number), record.image, record.image.split("@")[-1])


def _begins(record: Record, wanted: str) -> bool:
    return len(wanted) >= 4 and (
        record.release.startswith(wanted) or record.image.split("@sha256:")[-1].startswith(wanted)
    )


def _number(config: Stored) -> int:
    return int(config.labels.get("swarmline.number", "0"))
