"""What pages show where it is easily shown wrong: moods of numbers, gaps, marks, the runbook's entries."""

from __future__ import annotations

import datetime as dt
import math

import pytest

from monitoring.findings.values import Finding
from monitoring.judge.alarms import KINDS
from monitoring.pages import words
from monitoring.pages.contents import curves, pictures, runbook
from monitoring.pages.contents.overview import leading
from tests.support import ROOT
from tests.support.monitoring import record


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (math.nan, "–"),
        (0.0, "0"),
        (1234.5, "1,234"),
        (0.97, "0.970"),
        (-3.2, "-3.20"),
        (1e-7, "1.0e-07"),
    ],
)
def test_numbers_have_the_digits_that_matter(value: float | None, text: str):
    assert words.number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "just now"),
        (90, "90 s ago"),
        (120, "2 min ago"),
        (7200, "2 h ago"),
        (200_000, "2 d ago"),
        (-180, "3 min ahead"),
    ],
)
def test_ages_are_said_in_the_largest_unit_of_which_there_are_two(seconds: float, text: str):
    assert words.age(seconds) == text


def test_a_window_is_named_by_its_day_once():
    start = dt.datetime(2026, 3, 1, 8, tzinfo=dt.UTC)
    assert words.span(start, start + dt.timedelta(hours=1)) == "2026-03-01 08:00 to 09:00"
    assert words.span(start, start + dt.timedelta(days=1)) == "2026-03-01 08:00 to 2026-03-02 08:00"


def test_every_kind_of_alarm_has_its_entry_in_the_runbook():
    html = runbook.read(ROOT / "docs/runbook.md") or ""
    for kind in KINDS:
        assert f'id="{runbook.entry(kind)}"' in html, kind
    assert runbook.read(ROOT / "no/such.md") is None


def test_the_runbook_is_text_whatever_is_in_it(tmp_path):
    path = tmp_path / "runbook.md"
    path.write_text(
        "# A <b>\n\n- **one** `<i>`\n  two\n\n| a | b |\n|---|---|\n| 1 | [x](#a-b) |\n\n```sh\n<u>\n```\n"
    )
    html = runbook.read(path) or ""
    assert '<h1 id="a-b">A &lt;b&gt;</h1>' in html and "<pre>&lt;u&gt;" in html
    assert "<li><strong>one</strong> <code>&lt;i&gt;</code> two</li>" in html
    assert '<td><a href="#a-b">x</a></td>' in html


def test_a_line_has_a_gap_where_nothing_was_known():
    line = pictures.sparkline([1.0, 2.0, None, 3.0, 4.0])
    assert line is not None and len(line.pieces) == 2
    assert pictures.sparkline([1.0, None]) is None and pictures.sparkline([]) is None


def test_details_of_another_release_draw_nothing_rather_than_something_wrong():
    for details in (
        {},
        {"histogram": {"edges": [0, 1, 2], "window": [1]}},
        {"levels": {"names": []}},
    ):
        assert pictures.histogram(Finding(kind="drift", verdict="ok", details=details)) is None


def test_a_chart_marks_where_a_version_or_a_release_begins_and_strikes_what_does_not_count():
    def pair(place: int, version: str, release: str, reason: str = ""):
        window = record(place, version=version, release=release)
        return window, Finding(
            kind="estimate", column="accuracy", verdict="ok", value=0.9, reason=reason
        )

    series = [
        pair(0, "1", "a"),
        pair(1, "2", "b"),
        pair(2, "2", "c", "relation changed: so it is"),
        pair(3, "2", "c"),
    ]
    (curve,) = curves.curves(series, None)
    assert [point.marks for point in curve.points] == [
        (),
        ("version 2", "release b"),
        ("release c",),
        (),
    ]
    assert [point.struck for point in curve.points] == [False, False, True, False]


def test_the_metric_that_leads_is_the_first_with_a_bound():
    def quality(column: str, bound: float | None) -> Finding:
        return Finding(kind="quality", column=column, verdict="ok", value=1.0, bound=bound)

    assert (
        leading([quality("auc", 0.8), quality("accuracy", 0.7), quality("f1", None)]) == "accuracy"
    )
    assert leading([quality("accuracy", None), quality("f1", None)]) == "f1" and leading([]) == ""
