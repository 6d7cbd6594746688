"""The model card: what a person outside the team reads from it."""

# pylint: disable=redefined-outer-name  # fixtures are asked for by their names
from __future__ import annotations

import html
import json
import re
import shlex
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any, get_args

import pytest

from service.bundle.encoder import Encoder
from service.bundle.manifest import Decision
from training.card import page as card
from training.card import words as card_words
from training.judge.evaluation import Rival
from training.judge.gate import Verdict
from training.judge.result import Facts
from training.metrics.tasks import METRICS
from training.spec.values import CandidateName

FactsOf = Callable[..., Facts]
SpecOf = Callable[..., Any]
TASKS = ["regression", "classification", "optimization"]


def words(page: str) -> str:
    """What a reader sees: no tags, no style, spaces in one."""
    page = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


class Links(HTMLParser):
    """Every address that a page would load something from, or that opens no closing tag."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.open: list[str] = []
        self.feed(page)

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
def facts(request: pytest.FixtureRequest) -> Facts:
    found: Facts = request.getfixturevalue(request.param)
    return found


def test_a_card_is_one_whole_file_that_loads_nothing(facts: Facts) -> None:
    page = card.render(facts)
    links = Links(page)
    assert not links.loaded
    assert not links.open
    assert "@import" not in page and "<script" not in page
    assert len(page.encode()) < 400_000


def test_a_card_says_what_the_model_is_for_and_whose_it_is(regression: Facts) -> None:
    text = words(card.render(regression))
    assert "Predicts what a plant weighs." in text
    assert "Owner: The growers." in text
    assert "Only for plants." in text


def test_each_metric_has_its_interval_and_meaning(facts: Facts) -> None:
    text = words(card.render(facts))
    assert facts.evaluation is not None
    for one in METRICS[facts.spec.task]:
        found = facts.evaluation.metrics[one.name]
        low, high = (card_words.shown(one.name, end) for end in (found.low, found.high))
        assert f"{low} to {high}" in text
        assert card_words.meaning(facts, one.name, found.value) in text


def test_a_metric_that_cannot_be_computed_is_said_to_be_so(regression: Facts) -> None:
    assert "cannot be computed" in card_words.meaning(regression, "r2", float("nan"))


def test_a_model_worse_than_the_average_is_not_said_to_explain_anything(regression: Facts) -> None:
    assert "no better than always giving the average" in card_words.meaning(regression, "r2", -0.5)


def beside(facts: Facts, *rivals: Rival) -> Facts:
    assert facts.evaluation is not None
    return facts._replace(evaluation=facts.evaluation._replace(rivals=rivals))


def test_the_champion_stands_beside_the_model(regression: Facts) -> None:
    champion = Rival("champion", {"r2": 0.999, "mae": 99.0, "rmse": 98.0})
    text = words(card.render(beside(regression, champion)))
    assert "0.999 better" in text
    assert "99 worse" in text
    assert "There was no champion" in words(card.render(regression))


def test_all_gates_passed_at_a_glance(regression: Facts) -> None:
    assert card.verdict(regression).mood == "good"
    assert "Passed all 3 gates." in words(card.render(regression))


def test_the_simplest_and_a_linear_model_stand_beside_the_chosen_one(
    classes_of: SpecOf, facts_of: FactsOf
) -> None:
    facts = facts_of(classes_of(search={"candidates": ["extra-trees"]}))
    assert facts.evaluation is not None
    assert [rival.name for rival in facts.evaluation.rivals] == ["majority", "linear"]
    heads = re.findall(r"<th[^>]*>([^<]+)</th>", card.render(facts))
    assert heads[:5] == ["Figure", "This model", "Commonest class", "Linear model", "95% range"]


@pytest.mark.parametrize(
    ("simpler", "said"),
    [
        ("majority", "Always giving the commonest class does as well or better: accuracy 0.990"),
        ("linear", "A linear model does as well or better: accuracy 0.990"),
    ],
)
def test_gates_that_passed_are_no_praise_for_a_model_that_something_simpler_beats(
    classification: Facts, simpler: str, said: str
) -> None:
    worse = {"f1": 0.1, "auc": 0.5, "precision": 0.1, "recall": 0.1}
    facts = beside(classification, Rival(simpler, {**worse, "accuracy": 0.99}))
    text = words(card.render(facts))
    assert "Passed all 2 gates, but is no better than something simpler." in text
    assert said in text and "Good enough" not in text
    assert card.verdict(facts).mood == "warn"


def test_that_a_search_converged_is_no_merit_of_a_simpler_recipe(optimization: Facts) -> None:
    """Converged contexts are the search's: the same share, whatever was distilled from it."""
    assert optimization.evaluation is not None
    own = {name: one.value for name, one in optimization.evaluation.metrics.items()}
    worse = {**own, "regret": own["regret"] + 0.5}
    assert not card_words.unbeaten(beside(optimization, Rival("mean", worse)))


def test_a_failed_gate_is_named_on_top_with_its_value(regression: Facts) -> None:
    rules = (Decision("r2 >= 0.9", 0.5, 0.9, False, "why"), Decision("mae <= 2", 1.0, 2.0, True))
    page = card.render(regression._replace(verdict=Verdict(rules)))
    assert 'class="banner bad"' in page
    assert "Failed 1 of 2 gates. r2 >= 0.9, but it is 0.5000 (why)" in words(page)


