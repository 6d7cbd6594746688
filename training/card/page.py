"""The page of the model card: what a model is for, how good it is, where it comes from."""

from __future__ import annotations

from collections.abc import Sequence

from training.card import comparison, contents
from training.card.groups import about_groups
from training.card.promises import promises
from training.card.task_plots import Plot
from training.common.html import render as render_page
from training.common.numbers import number
from training.fit.candidates.resolve import title
from training.judge.result import TrainingResult
from training.metrics.metric import block_length
from training.metrics.tasks import METRICS

DOES = {
    "regression": "predicts a number",
    "classification": "picks one of several classes",
    "optimization": "proposes settings",
}
ENGINES = {"onnx": "ONNX Runtime (compiled)", "skops": "scikit-learn, read by skops"}


def render(result: TrainingResult, plots: Sequence[Plot]) -> str:
    return render_page(
        "card/card.html",
        result=result,
        spec=result.spec,
        does=DOES[result.spec.task],
        # Of an optimization, its objective's card says it.
        is_sample=bool(result.spec.data and result.spec.data.source.startswith("sample:")),
        headline=comparison.headline(result),
        tiles=_tiles(result),
        data=contents.about_data(result),
        fields=[contents.field(result, column) for column in result.dataset.contract.columns],
        metrics=METRICS[result.spec.task],
        plots=plots,
        limits=list(contents.limits(result)),
        engines=ENGINES,
        how_to_read=comparison.how_to_read(result),
        rows=contents.rows_word(result),
        in_blocks=_in_blocks(result),
        promises=list(promises(result)),
        groups=about_groups(result),
        call=contents.call(result),
        answer=contents.answer(result),
    )


def _in_blocks(result: TrainingResult) -> str:
    if result.evaluation is None or not result.spec.ordered:
        return ""
    length = block_length(result.evaluation.rows)
    return f"; neighbours in time are alike, so {length} rows in their order are drawn together"


def _tiles(result: TrainingResult) -> list[tuple[str, str]]:
    """The few figures that everyone asks for first."""
    split, rows, fitted = result.dataset.split, contents.rows_word(result), result.fitted
    tiles = [
        (number(len(split.train)), f"{rows} to learn from"),
        (number(len(split.held_out)), f"{rows} held out to judge it"),
        (title(fitted.chosen.candidate), "kind of model"),
    ]
    if result.evaluation is not None:
        deciding = result.spec.deciding
        value = result.evaluation.metrics[deciding.name].value
        tiles.insert(0, (deciding.shown(value), deciding.title))
    if fitted.compiled is not None:
        tiles.append((f"{number(fitted.compiled.latency_ms)} ms", "for one row, 99 of 100 times"))
    return tiles
