"""What is judged again: truth came, or rows did."""

from __future__ import annotations

import msgspec

from tests.monitoring.schedule.conftest import KEY, Watch
from tests.support.monitoring.traffic import MINUTE


def test_truth_that_comes_later_is_judged_when_it_comes(watch: Watch):
    requests = watch.predict(0)
    watch.predict(1)
    watch.look(2.1)
    (share,) = [finding for finding in watch.findings(0, "truth") if finding.column == "share"]
    assert share.value == 0
    watch.traffic.tell(requests, watch.at(0), watch.at(3))
    watch.look(4)
    (share,) = [finding for finding in watch.findings(0, "truth") if finding.column == "share"]
    assert share.value == 1
    assert [
        finding.value for finding in watch.findings(0, "quality") if finding.column == "mae"
    ] == [0.0]
    assert watch.store.late(*KEY) == []


def test_rows_that_come_after_their_window_was_judged_are_taken_in(watch: Watch):
    watch.predict(0, rows=200)
    watch.look(1.1)
    watch.predict(0, rows=100)
    watch.predict(1)
    watch.look(2.1)
    watch.look(2.5)
    assert watch.rows() == {0: 300, 1: 300}


def test_truth_is_taken_in_for_a_month_of_hours(watch: Watch):
    requests = watch.predict(-800)
    watch.look(-798.9)
    (record,) = watch.store.windows(*KEY)
    for minute in range(-790, -46):
        start = watch.at(minute)
        times = {"start": start, "end": start + MINUTE, "watermark": start + 2 * MINUTE}
        watch.store.save(msgspec.structs.replace(record, **times, rows=0), [])
    watch.traffic.tell(requests, watch.at(-800), watch.at(-1))
    watch.look(0)
    (share,) = [finding for finding in watch.findings(-800, "truth") if finding.column == "share"]
    assert share.value == 1


def test_the_traffic_share_is_the_windows_own(watch: Watch):
    watch.predict(0)
    metrics = watch.judge.monitor._metrics
    watch.judge.monitor._metrics = metrics._replace(shares={KEY: 0.25})
    watch.look(1.1)
    assert watch.store.windows(*KEY)[0].traffic_share == 0.25
    watch.judge.monitor._metrics = metrics._replace(shares={KEY: 0.5})
    watch.store.note_late(watch.store.windows(*KEY), watch.at(1.2))
    assert watch.look(2) == 1
    assert watch.store.windows(*KEY)[0].traffic_share == 0.25
