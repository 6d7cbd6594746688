"""The model card: what a person outside the team reads from it."""

# pylint: disable=redefined-outer-name  # fixtures are asked for by their names
from __future__ import annotations

import html
import json
import re
import shlex
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest

from service.bundle.manifest import Decision
from service.bundle.manifest import Metric as Interval
from service.bundle.rows.encoder import Encoder
from tests.support.plants import ResultOf, SpecOf
from training.card import comparison, page
from training.card.plots import draw
from training.judge.gate import Verdict
from training.judge.result import TrainingResult
from training.judge.rivals import Rival
from training.metrics.tasks import METRICS

TASKS = ["regression", "classification", "optimization"]


def card(result: TrainingResult) -> str:
    """The page without its plots."""
    return page.render(result, [])


def words(result: TrainingResult) -> str:
    """What a reader sees: no tags, no style, spaces in one."""
    text = re.sub(r"<style>.*?</style>", "", card(result), flags=re.DOTALL)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text)))


class Links(HTMLParser):
    """Every address that a page would load something from, or that opens no closing tag."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "br"):
            self.open.append(tag)
        self._note(attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note(attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def _note(self, attrs: list[tuple[str, str | None]]) -> None:
        addresses = [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]
        self.loaded += [
            value for value in addresses if not value.startswith(("#", "data:image/png"))
        ]


@pytest.fixture(params=TASKS)
def result(request: pytest.FixtureRequest) -> TrainingResult:
    result: TrainingResult = request.getfixturevalue(request.param)
    return result


def test_a_card_is_one_whole_file_that_loads_nothing(result: TrainingResult) -> None:
    whole = page.render(result, draw(result))
    links = Links(whole)
    assert not links.loaded
    assert not links.open
    assert "@import" not in whole and "<script" not in whole
    assert "<svg" in whole and len(whole.encode()) < 400_000


def test_a_card_says_what_the_model_is_for_and_whose_it_is(regression: TrainingResult) -> None:
    text = words(regression)
    assert "Predicts what a plant weighs." in text
    assert "Owner: The growers." in text
    assert "Only for plants." in text


def test_each_metric_has_its_interval_and_meaning(result: TrainingResult) -> None:
    text = words(result)
    assert result.evaluation is not None
    for metric in METRICS[result.spec.task]:
        if metric.of_quantiles:
            continue
        value, low, high = msgspec.structs.astuple(result.evaluation.metrics[metric.name])
        assert f"{metric.shown(low)} to {metric.shown(high)}" in text
        assert metric.meaning(value, result.spec.target.unit) in text


def with_value(result: TrainingResult, name: str, value: float) -> TrainingResult:
    assert result.evaluation is not None
    metrics = {**result.evaluation.metrics, name: Interval(value, value, value)}
    return result._replace(evaluation=result.evaluation._replace(metrics=metrics))


def test_a_metric_that_cannot_be_computed_is_said_to_be_so(regression: TrainingResult) -> None:
    assert "cannot be computed" in words(with_value(regression, "r2", float("nan")))


def test_a_model_worse_than_the_average_is_not_said_to_explain_anything(
    regression: TrainingResult,
) -> None:
    assert "no better than always giving the average" in words(with_value(regression, "r2", -0.5))


def beside(result: TrainingResult, *rivals: Rival) -> TrainingResult:
    assert result.evaluation is not None
    return result._replace(evaluation=result.evaluation._replace(rivals=rivals))


def test_the_champion_stands_beside_the_model(regression: TrainingResult) -> None:
    champion = Rival("champion", {"r2": 0.999, "mae": 99.0, "rmse": 98.0})
    text = words(beside(regression, champion))
    assert "0.999 better" in text
    assert "99 worse" in text
    assert "There was no champion" in words(regression)


def test_all_gates_passed_at_a_glance(regression: TrainingResult) -> None:
    assert comparison.headline(regression).mood == "good"
    assert "Passed all 3 gates." in words(regression)


def test_the_simplest_and_a_linear_model_stand_beside_the_chosen_one(
    classes_of: SpecOf, result_of: ResultOf
) -> None:
    result = result_of(classes_of(search={"candidates": ["extra-trees"]}))
    assert result.evaluation is not None
    assert [rival.name for rival in result.evaluation.rivals] == ["majority", "linear"]
    heads = re.findall(r"<th[^>]*>([^<]+)</th>", card(result))
    assert heads[:5] == ["Figure", "This model", "Commonest class", "Linear model", "95% range"]


@pytest.mark.parametrize(
    ("simpler", "said"),
    [
        ("majority", "Always giving the commonest class does as well or better: accuracy 0.990"),
        ("linear", "A linear model does as well or better: accuracy 0.990"),
    ],
)
def test_gates_that_passed_are_no_praise_for_a_model_that_something_simpler_beats(
    classification: TrainingResult, simpler: str, said: str
) -> None:
    worse = {"f1": 0.1, "auc": 0.5, "precision": 0.1, "recall": 0.1}
    result = beside(classification, Rival(simpler, {**worse, "accuracy": 0.99}))
    text = words(result)
    assert "Passed all 2 gates, but is no better than something simpler." in text
    assert said in text and "Good enough" not in text
    assert comparison.headline(result).mood == "warn"


def test_that_a_search_converged_is_no_merit_of_a_simpler_recipe(
    optimization: TrainingResult,
) -> None:
    """Converged contexts are the search's: the same share, whatever was distilled from it."""
    assert optimization.evaluation is not None
    metrics = optimization.evaluation.metrics
    own = {name: interval.value for name, interval in metrics.items()}
    worse = {**own, "regret": own["regret"] + 0.5}
    assert not comparison.unbeaten(beside(optimization, Rival("mean", worse)))


