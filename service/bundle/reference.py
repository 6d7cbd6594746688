"""`reference.json` of a bundle, version 2: what a version was trained on and answers, in short, for the monitor.

Training writes it, the monitor reads it, the service never does. Columns are as the contract encodes them: a category
is its number, a boolean 0 or 1, a timestamp what `encode` makes of it, a null NaN.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from service.bundle.contract import Matrix
from service.bundle.engines import OnnxEngine
from service.bundle.manifest import DamagedBundle, decode_file
from service.bundle.seasons import Calendar

REFERENCE = "reference.json"
#: The models of the loss, where the estimate needs them. In: the columns of the contract, of which sensitive ones are
#: NaN, and behind them the prediction. Out: (rows, 10), five folds' models of the absolute error, then of the squared.
LOSS_MODEL = "loss.onnx"
VERSION = 2


class Noise(msgspec.Struct, frozen=True):
    """The effect between a column and `rows` rows drawn from it: what chance alone makes."""

    rows: int
    mean: float
    std: float


class Histogram(msgspec.Struct, frozen=True):
    """For pictures: `counts` has one number less than `edges`, and what lies beyond them is in the outer ones."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


class NumberProfile(msgspec.Struct, frozen=True, tag_field="kind", tag="number"):
    """`rows` counts nulls too; `quantiles` are at 1,001 equal steps from the least to the greatest value.

    Without any value but nulls there are no quantiles and no noise. A constant has the same quantile everywhere.
    """

    rows: int
    nulls: int
    mean: float = 0.0
    std: float = 0.0
    quantiles: tuple[float, ...] = ()
    noise: Noise | None = None
    histogram: Histogram | None = None


class CategoryProfile(msgspec.Struct, frozen=True, tag_field="kind", tag="category"):
    """`counts` is by the name of the category or class, in the order of the contract; of a boolean `false`, `true`."""

    rows: int
    nulls: int
    counts: dict[str, int]
    noise: Noise | None = None


Profile = NumberProfile | CategoryProfile


class Season(msgspec.Struct, frozen=True):
    """The rows of one bucket of a calendar, with the profiles of the columns and outputs that move with it.

    Any other is the same all the year: the profile of all rows says more of it. Outputs are what the model answers to
    the bucket's rows, held out or not: by a split in time, the held-out rows are of one season alone.
    """

    calendar: Calendar
    #: As `service.bundle.seasons.buckets` names it, in the reference's `time_zone`.
    bucket: str
    rows: int
    columns: dict[str, Profile]


class Block(msgspec.Struct, frozen=True):
    """Held-out rows of like score: scores up to `upper`, and the mean and variance of their loss."""

    upper: float
    rows: int
    mean: float
    variance: float


class ClassMap(msgspec.Struct, frozen=True):
    """Isotonic map from a class's probability to how often it was the class, a point a block of held-out rows.

    A point lies at the block's mean probability; between points the map is a straight line, beyond them it is level.
    """

    probabilities: tuple[float, ...]
    shares: tuple[float, ...]
    #: How many held-out rows are behind each point.
    rows: tuple[int, ...]


class Calibration(msgspec.Struct, frozen=True):
    """What an estimate before the truth is made of; by held-out rows alone, never by training rows.

    Of classes, `blocks["accuracy"]` is by the probability of the predicted class, its loss 1 if right else 0. Of
    numbers, `blocks["mae"]` and `blocks["mse"]` are each by the mean of the five models of that loss.
    `class_maps` has one a class, in the order of the contract. `unknown` says why there is none of all this.
    """

    version: int = 1
    seed: int = 0
    rows: int = 0
    blocks: dict[str, tuple[Block, ...]] = {}
    class_maps: tuple[ClassMap, ...] = ()
    #: Of numbers: how the error grows with the prediction, by a straight line, and the deviation of that.
    slope: float = 0.0
    slope_deviation: float = 0.0
    unknown: str = ""


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. Of sensitive columns there is no value: neither profile nor cell, and no loss is expected by them."""

    version: int = VERSION
    #: Of all labelled rows, whichever part of the split they were in.
    rows: int
    columns: dict[str, Profile]
    #: By output, as the model answers on held-out rows.
    predictions: dict[str, Profile]
    #: Of the predicted class's probability, on held-out rows.
    probability: Histogram | None = None
    #: Up to 2,000 whole rows in the order of the contract; a null, and every cell of a sensitive column, is None.
    sample: tuple[tuple[float | None, ...], ...] = ()
    #: By how much the deciding metric gets worse when a column is shuffled.
    importance: dict[str, float] = {}
    seasons: tuple[Season, ...] = ()
    #: Of the seasons' buckets: the spec's when it was trained.
    time_zone: str = "UTC"
    calibration: Calibration = Calibration(unknown="it was made before there were estimates")

    @property
    def matrix(self) -> Matrix:
        """The sample as the encoder would give it."""
        cells = [[np.nan if cell is None else cell for cell in row] for row in self.sample]
        return np.array(cells, np.float32).reshape(len(cells), -1)


class _Version(msgspec.Struct):
    version: int = 1


def read_reference(folder: Path) -> Reference | None:
    """None of a bundle from before version 2: its hundred quantiles would alarm in every window."""
    path = folder / REFERENCE
    version = decode_file(path, _Version).version
    if version > VERSION:
        raise DamagedBundle(
            f"{path}: given version {version}; allowed: up to {VERSION}; use the monitor of the release that trained it"
        )
    return decode_file(path, Reference) if version == VERSION else None


def open_loss_model(folder: Path) -> OnnxEngine | None:
    """The models of the loss of a bundle that has them."""
    path = folder / LOSS_MODEL
    return OnnxEngine(path) if path.is_file() else None
