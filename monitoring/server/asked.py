"""The verbs that answer: `drift`, `quality` and `experiment` print what the monitor found, `report` writes files."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence

from monitoring.findings import FindingsUnavailable, Store
from monitoring.references import References, TrackingServer, exported_models
from monitoring.report import NoReport, Reports
from monitoring.server import console
from monitoring.settings import Settings
from monitoring.window.journal import JournalReader


def show(settings: Settings, verb: str, models: Collection[str], as_json: bool) -> int:
    store = Store(settings.findings_url)
    try:
        store.prepare()
        if verb == "experiment":
            return console.show_experiments(store, models, as_json)
        if _refuse(settings, store, models):
            return console.NOTHING
        return console.show(store, verb, models, as_json)
    except FindingsUnavailable as error:
        print(f"swarmline: {error}", file=sys.stderr)
        return console.NOTHING
    finally:
        store.close()


def write_reports(settings: Settings, models: Sequence[str]) -> int:
    """1 where one could not be made."""
    store, journal = Store(settings.findings_url), JournalReader(settings.journal_url)
    references = References(settings.bundles, settings.monitor_state, TrackingServer(""))
    reports = Reports(settings.monitor_state / "reports", references.find, journal)
    code = 0
    try:
        store.prepare()
        if _refuse(settings, store, models):
            return console.NOTHING
        for arm in console.asked_arms(store, models):
            record = store.windows(*arm, limit=1)[0]
            try:
                reports.report(record)
                print(f"{arm.model} {arm.version} {arm.arm}: {reports.path_of(record)}")
            except NoReport as error:
                print(f"{arm.model} {arm.version} {arm.arm}: no report: {error}", file=sys.stderr)
                code = 1
    except FindingsUnavailable as error:
        print(f"swarmline: {error}", file=sys.stderr)
        code = 1
    finally:
        journal.close()
        store.close()
    return code


def _refuse(settings: Settings, store: Store, models: Collection[str]) -> bool:
    """Whether one of these models was never judged, said on stderr."""
    sentence = console.find_unjudged(store, models, exported_models(settings.bundles))
    if sentence:
        print(f"swarmline: {sentence}", file=sys.stderr)
    return bool(sentence)
