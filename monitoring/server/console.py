"""The last windows of models, and their experiments, as a table or as JSON, and as an exit code.

It is what `make drift`, `make quality` and `make experiment` print.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator, Sequence

import msgspec

from monitoring.experiment.kept import NoExperiment, all_experiments, find_experiment
from monitoring.experiment.sentences import sentences_of, title_of
from monitoring.experiment.values import Experiment
from monitoring.findings import Arm, Finding, Store, WindowRecord, answering

#: What a command asks for.
KINDS = {
    "drift": ("drift", "prediction", "missing", "other", "share", "relation"),
    "quality": ("estimate", "quality", "slice", "truth", "trust", "cause"),
}
OK, NOTHING, RAISED = 0, 1, 3
WAIT = "`make monitor` judges them as they end"
_SIGNS = {"ok": " ", "raised": "!", "unknown": "?"}


def show(store: Store, verb: str, models: Collection[str], as_json: bool) -> int:
    """0 where nothing is raised, 3 where something is, 1 where nothing was judged yet."""
    judged = [(arm, *_newest(store, arm, KINDS[verb])) for arm in asked_arms(store, models)]
    if as_json:
        windows = [{"window": record, "findings": findings} for _, record, findings in judged]
        sys.stdout.write(msgspec.json.encode(windows).decode() + "\n")
    else:
        sys.stdout.write("\n".join(line for window in judged for line in _table(*window)) + "\n")
    if not judged:
        sys.stderr.write(f"no window was judged yet: {WAIT}\n")
        return NOTHING
    raised = any(finding.verdict == "raised" for _, _, findings in judged for finding in findings)
    return RAISED if raised else OK


def find_unjudged(store: Store, models: Collection[str], exported: Collection[str]) -> str:
    """A sentence where one of these models has no judged window, with those that have; else empty.

    `exported` are the models of the exported set, which may not have been asked yet.
    """
    judged = {arm.model for arm in store.arms()}
    unjudged = [model for model in models if model not in judged]
    if not unjudged:
        return ""
    if {*unjudged} <= {*exported}:
        return f"no window of {_listed(unjudged)} was judged yet: {WAIT}"
    names = sorted(judged | {*exported})
    if not names:
        return f"no window of {_listed(unjudged)} was judged yet, nor of any other model: {WAIT}"
    wrong = [model for model in unjudged if model not in exported]
    return (
        f"MODEL is {_listed(wrong)}, of which no window was judged and which the exported set has not;"
        f" allowed are {_listed(names)}: name some of them, or none for all"
    )


def _listed(models: Iterable[str]) -> str:
    return ", ".join(repr(_plain(model)[:80]) for model in models)


def show_experiments(store: Store, models: Collection[str], as_json: bool) -> int:
    """0 where no challenger that runs is worse, 3 where one is; 1 where a named model has none, or none has."""
    experiments, reasons = _asked_experiments(store, models)
    if as_json:
        sys.stdout.write(msgspec.json.encode(experiments).decode() + "\n")
    for experiment in () if as_json else experiments:
        sys.stdout.write(f"{_plain(title_of(experiment))}\n")
        for sentence in sentences_of(experiment):
            sys.stdout.write(f"  {_plain(sentence)}\n")
    for reason in reasons:
        sys.stderr.write(f"{_plain(reason)}\n")
    if any(experiment.stop and experiment.ended_at is None for experiment in experiments):
        return RAISED
    return NOTHING if reasons else OK


def _asked_experiments(store: Store, models: Collection[str]) -> tuple[list[Experiment], list[str]]:
    """And why there is none, of each model that has none."""
    if not models:
        experiments = all_experiments(store)
        nothing = "no experiment was judged yet: `make monitor` judges them, `make traffic` gives a challenger requests"
        return experiments, [] if experiments else [nothing]
    experiments, reasons = [], []
    for model in models:
        try:
            experiments.append(find_experiment(store, model))
        except NoExperiment as error:
            reasons.append(str(error))
    return experiments, reasons


def asked_arms(store: Store, models: Collection[str]) -> list[Arm]:
    """Those of these models, or of all, that answer."""
    return [arm for arm in answering(store.arms()) if not models or arm.model in models]


def _newest(store: Store, arm: Arm, kinds: Collection[str]) -> tuple[WindowRecord, list[Finding]]:
    record = store.windows(*arm, limit=1)[0]
    findings = store.findings(*arm, record.start)
    return record, [finding for finding in findings if finding.kind in kinds]


def _table(arm: Arm, record: WindowRecord, findings: Sequence[Finding]) -> Iterator[str]:
    yield (
        f"{arm.model} {arm.version} {arm.arm}: {record.rows} rows from"
        f" {record.start:%Y-%m-%d %H:%M:%S} to {record.end:%H:%M:%S} UTC, judged {record.judged_at:%H:%M:%S}"
    )
    if record.lacking:
        yield f"? {record.lacking}"
    for finding in findings:
        yield (
            f"{_SIGNS[finding.verdict]} {finding.kind:<11}{_plain(finding.column):<28.28}"
            f"{_number(finding.value):>10}{_interval(finding):>22}{_number(finding.bound):>10}  {_words(finding)}"
        )
    yield ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _interval(finding: Finding) -> str:
    if finding.low is None or finding.high is None:
        return ""
    return f"{finding.low:.4g} to {finding.high:.4g}"


def _words(finding: Finding) -> str:
    seen = "" if finding.visible is None else f"could have seen {finding.visible:.3g}"
    return "; ".join(filter(None, (_plain(finding.reason), seen)))


def _plain(text: str) -> str:
    """Names come from a journal: no control character reaches a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
