"""What a model answers: numbers, classes, and how sure it is."""

from __future__ import annotations

import numpy as np
import pytest

from monitoring.drift import judge_columns
from service.bundle.contract import Column, Contract, Output
from service.bundle.reference import Reference
from tests.monitoring.drift.conftest import CONTRACT, RULES, findings_of, one_column, rows_of
from tests.support.monitoring.windows import reference_of, window_of
from training.bundle.profiles import histogram, profile_codes, profile_numbers


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
