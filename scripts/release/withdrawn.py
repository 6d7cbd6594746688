"""Releases that a person rejected or went back from, or that were red in staging: they, and the code they brought, come
in again only on purpose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from scripts.command.outcome import Refused
from scripts.ledger.records import CONFIRMED, RED, REJECTION, STAGING, Record, serving

#: What an image is built from, beside its models. A later build has the same code and other models.
PARTS = ("code", "lock", "base_layers")
#: Whether a release is meant, by its name and its release.json.
IsMeant = Callable[[str, Mapping[str, Any]], bool]


class Withdrawn(Refused):
    """The release, or its code, was withdrawn and has not served since."""


class Withdrawal(NamedTuple):
    """Who withdrew what: `record` is the rejection, the rollback or staging's, `release` what it took away."""

    record: Record
    release: str
    document: Mapping[str, Any]
    #: What served once it was taken away: code that it has as well was not withdrawn.
    before: Mapping[str, Any]

    def __str__(self) -> str:
        record = self.record
        when, why = record.at[:16].replace("T", " "), record.why or "no reason given"
        if record.kind == REJECTION:
            return f"{record.by} rejected it at {when} UTC ({why})"
        if record.kind == STAGING:
            return f"it was red {record.reason}, at {when} UTC, brought there by {record.by}"
        return f"{record.by} went back from it to {record.release} at {when} UTC ({why})"


def find(history: list[Record], release: str, document: Mapping[str, Any]) -> str:
    """Who withdrew this release or its code, in words; empty where nobody did, or where it has served since.

    `history` has the newest first.
    """
    if by_name := _newest(history, lambda name, _: name == release):
        return str(by_name)
    by_code = _newest(history, lambda _, built_from: _is_same_code(built_from, document))
    return f"its code is that of {by_code.release}: {by_code}" if by_code else ""


def _newest(history: list[Record], is_meant: IsMeant) -> Withdrawal | None:
    """The last withdrawal of what is meant; None where there is none, or where it has served since."""
    is_confirmed = False
    for place, record in enumerate(history):
        is_about_it = is_meant(record.release, record.document)
        if record.verified and is_about_it:
            return None
        # Of what staging said, the newest counts; it takes nothing back of what a person said.
        is_confirmed |= record.outcome == CONFIRMED and is_about_it
        withdrawal = _withdrawal(record, history[place + 1 :])
        if withdrawal is None or (is_confirmed and record.outcome == RED):
            continue
        is_withdrawn = is_meant(withdrawal.release, withdrawal.document)
        if is_withdrawn and not is_meant("", withdrawal.before):
            return withdrawal
    return None


def _withdrawal(record: Record, earlier: list[Record]) -> Withdrawal | None:
    if record.kind == REJECTION or record.outcome == RED:
        last = serving(earlier)
        before = last.document if last else {}
        return Withdrawal(record, record.release, record.document, before)
    if record.kind == "rollback" and record.verified:
        left = next((past for past in earlier if past.release == record.replaced), None)
        return Withdrawal(record, record.replaced, left.document if left else {}, record.document)
    return None


def _is_same_code(document: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether both say what they were built from, and say the same."""
    return "code" in document and all(document.get(part) == other.get(part) for part in PARTS)


def refuse(history: list[Record], release: str, document: Mapping[str, Any]) -> None:
    """A delivery that asks nobody would else bring back what a person took away."""
    words = find(history, release, document)
    if not words:
        return
    last = serving(history)
    raise Withdrawn(
        f"release {release} does not come in again: {words}; make a new release, or deploy this one on"
        " purpose with WITHDRAWN=1 (--withdrawn)",
        release=release,
        withdrawn=words,
        serves=last.release if last else "",
        record=last.summary() if last else {},
    )
