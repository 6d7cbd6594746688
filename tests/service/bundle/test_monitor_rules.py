"""The monitor's rules beside a bundle: there, missing, or broken; and how long a window may be."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import msgspec
import pytest

from service.bundle.manifest import DamagedBundle
from service.bundle.monitor_rules import (
    MONITOR_RULES,
    Bound,
    MonitorRules,
    parse_horizon,
    parse_window,
    read_monitor_rules,
)


def test_rules_come_back_as_they_were_written(tmp_path: Path) -> None:
    rules = MonitorRules(window="1h", floors={"light": 0.2}, bounds={"mae": Bound(max=0.3)})
    (tmp_path / MONITOR_RULES).write_bytes(msgspec.json.encode(rules))
    assert read_monitor_rules(tmp_path) == rules


def test_a_bundle_without_rules_has_the_defaults(tmp_path: Path) -> None:
    assert read_monitor_rules(tmp_path) == MonitorRules()


@pytest.mark.parametrize("content", [b"", b"[]", b'{"floor": -1}', b'{"q": null}'])
def test_rules_that_cannot_be_used_are_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / MONITOR_RULES).write_bytes(content)
    with pytest.raises(DamagedBundle, match=r"monitor\.json: .*export the bundle again"):
        read_monitor_rules(tmp_path)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("1m", dt.timedelta(minutes=1)),
        ("36h", dt.timedelta(hours=36)),
        ("31d", dt.timedelta(days=31)),
        ("744h", dt.timedelta(days=31)),
        ("500 rows", 500),
    ],
)
def test_a_window_has_a_length_in_time_or_in_rows(text: str, length: dt.timedelta | int) -> None:
    assert parse_window(text) == length


@pytest.mark.parametrize(
    "text",
    ["", "0m", "32d", "745h", "-1d", "1.5h", "1d ", "1D", "5", "٣d", "0 rows", "rows"],
)
def test_anything_else_is_no_window(text: str) -> None:
    with pytest.raises(ValueError):
        parse_window(text)


def test_truth_may_take_a_year() -> None:
    assert parse_horizon("366d") == dt.timedelta(days=366)
    with pytest.raises(ValueError):
        parse_horizon("367d")