def test_a_value_that_was_not_a_number_still_makes_a_card(regression: Facts) -> None:
    rules = (Decision("auc >= 0.9", float("nan"), 0.9, False),)
    assert "auc >= 0.9, but it is –" in words(
        card.render(regression._replace(verdict=Verdict(rules)))
    )


def test_a_skipped_step_is_said_to_be_skipped(facts: Facts) -> None:
    text = words(card.render(facts._replace(compiled=None, evaluation=None, verdict=None)))
    assert "Not judged. The gates were skipped" in text
    assert "The evaluation was skipped" in text
    assert "It was not exported" in text


@pytest.mark.parametrize("step", ["compiled", "evaluation", "verdict"])
def test_each_step_can_be_skipped_alone(regression: Facts, step: str) -> None:
    skipped: dict[str, Any] = {step: None}
    assert "plants" in words(card.render(regression._replace(**skipped)))


def test_the_contract_lists_each_column_with_what_it_takes(facts: Facts) -> None:
    text = words(card.render(facts))
    for column in facts.dataset.contract.columns:
        assert column.allowed.removesuffix(" or null") in text
        assert json.dumps(column.sample) in text


def test_a_sensitive_column_gives_no_value_away(spec_of: SpecOf, facts_of: FactsOf) -> None:
    facts = facts_of(spec_of(columns={"light": {"sensitive": True}}))
    text = words(card.render(facts))
    assert "sensitive" in text and "not shown: sensitive" in text
    row = text[text.index("light sensitive") : text.index("leaves")]
    assert "4.5" not in row


def test_the_example_call_is_a_request_that_the_contract_takes(facts: Facts) -> None:
    page = card.render(facts)
    pre = re.search(r"<pre>(curl .*?)</pre>", page, flags=re.DOTALL)
    assert pre is not None
    command = shlex.split(html.unescape(pre[1]))
    assert command[1] == f"http://127.0.0.1:8080/v1/models/{facts.spec.name}/predict"
    rows = json.loads(command[-1])["rows"]
    assert Encoder(facts.dataset.contract).encode_rows(rows).shape == (
        1,
        len(facts.dataset.contract.columns),
    )


def test_the_example_answer_is_what_the_model_predicts(classification: Facts) -> None:
    page = html.unescape(card.render(classification))
    answer = json.loads(re.findall(r"<pre>(\{.*?\})</pre>", page)[0])
    assert answer["classes"] == ["A", "B"]
    most = max(range(2), key=lambda number: answer["probabilities"][0][number])
    assert answer["predictions"] == [answer["classes"][most]]


def test_a_card_says_where_its_model_comes_from(regression: Facts) -> None:
    text = words(card.render(regression._replace(version="12", run_id="abc123")))
    for known in ("version 12", "abc123", "c0ffee", "not committed", "a machine", "10c4", "key"):
        assert known in text


def test_an_unregistered_version_is_said_to_be_so(regression: Facts) -> None:
    assert "Version not registered Run not recorded" in words(card.render(regression))


def test_the_data_is_told_with_period_split_and_fingerprint(regression: Facts) -> None:
    text = words(card.render(regression))
    assert "2025-01-01 to 2025-10-27" in text
    assert "60 rows, by day: the model learnt from the earlier rows" in text
    assert regression.dataset.fingerprint in text


def test_made_up_data_is_said_to_be_made_up(spec_of: SpecOf, regression: Facts) -> None:
    sample = regression._replace(spec=spec_of(data={"source": "sample:farm"}))
    assert "Made-up data." in words(card.render(sample))
    assert "Made-up data." not in words(card.render(regression))


def test_warnings_about_the_data_reach_the_card(
    spec_of: SpecOf, facts_of: FactsOf, frame: Any
) -> None:
    frame.loc[4, "light"] = 99.0
    text = words(card.render(facts_of(spec_of(checks={"ranges": "warning"}), frame)))
    assert "299 usable, 1 left out because they break the contract" in text
    assert "warning: light is not a finite number from 0 to 10" in text


def test_the_weakest_part_is_among_the_limits(regression: Facts) -> None:
    assert regression.evaluation is not None
    parts = regression.evaluation.slices
    weakest = min(parts, key=lambda part: part.metrics["r2"].value)
    assert f"Weakest where kind is {weakest.value}: R²" in words(card.render(regression))


def test_nothing_from_spec_or_data_becomes_markup(spec_of: SpecOf, facts_of: FactsOf) -> None:
    evil = "</style><script>alert('x')</script>"
    light = {"description": evil, "unit": "<b>"}
    spec = spec_of(description=evil, owner=evil, limits=evil, columns={"light": light})
    page = card.render(facts_of(spec)._replace(version=evil, created=evil))
    assert "<script" not in page and "<b>" not in page.replace('<div class="tile"><b>', "")
    assert page.count("</style>") == 1
    assert html.escape(evil).replace("&#x27;", "&#39;") in page


def test_every_candidate_and_metric_has_words() -> None:
    assert set(card_words.CANDIDATES) == set(get_args(CandidateName))
    for task, known in METRICS.items():
        for one in known:
            assert (task, one.name) in card_words._MEANING  # pylint: disable=protected-access
