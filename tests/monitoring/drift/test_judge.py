"""What a window's drift is said to be: columns, predictions, nulls, the share; and what cannot be said."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from monitoring.drift import judge_columns, judge_drift
from monitoring.findings.values import Finding
from service.bundle.contract import Column, Contract, Output
from service.bundle.monitor_rules import MonitorRules
from service.bundle.reference import CategoryProfile, Reference
from tests.bench.silence.population import LEVEL_NAMES, NAMES, contract, draw
from tests.support.monitoring.windows import reference_of, window_of
from training.bundle.profiles import histogram, profile_codes, profile_numbers

RULES = MonitorRules()
CONTRACT = contract()


@pytest.fixture(scope="module")
def reference() -> Reference:
    return reference_of(CONTRACT, draw(20_000, np.random.default_rng(1)))


def rows_of(rows: int, seed: int = 2) -> NDArray[Any]:
    return draw(rows, np.random.default_rng(seed))


def findings_of(findings: list[Finding], kind: str) -> dict[str, Finding]:
    return {finding.column: finding for finding in findings if finding.kind == kind}


def one_column(column: Column) -> Contract:
    return Contract("population", "regression", (column,), (Output("value"),))


def judge_one(
    column: Column, before: list[float] | Any, now: list[float] | Any, rules: MonitorRules = RULES
) -> dict[str, Finding]:
    """The findings of one column by their kind."""
    contract = one_column(column)
    reference = reference_of(contract, np.array(before, dtype=np.float32)[:, np.newaxis])
    window = window_of(np.array(now, dtype=np.float32)[:, np.newaxis])
    findings = judge_columns(window, reference, contract, rules)
    return {finding.kind: finding for finding in findings if finding.column == column.name}


def test_a_window_of_the_population_is_ok_in_every_column(reference: Reference) -> None:
    findings = judge_drift(window_of(rows_of(2_000)), reference, CONTRACT, RULES)
    drift = findings_of(findings, "drift")
    assert set(drift) == set(NAMES)
    assert {finding.verdict for finding in drift.values()} == {"ok"}
    assert findings_of(findings, "share")[""].verdict == "ok"
    assert findings_of(findings, "relation")[""].verdict == "ok"


def test_a_shifted_column_is_raised_alone_with_what_moved(reference: Reference) -> None:
    rows = rows_of(2_000)
    rows[:, NAMES.index("gamma")] += 0.5
    drift = findings_of(judge_columns(window_of(rows), reference, CONTRACT, RULES), "drift")
    assert [name for name in NAMES if drift[name].verdict == "raised"] == ["gamma"]
    finding = drift["gamma"]
    assert finding.value == pytest.approx(0.5 / np.sqrt(2), abs=0.08)
    assert (finding.bound, finding.visible) == (0.1, 0.1)
    assert finding.reason == "moved by 0.33 standard deviations: mean 1.994 before, now 2.455"
    assert len(finding.details["histogram"]["window"]) == 20


def test_shares_that_moved_between_two_levels_name_the_level(reference: Reference) -> None:
    rows = rows_of(2_000)
    place = NAMES.index("category_8")
    first = np.flatnonzero(rows[:, place] == 0)
    rows[first[: len(first) // 2], place] = 5
    drift = findings_of(judge_columns(window_of(rows), reference, CONTRACT, RULES), "drift")
    assert [name for name in NAMES if drift[name].verdict == "raised"] == ["category_8"]
    assert drift["category_8"].reason == "'level 5' had 7.78 %, now 19.6 %"
    levels = drift["category_8"].details["levels"]
    assert levels["names"][:2] == ["level 0", "level 1"] and len(levels["window"]) == 8


def test_a_small_window_says_what_it_could_have_seen(reference: Reference) -> None:
    small = findings_of(judge_columns(window_of(rows_of(200)), reference, CONTRACT, RULES), "drift")
    large = findings_of(
        judge_columns(window_of(rows_of(5_000)), reference, CONTRACT, RULES), "drift"
    )
    assert small["normal"].visible is not None and 0.15 < small["normal"].visible < 0.3
    assert large["normal"].visible == pytest.approx(0.1)


def test_what_a_window_could_have_seen_is_what_it_raises(reference: Reference) -> None:
    """The least visible effect and the verdict come from the same chance: a little more raises, a little less not."""
    rows = rows_of(200)
    place = NAMES.index("normal")
    quiet = findings_of(judge_columns(window_of(rows), reference, CONTRACT, RULES), "drift")
    visible = quiet["normal"].visible
    assert visible is not None
    evenly = np.quantile(
        draw(20_000, np.random.default_rng(1))[:, place], (np.arange(200) + 0.5) / 200
    )
    for factor, verdict in ((0.8, "ok"), (1.25, "raised")):
        rows[:, place] = evenly - evenly.mean() + factor * visible
        drift = findings_of(judge_columns(window_of(rows), reference, CONTRACT, RULES), "drift")
        assert drift["normal"].verdict == verdict


def test_a_column_may_have_a_floor_of_its_own(reference: Reference) -> None:
    rows = rows_of(2_000)
    rows[:, 0] += 0.3
    rules = MonitorRules(floors={"normal": 0.5})
    drift = findings_of(judge_columns(window_of(rows), reference, CONTRACT, rules), "drift")
    assert (drift["normal"].verdict, drift["normal"].bound) == ("ok", 0.5)


def test_half_of_the_columns_make_the_whole_data_drift(reference: Reference) -> None:
    rows = rows_of(2_000)
    rows[:, :6] += 1.0
    finding = findings_of(judge_columns(window_of(rows), reference, CONTRACT, RULES), "share")[""]
    assert (finding.verdict, finding.value, finding.bound) == ("raised", 0.5, 0.5)
    assert finding.details["raised"] == list(NAMES[:6])
    assert finding.reason == "6 of 12 columns drifted"


def test_without_a_reference_nothing_is_judged() -> None:
    findings = judge_drift(window_of(rows_of(500)), None, CONTRACT, RULES)
    assert {(finding.verdict, finding.reason) for finding in findings} == {
        ("unknown", "no reference")
    }
    assert {finding.kind for finding in findings} == {"drift", "prediction", "share", "relation"}


@pytest.mark.parametrize("rows", [0, 1, 99])
def test_too_few_rows_are_said_of_every_column(reference: Reference, rows: int) -> None:
    findings = judge_drift(window_of(rows_of(rows)), reference, CONTRACT, RULES)
    assert {(finding.verdict, finding.reason) for finding in findings} == {
        ("unknown", "not enough rows")
    }


def test_a_column_of_nulls_is_missing_and_not_judged_for_drift() -> None:
    column = Column("wet", "number", nullable=True)
    before = np.random.default_rng(1).normal(size=5_000)
    findings = judge_one(column, before, np.full(500, np.nan))
    assert (findings["drift"].verdict, findings["drift"].reason) == (
        "unknown",
        "every value is missing",
    )
    assert findings["missing"].verdict == "raised" and findings["missing"].value == 1.0


def test_too_few_values_of_a_column_are_not_judged_though_the_window_is_large() -> None:
    values = np.random.default_rng(1).normal(size=1_000)
    now = np.where(np.arange(1_000) < 50, values, np.nan)
    findings = judge_one(Column("wet", "number", nullable=True), values, now)
    assert (findings["drift"].verdict, findings["drift"].reason) == ("unknown", "not enough rows")
    assert findings["drift"].rows == 50


def test_a_reference_of_nulls_alone_is_no_reference() -> None:
    findings = judge_one(
        Column("wet", "number", nullable=True), np.full(500, np.nan), np.zeros(500)
    )
    assert findings["drift"].reason == "no reference: it was missing in every row"
    assert findings["missing"].verdict == "raised"


def test_a_tenth_more_nulls_are_raised_and_a_hundredth_is_not() -> None:
    random = np.random.default_rng(1)
    column = Column("wet", "number", nullable=True)

    def with_nulls(rows: int, share: float) -> NDArray[Any]:
        return np.where(random.random(rows) < share, np.nan, random.normal(size=rows))

    raised = judge_one(column, with_nulls(10_000, 0.1), with_nulls(2_000, 0.2))["missing"]
    assert raised.verdict == "raised" and raised.reason.startswith("10") and "now" in raised.reason
    quiet = judge_one(column, with_nulls(10_000, 0.1), with_nulls(2_000, 0.11))["missing"]
    assert quiet.verdict == "ok" and quiet.bound == 0.05


def test_a_column_that_never_was_null_has_no_finding_of_nulls(reference: Reference) -> None:
    findings = judge_columns(window_of(rows_of(500)), reference, CONTRACT, RULES)
    assert not findings_of(findings, "missing")


@pytest.mark.parametrize("value", [0.0, 0.1, 123456.7])
def test_a_constant_that_stays_is_ok(value: float) -> None:
    """0.1 is no float32: read from the reference it must still be the same."""
    finding = judge_one(Column("c", "number"), [value] * 2_000, [value] * 500)["drift"]
    assert (finding.verdict, finding.value) == ("ok", 0.0)


def test_a_constant_that_changes_says_what_it_was() -> None:
    finding = judge_one(Column("c", "number"), [3.0] * 2_000, [3.0] * 300 + [4.0] * 200)["drift"]
    assert finding.verdict == "raised" and finding.value == pytest.approx(0.4)
    assert finding.reason == "was 3 in every row of the reference; 40 % differ"


def test_a_column_that_becomes_constant_is_raised() -> None:
    before = np.random.default_rng(1).normal(size=5_000)
    finding = judge_one(Column("c", "number"), before, [0.0] * 500)["drift"]
    assert finding.verdict == "raised" and finding.details["deviation"]["window"] == 0.0


def test_a_category_of_one_level_is_ok_while_it_stays() -> None:
    column = Column("c", "category", categories=("a", "b"))
    assert judge_one(column, [0] * 2_000, [0] * 500)["drift"].verdict == "ok"


def test_a_level_that_the_reference_never_had_is_raised() -> None:
    """With so few expected rows chi-square would join the two levels into one, and see nothing."""
    column = Column("c", "category", categories=("a", "b"))
    finding = judge_one(column, [0] * 20_000, [0] * 170 + [1] * 30)["drift"]
    assert finding.verdict == "raised" and finding.details["p"] < 1e-10


def test_a_single_row_of_a_level_never_seen_is_ok() -> None:
    column = Column("c", "category", categories=("a", "b"))
    assert judge_one(column, [0] * 20_000, [0] * 199 + [1])["drift"].verdict == "ok"


def test_a_boolean_is_judged_as_two_levels() -> None:
    finding = judge_one(Column("on", "boolean"), [0, 1] * 2_000, [1] * 400 + [0] * 100)["drift"]
    assert finding.verdict == "raised" and finding.details["levels"]["names"] == ["false", "true"]


def test_a_sensitive_column_is_left_out_with_its_values() -> None:
    contract = Contract(
        "population",
        "regression",
        (Column("a", "number"), Column("secret", "number", sensitive=True)),
        (Output("value"),),
    )
    random = np.random.default_rng(1)
    reference = reference_of(contract, random.normal(size=(2_000, 2)))
    rows = random.normal(size=(1_000, 2))
    rows[:, 1] = np.nan
    findings = judge_drift(window_of(rows), reference, contract, RULES)
    drift = findings_of(findings, "drift")
    assert drift["secret"].reason == "sensitive: its values are not kept"
    assert drift["secret"].details == {} and "secret" not in findings_of(findings, "missing")
    assert findings_of(findings, "share")[""].details["judged"] == 1


def test_a_date_is_not_judged_unless_it_has_a_floor() -> None:
    column = Column("day", "timestamp")
    before, now = np.arange(9_000, 9_500), np.full(500, 9_600)
    assert judge_one(column, before, now)["drift"].verdict == "unknown"
    rules = MonitorRules(floors={"day": 0.5})
    assert judge_one(column, before, now, rules)["drift"].verdict == "raised"


def test_an_hour_is_judged_by_windows_of_a_whole_day() -> None:
    contract = one_column(Column("hour", "timestamp", encode="hour"))
    hours = (np.arange(4_800) % 24).astype(np.float32)[:, np.newaxis]
    reference = reference_of(contract, hours)
    whole = judge_columns(window_of(hours[:480]), reference, contract, RULES)
    assert findings_of(whole, "drift")["hour"].verdict == "ok"
    part = window_of(hours[:480], length=dt.timedelta(hours=6))
    finding = findings_of(judge_columns(part, reference, contract, RULES), "drift")["hour"]
    assert (finding.verdict, finding.reason) == (
        "unknown",
        "a time: the window is shorter than its day",
    )


def test_the_last_window_stands_beside_the_reference(reference: Reference) -> None:
    rows = rows_of(1_000)
    former = window_of(rows_of(1_000, seed=3))
    findings = judge_columns(window_of(rows), reference, CONTRACT, RULES, former)
    drift = findings_of(findings, "drift")
    picture = drift["normal"].details["histogram"]
    assert len(picture["former"]) == len(picture["window"]) == len(picture["edges"]) - 1
    assert sum(picture["former"]) == pytest.approx(1.0, abs=0.01)
    assert len(drift["category_3"].details["levels"]["former"]) == 3
    assert 0 < drift["normal"].details["former_effect"] < 0.2


def test_numbers_that_a_model_answers_are_judged() -> None:
    random = np.random.default_rng(1)
    contract = one_column(Column("a", "number"))
    rows = random.normal(size=(2_000, 1))
    profile = profile_numbers(random.normal(5, 2, 4_000), seed=0)
    reference = reference_of(contract, rows, {"value": profile})
    for mean, verdict in ((5.0, "ok"), (6.0, "raised")):
        window = window_of(rows[:1_000], random.normal(mean, 2, (1_000, 1)))
        finding = findings_of(judge_columns(window, reference, contract, RULES), "prediction")
        assert finding["value"].verdict == verdict


def classifier() -> tuple[Contract, Reference]:
    random = np.random.default_rng(1)
    contract = Contract(
        "population",
        "classification",
        (Column("a", "number"),),
        (Output("grade"),),
        classes=("A", "B"),
    )
    chances = random.beta(8, 2, 4_000)
    profile = profile_codes((random.random(4_000) < 0.3).astype(float), contract.classes, seed=0)
    rows = random.normal(size=(4_000, 1))
    return contract, reference_of(
        contract, rows, {"grade": profile}, probability=histogram(chances, 0.0, 1.0)
    )


@pytest.mark.parametrize(
    ("share", "sure", "expected"),
    [
        (0.3, 8, {"grade": "ok", "probability": "ok"}),
        (0.5, 8, {"grade": "raised", "probability": "ok"}),
        (0.3, 4, {"grade": "ok", "probability": "raised"}),
    ],
)
def test_classes_and_their_probability_are_judged_apart(
    share: float, sure: float, expected: dict[str, str]
) -> None:
    contract, reference = classifier()
    random = np.random.default_rng(7)
    classes = (random.random(2_000) < share).astype(np.int64)
    predicted = random.beta(sure, 2, 2_000)
    chances = np.where(
        np.arange(2) == classes[:, np.newaxis],
        predicted[:, np.newaxis],
        1 - predicted[:, np.newaxis],
    )
    window = window_of(random.normal(size=(2_000, 1)), classes, chances.astype(np.float32))
    findings = findings_of(judge_columns(window, reference, contract, RULES), "prediction")
    assert {name: finding.verdict for name, finding in findings.items()} == expected


def test_an_output_without_a_profile_has_no_reference(reference: Reference) -> None:
    findings = judge_columns(window_of(rows_of(500)), reference, CONTRACT, RULES)
    finding = findings_of(findings, "prediction")["value"]
    assert (finding.verdict, finding.reason) == ("unknown", "no reference")


def test_details_are_bounded_whatever_the_column_holds() -> None:
    names = tuple(f"city {number}" for number in range(5_000))
    codes = np.arange(20_000) % 5_000
    finding = judge_one(Column("city", "category", categories=names), codes, codes[:5_000])["drift"]
    levels = finding.details["levels"]
    assert len(levels["names"]) == 31 and levels["names"][-1] == "4970 others"
    assert sum(levels["window"]) == pytest.approx(1.0, abs=0.01)


def test_whole_numbers_have_a_bin_each(reference: Reference) -> None:
    drift = findings_of(judge_columns(window_of(rows_of(500)), reference, CONTRACT, RULES), "drift")
    edges = drift["count"].details["histogram"]["edges"]
    assert edges[:2] == [-0.5, 0.5]


def test_levels_of_a_profile_are_in_the_order_of_the_contract(reference: Reference) -> None:
    profile = reference.columns["category_3"]
    assert isinstance(profile, CategoryProfile)
    assert tuple(profile.counts) == LEVEL_NAMES["category_3"]
