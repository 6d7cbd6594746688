"""`[fairness]` and `gates.fairness`: what contradicts itself is refused with what is allowed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.plants import class_spec, plant_spec, recipe_spec
from training.common.errors import SpecError
from training.data.sources import wanted

GROUP = {"group": "kind"}
OF_CLASSES: list[tuple[dict[str, Any], str]] = [
    ({"fairness": {}}, "fairness.group: missing; a text is needed"),
    ({"fairness": {"group": ""}}, "fairness.group: given ''; allowed: the name of a column"),
    ({"fairness": {"group": "grade"}}, "fairness.group: given 'grade', which is the target"),
    ({"fairness": {"group": "id"}}, "fairness.group: given 'id', which is data.time or one of"),
    (
        {"fairness": {"group": "at"}, "columns": {"at": {"type": "timestamp"}}},
        "fairness.group: given 'at', a timestamp; allowed, of inputs: category, boolean, number",
    ),
    (
        {"fairness": {"group": "soil"}, "data": {"journal": True, "time": "day", "split": "time"}},
        "data.journal: given true, and fairness.group 'soil' is no input",
    ),
    (
        {"fairness": {**GROUP, "positive": "C"}},
        "fairness.positive: given 'C'; allowed: 'A', 'B'",
    ),
    (
        {"fairness": GROUP, "target": {"classes": ["A", "B", "C"]}},
        "fairness.positive: missing; of 3 classes",
    ),
    ({"fairness": GROUP, "target": {"classes": []}}, "target.classes: missing; [fairness] needs"),
    (
        {"fairness": {**GROUP, "minimum_rows": 1}},
        "fairness.minimum_rows: given 1; allowed: a whole",
    ),
    ({"fairness": {**GROUP, "least": 1}}, "fairness.least: unknown key; allowed: group, positive"),
    (
        {"gates": {"fairness": {"selection_rate": {"difference": 0.1}}}},
        "fairness: missing; gates.fairness compares the groups",
    ),
    (
        {"fairness": GROUP, "gates": {"fairness": {"mae": {"difference": 0.1}}}},
        "gates.fairness: given 'mae'; allowed for classification: selection_rate, true_positive",
    ),
    (
        {"fairness": GROUP, "gates": {"fairness": {"selection_rate": {}}}},
        "gates.fairness.selection_rate: given nothing; allowed: difference, ratio or both",
    ),
    (
        {"fairness": GROUP, "gates": {"fairness": {"selection_rate": {"difference": 5}}}},
        "gates.fairness.selection_rate.difference: given 5; allowed: at most 1",
    ),
    (
        {"fairness": GROUP, "gates": {"fairness": {"selection_rate": {"ratio": 1.2}}}},
        "gates.fairness.selection_rate.ratio: given 1.2; allowed: a number above 0 and of at most 1",
    ),
    (
        {"fairness": GROUP, "gates": {"fairness": {"selection_rate": {"max": 0.1}}}},
        "gates.fairness.selection_rate.max: unknown key; allowed: difference, ratio",
    ),
]


@pytest.mark.parametrize(("changes", "message"), OF_CLASSES)
def test_of_classes(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError) as error:
        class_spec(**changes)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fairness": {**GROUP, "positive": "A"}}, "fairness.positive: given for regression"),
        (
            {"fairness": GROUP, "gates": {"fairness": {"mean_error": {"ratio": 0.8}}}},
            "gates.fairness.mean_error.ratio: given for regression, whose errors have signs",
        ),
    ],
)
def test_of_numbers(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError) as error:
        plant_spec(**changes)
    assert message in str(error.value)


def test_an_optimization_has_no_groups() -> None:
    with pytest.raises(SpecError) as error:
        recipe_spec(fairness=GROUP)
    assert "fairness: given for optimization; allowed: only with [data]" in str(error.value)


def test_a_group_that_is_no_input_is_asked_of_the_source_and_is_no_column_of_the_contract() -> None:
    spec = class_spec(fairness={"group": "soil"})
    assert wanted(spec).count("soil") == 1
    assert "soil" not in spec.contract().names and spec.group_beside == "soil"
    assert class_spec(fairness=GROUP).group_beside == ""


def test_what_the_monitor_judges_apart_stays_as_it_is() -> None:
    sensitive = {"kind": {"sensitive": True}}
    spec = class_spec(columns=sensitive, fairness=GROUP)
    assert spec.monitor_rules == class_spec(columns=sensitive).monitor_rules
    assert spec.monitor_rules.slices == ()
