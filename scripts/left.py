"""Did a person go back from this release? Then it comes in again only on purpose."""

from __future__ import annotations

from scripts.outcome import Refused
from scripts.records import Record, current


class WentBack(Refused):
    """The release was left by a rollback, and has not been brought in since."""


def by(history: list[Record], release: str) -> Record | None:
    """The rollback that left the release, unless it served once more; `history` has the newest first."""
    for record in history:
        if record.verified and record.release == release:
            return None
        if record.verified and record.kind == "rollback" and record.replaced == release:
            return record
    return None


def refuse(history: list[Record], release: str) -> None:
    """A delivery that finds nothing new would else bring back what a person took away."""
    record = by(history, release)
    if record is None:
        return
    when, serving = record.at[:16].replace("T", " "), current(history) or record
    raise WentBack(
        f"release {release} does not come in again: {record.by} went back from it to"
        f" {record.release} at {when} UTC ({record.why or 'no reason given'}); make a new release, or"
        " deploy this one on purpose with OLDER=1 (--force)",
        release=release,
        serves=serving.release,
        record=serving.summary(),
    )
