"""What the pages are told at their start: settings, and what they are made from."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from monitoring.findings.store import Store
from monitoring.pages.outside.journal import JournalLookup
from monitoring.pages.outside.ledger import Ledger
from monitoring.pages.outside.prometheus import Prometheus
from monitoring.pages.outside.versions import Versions
from monitoring.report import Reports
from service.web.keys import Authenticator


class Sources(NamedTuple):
    """What the pages are made from. Without a journal there is no trace, without reports no link to one."""

    store: Store
    versions: Versions
    ledger: Ledger
    prometheus: Prometheus
    journal: JournalLookup | None = None
    reports: Reports | None = None


#: Of the repository, or of the image.
ROOT = Path(__file__).parents[2]


class PageSettings(NamedTuple):
    authenticator: Authenticator
    #: Without keys the pages answer to this machine alone, unless AUTH=off.
    loopback_only: bool = True
    prefix: str = "/monitor"
    #: Seconds between two judgements: what is older than twice that is said to be old.
    interval: float = 60.0
    jenkins_url: str = ""
    #: Where the runbook is, if docs/runbook.md is not beside the code.
    runbook: Path = ROOT / "docs/runbook.md"
    runbook_url: str = ""