def test_a_failed_gate_is_named_on_top_with_its_value(regression: TrainingResult) -> None:
    rules = (Decision("r2 >= 0.9", 0.5, 0.9, False, "why"), Decision("mae <= 2", 1.0, 2.0, True))
    failed = regression._replace(verdict=Verdict(rules))
    assert 'class="banner bad"' in card(failed)
    assert "Failed 1 of 2 gates. r2 >= 0.9, but it is 0.5000 (why)" in words(failed)


def test_a_value_that_was_not_a_number_still_makes_a_card(regression: TrainingResult) -> None:
    rules = (Decision("auc >= 0.9", float("nan"), 0.9, False),)
    assert "auc >= 0.9, but it is –" in words(regression._replace(verdict=Verdict(rules)))


def without_compiling(result: TrainingResult) -> TrainingResult:
    return result._replace(fitted=result.fitted._replace(compiled=None))


def test_a_skipped_step_is_said_to_be_skipped(result: TrainingResult) -> None:
    text = words(without_compiling(result)._replace(evaluation=None, verdict=None))
    assert "Not judged. The gates were skipped" in text
    assert "The evaluation was skipped" in text
    assert "It was not exported" in text


def test_each_step_can_be_skipped_alone(regression: TrainingResult) -> None:
    for skipped in (
        without_compiling(regression),
        regression._replace(evaluation=None),
        regression._replace(verdict=None),
    ):
        assert "plants" in words(skipped)


def test_the_contract_lists_each_column_with_what_it_takes(result: TrainingResult) -> None:
    text = words(result)
    for column in result.dataset.contract.columns:
        assert column.allowed.removesuffix(" or null") in text
        assert json.dumps(column.sample) in text


def test_a_sensitive_column_gives_no_value_away(spec_of: SpecOf, result_of: ResultOf) -> None:
    result = result_of(spec_of(columns={"light": {"sensitive": True}}))
    text = words(result)
    assert "sensitive" in text and "not shown: sensitive" in text
    row = text[text.index("light sensitive") : text.index("leaves")]
    assert "4.5" not in row


