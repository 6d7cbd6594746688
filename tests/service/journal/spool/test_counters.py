"""What the journal tells of itself."""

from __future__ import annotations

import datetime as dt

from service.journal import Journal
from service.journal.shipper import ship_once
from service.settings import JournalSettings
from tests.support.service.journal import record_yield


def test_the_lag_is_the_age_of_the_oldest_unshipped(
    journal: Journal, settings: JournalSettings
) -> None:
    now = dt.datetime.now().timestamp()
    record_yield(journal, "r1", at=now - 100)
    record_yield(journal, "r2", at=now)
    lag = journal.stats().lag
    assert 100 <= lag <= dt.datetime.now().timestamp() - (now - 100)
    ship_once(settings)
    assert journal.stats().lag == 0.0
    assert journal.stats().shipped == 2
