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
from scripts.engine import objects
from scripts.engine.docker import DockerError
from scripts.image.release import Intended
from scripts.stack_file.render import Inputs

NAME = "release"
#: Outcomes: only what was verified can be gone back to.
VERIFIED, ROLLED_BACK, LATE, FAILED = "verified", "rolled back", "deadline", "failed"
#: Of a release that came without a deploy of ours.
UNPROVEN = "not proven"
#: A record of this kind changed nothing: somebody decided that the release is not to come in.
REJECTION, REJECTED = "rejection", "rejected"


class Record(NamedTuple):
    """One attempt. `document` is the image's release.json, `golden` the rows that prove it."""

    number: int
    kind: str
    release: str
    image: str
    at: str
    by: str
    why: str
    outcome: str
    reason: str
    settings: str
    replaced: str
    seconds: float
    document: Mapping[str, Any]
    golden: Mapping[str, Any]
    inputs: Inputs | None

    @property
    def verified(self) -> bool:
        return self.outcome == VERIFIED and self.inputs is not None

    @property
    def intended(self) -> Intended:
        """What this record proves by, to be meant once more."""
        golden = {model: dict(arms) for model, arms in self.golden.items()}
        return Intended(self.image, self.release, dict(self.document), golden)

    def summary(self) -> dict[str, Any]:
        """What people and the ledger are told."""
        told = self._asdict()
        for name in ("document", "golden", "inputs"):
            del told[name]
        return told | {"models": versions(self.document)}


def versions(document: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Model to arm to version."""
    return {
        model: {arm: str(facts["version"]) for arm, facts in arms.items()}
        for model, arms in document.get("models", {}).items()
    }


def in_words(models: Mapping[str, Mapping[str, str]]) -> str:
    return ", ".join(
        f"{model} {'/'.join(arms[arm] for arm in sorted(arms))}" for model, arms in models.items()
    )


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def store(stack: str, record: Record) -> Record:
    """Keeps the record under the next free number."""
    while True:
        number = 1 + max((_number(one) for one in objects.configs(stack, NAME)), default=0)
        numbered = record._replace(number=number)
        try:
            objects.create(f"{stack}_release_{number}", to_text(numbered), _labels(stack, numbered))
            return numbered
        except objects.Taken:
            continue  # another took the number at this moment


def _labels(stack: str, record: Record) -> dict[str, str]:
    return {
        objects.STACK: stack,
        objects.NAME: NAME,
        "swarmline.number": str(record.number),
        "swarmline.kind": record.kind,
        "swarmline.release": record.release,
        "swarmline.image": record.image,
        "swarmline.at": record.at,
        "swarmline.by": record.by,
        "swarmline.why": record.why,
        "swarmline.outcome": record.outcome,
    }


def to_text(record: Record) -> str:
    inputs = (
        record.inputs._asdict() | {"origins": dict(record.inputs.origins)}
        if record.inputs
        else None
    )
    text = json.dumps(record._asdict() | {"inputs": inputs})
    if len(text) > objects.LIMIT:
        raise Refused(
            f"the record of {record.release} has {len(text)} bytes, more than a config of the Swarm"
            f" may have ({objects.LIMIT}); make golden rows or stack files smaller"
        )
    return text


def from_text(text: str) -> Record:
    facts = json.loads(text)
    inputs = Inputs(**facts.pop("inputs")) if facts["inputs"] else facts.pop("inputs")
    return Record(**facts, inputs=inputs)


def history(stack: str) -> list[Record]:
    """All attempts, the newest first."""
    found = [from_text(config.content) for config in objects.configs(stack, NAME)]
    return sorted(found, key=lambda record: record.number, reverse=True)


def current(history_of: list[Record]) -> Record | None:
    """What was verified last."""
    return next((record for record in history_of if record.verified), None)


def last_inputs(stack: str) -> Inputs | None:
    """What the stack was deployed with last, as far as there is a record."""
    serving = current(history(stack))
    return serving.inputs if serving else None


def choose(history_of: list[Record], wanted: str) -> Record:
    """The newest verified record of a release, named by its name, its start, its number or its digest."""
    known = [record for record in history_of if record.verified]
    for same in (_exactly, _begins):
        found = [record for record in known if same(record, wanted)]
        if found and len({record.release for record in found}) == 1:
            return found[0]
    names = list(dict.fromkeys(record.release for record in known))
    raise Refused(
        f"there is no release {wanted} to go back to; there are {', '.join(names) or 'none'}"
    )


def previous(history_of: list[Record]) -> Record:
    """What a plain rollback goes to: a release that was left by a rollback is not gone back to."""
    line: list[Record] = []
    for record in reversed([record for record in history_of if record.verified]):
        places = [place for place, one in enumerate(line) if one.image == record.image]
        if record.kind == "rollback" and places:
            del line[places[-1] :]
        elif line and line[-1].image == record.image:
            line.pop()
        line.append(record)
    if len(line) < 2:
        raise Refused("there is no release before the one that serves")
    return line[-2]


def _exactly(record: Record, wanted: str) -> bool:
    return wanted in (record.release, str(record.number), record.image, record.image.split("@")[-1])


def _begins(record: Record, wanted: str) -> bool:
    return len(wanted) >= 4 and (
        record.release.startswith(wanted) or record.image.split("@sha256:")[-1].startswith(wanted)
    )


def _number(config: objects.Config) -> int:
    return int(config.labels.get("swarmline.number", "0"))


def forget(stack: str, number: int) -> bool:
    try:
        return objects.remove(f"{stack}_release_{number}")
    except DockerError:
        return False