def test_the_example_call_is_a_request_that_the_contract_takes(result: TrainingResult) -> None:
    pre = re.search(r"<pre>(curl .*?)</pre>", card(result), flags=re.DOTALL)
    assert pre is not None
    command = shlex.split(html.unescape(pre[1]))
    assert command[1] == f"http://127.0.0.1:8080/v1/models/{result.spec.name}/predict"
    rows = json.loads(command[-1])["rows"]
    assert Encoder(result.dataset.contract).encode_rows(rows).shape == (
        1,
        len(result.dataset.contract.columns),
    )


def test_the_example_answer_is_what_the_model_predicts(classification: TrainingResult) -> None:
    text = html.unescape(card(classification))
    answer = json.loads(re.findall(r"<pre>(\{.*?\})</pre>", text)[0])
    assert answer["classes"] == ["A", "B"]
    most = max(range(2), key=lambda number: answer["probabilities"][0][number])
    assert answer["predictions"] == [answer["classes"][most]]


def test_a_card_says_where_its_model_comes_from(regression: TrainingResult) -> None:
    text = words(regression._replace(version="12", run_id="abc123"))
    for part in ("version 12", "abc123", "c0ffee", "not committed", "a machine", "10c4", "key"):
        assert part in text


def test_an_unregistered_version_is_said_to_be_so(regression: TrainingResult) -> None:
    assert "Version not registered Run not recorded" in words(regression)


def test_the_data_is_told_with_period_split_and_fingerprint(regression: TrainingResult) -> None:
    text = words(regression)
    assert "2025-01-01 to 2025-10-27" in text
    assert "60 rows, by day: the model learnt from the earlier rows" in text
    assert regression.dataset.fingerprint in text


def test_made_up_data_is_said_to_be_made_up(spec_of: SpecOf, regression: TrainingResult) -> None:
    sample = regression._replace(spec=spec_of(data={"source": "sample:farm"}))
    assert "Made-up data." in words(sample)
    assert "Made-up data." not in words(regression)


def test_warnings_about_the_data_reach_the_card(
    spec_of: SpecOf, result_of: ResultOf, frame: Any
) -> None:
    frame.loc[4, "light"] = 99.0
    text = words(result_of(spec_of(checks={"ranges": "warning"}), frame))
    assert "299 usable, 1 left out because they break the contract" in text
    assert "warning: light is not a finite number from 0 to 10" in text


def test_the_weakest_part_is_among_the_limits(regression: TrainingResult) -> None:
    assert regression.evaluation is not None
    parts = regression.evaluation.slices
    weakest = min(parts, key=lambda part: part.metrics["r2"].value)
    assert f"Weakest where kind is {weakest.value}: R²" in words(regression)


def test_what_no_monitor_sees_is_among_the_limits(
    spec_of: SpecOf, result_of: ResultOf, regression: TrainingResult, optimization: TrainingResult
) -> None:
    sensitive = {"light": {"sensitive": True, "example": 4.5}, "kind": {"sensitive": True}}
    text = words(result_of(spec_of(columns=sensitive)))
    assert "The monitor looks at no sensitive column, and sees no change in kind, light." in text
    assert "The monitor knows no truth by row of a recipe" in words(optimization)
    assert "The monitor" not in words(regression)


def test_nothing_from_spec_or_data_becomes_markup(spec_of: SpecOf, result_of: ResultOf) -> None:
    evil = "</style><script>alert('x')</script>"
    light = {"description": evil, "unit": "<b>"}
    spec = spec_of(description=evil, owner=evil, limits=evil, columns={"light": light})
    result = result_of(spec)._replace(version=evil, created=evil)
    text = page.render(result, draw(result))
    assert "<script" not in text and "<b>" not in text.replace('<div class="tile"><b>', "")
    assert text.count("</style>") == 1
    assert html.escape(evil).replace("&#x27;", "&#39;") in text
