"""The reference profile: what drift is compared with, and no sensitive value."""

from msgspec.structs import replace

from training.bundle.reference import BINS, SAMPLE, reference
from training.judge.result import TrainingResult


def profile(result: TrainingResult) -> dict[str, dict[str, dict[str, object]]]:
    dataset = result.dataset
    answer = result.fitted.predict(dataset.held_out)
    return reference(dataset.contract, dataset.train[0], answer, seed=1)


def test_numbers_have_a_histogram_and_categories_their_counts(regression: TrainingResult) -> None:
    columns = profile(regression)["columns"]
    rows = len(regression.dataset.split.train)
    counts = columns["kind"]["counts"]
    assert isinstance(counts, dict) and sum(counts.values()) == rows
    histogram = columns["light"]["histogram"]
    assert isinstance(histogram, dict) and len(histogram["counts"]) == BINS
    assert sum(histogram["counts"]) == rows


def test_predictions_are_of_the_held_out_rows(
    regression: TrainingResult, classification: TrainingResult
) -> None:
    numbers = profile(regression)["predictions"]["weight"]["sample"]
    assert isinstance(numbers, list)
    assert len(numbers) == min(SAMPLE, len(regression.dataset.split.held_out))
    classes = profile(classification)["predictions"]["grade"]["counts"]
    assert isinstance(classes, dict) and set(classes) == {"A", "B"}


def test_a_sensitive_column_leaves_no_single_value(regression: TrainingResult) -> None:
    dataset = regression.dataset
    columns = tuple(replace(column, sensitive=True) for column in dataset.contract.columns)
    sensitive = replace(dataset.contract, columns=columns)
    answer = regression.fitted.predict(dataset.held_out)
    profile_ = reference(sensitive, dataset.train[0], answer, seed=1)
    assert profile_["columns"]["light"]["sample"] == []
