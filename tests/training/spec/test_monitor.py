"""`[monitor]` of a spec: what is refused, and the rules that the monitor gets."""

from __future__ import annotations

from typing import Any

import pytest

from service.bundle.monitor_rules import Bound, MonitorRules
from tests.support.plants import SpecOf
from training.common.errors import SpecError

BAD = [
    ({"windw": "1d"}, "monitor.windw: unknown key; allowed: window, floor"),
    ({"window": "32d"}, "monitor.window: given '32d'; allowed: '1m' to '31d' (minutes, hours, days)"),
    ({"window": "1 day"}, "monitor.window: given '1 day'; allowed: '1m' to '31d'"),
    ({"window": "0m"}, "monitor.window: given '0m'"),
    ({"window": 5}, "monitor.window: given 5; allowed: a text"),
    ({"window": "99 rows"}, "monitor.window: given '99 rows'; allowed: no fewer rows than least_rows, 100"),
    ({"floor": 0}, "monitor.floor: given 0; allowed: a number above 0 and of at most 1000"),
    ({"floor": float("inf")}, "monitor.floor: given inf; allowed: a number above 0"),
    ({"floor": float("nan")}, "monitor.floor: given nan; allowed: a number above 0"),
    ({"floors": {"light": -1}}, "monitor.floors: given {'light': -1}; allowed: a table"),
    ({"floors": {"moon": 0.2}}, "monitor.floors: given 'moon'; allowed, as columns that are not sensitive: kind"),
    ({"floors": {"leaves": 0.2}}, "monitor.floors: given 'leaves'; allowed, as columns that are not sensitive"),
    ({"missing_floor": 2}, "monitor.missing_floor: given 2; allowed: a number of at least 0 and of at most 1"),
    ({"other_floor": -0.1}, "monitor.other_floor: given -0.1; allowed: a number of at least 0 and of at most 1"),
    ({"q": 1}, "monitor.q: given 1; allowed: a number above 0 and below 1"),
    ({"alarm_windows": 4}, "monitor.alarm_windows: given 4; allowed: at most of_windows, 3"),
    ({"of_windows": 0}, "monitor.of_windows: given 0; allowed: a whole number above 0"),
    ({"time_zone": "Berlin"}, "monitor.time_zone: given 'Berlin'; allowed: a name such as 'UTC' or 'Europe/Berlin'"),
    ({"time_zone": "../../etc/passwd"}, "monitor.time_zone: given '../../etc/passwd'; allowed: a name"),
    ({"slices": ["moon"]}, "monitor.slices: given 'moon'; allowed, as columns that are not sensitive: kind"),
    ({"truth_horizon": "2y"}, "monitor.truth_horizon: given '2y'; allowed: '1m' to '366d'"),
]  # fmt: skip


@pytest.mark.parametrize(("monitor", "message"), BAD)
def test_a_bad_key_is_refused_with_what_is_allowed(
    spec_of: SpecOf, monitor: dict[str, Any], message: str
) -> None:
    with pytest.raises(SpecError) as refused:
        spec_of(monitor=monitor, columns={"leaves": {"sensitive": True}})
    (line,) = str(refused.value).splitlines()
    assert message in line


def test_without_a_section_there_are_the_defaults_and_the_gates(spec_of: SpecOf) -> None:
    assert spec_of().monitor_rules == MonitorRules(slices=("kind",), bounds={"r2": Bound(min=0.5)})


def test_every_key_reaches_the_rules(spec_of: SpecOf) -> None:
    keys = {
        "window": "500 rows",
        "floor": 0.2,
        "floors": {"light": 0.3, "weight": 1},
        "missing_floor": 0.1,
        "other_floor": 0.15,
        "q": 0.01,
        "alarm_windows": 3,
        "of_windows": 5,
        "least_rows": 50,
        "drift_share": 0.25,
        "experiment_margin": 0.02,
        "time_zone": "Europe/Berlin",
        "truth_horizon": "90d",
        "slices": ["watered"],
    }
    rules = spec_of(monitor=keys).monitor_rules
    expected = keys | {"slices": ("watered",), "bounds": {"r2": Bound(min=0.5)}, "slice_bounds": {}}
    assert {name: getattr(rules, name) for name in rules.__struct_fields__} == expected
    assert (rules.floor_of("light"), rules.floor_of("leaves")) == (0.3, 0.2)


def test_sensitive_columns_are_no_slices(spec_of: SpecOf) -> None:
    columns = {"kind": {"sensitive": True}}
    assert spec_of(columns=columns).monitor_rules.slices == ()
    assert spec_of(monitor={"slices": []}).monitor_rules.slices == ()


def test_the_probability_of_the_predicted_class_has_a_floor_too(classes_of: SpecOf) -> None:
    rules = classes_of(monitor={"floors": {"probability": 0.2, "grade": 0.3}}).monitor_rules
    assert (rules.floor_of("probability"), rules.floor_of("grade")) == (0.2, 0.3)
