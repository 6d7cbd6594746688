"""The monitor's pages: server-rendered, read only. `create_pages` gives them as a blueprint."""

from monitoring.pages.access import authenticator_of
from monitoring.pages.application import create_pages
from monitoring.pages.outside.journal import JournalLookup
from monitoring.pages.outside.ledger import Ledger
from monitoring.pages.outside.prometheus import Prometheus
from monitoring.pages.outside.versions import Versions
from monitoring.pages.sources import PageSettings, Sources

__all__ = [
    "JournalLookup",
    "Ledger",
    "PageSettings",
    "Prometheus",
    "Sources",
    "Versions",
    "authenticator_of",
    "create_pages",
]
