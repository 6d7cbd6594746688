"""Records of units.sql and pairs.sql, put together over the stages as the statistics take them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitoring.experiment.statistics.differences import CHALLENGER, CHAMPION, Sums
from monitoring.experiment.statistics.paired import Pairs
from monitoring.experiment.statistics.rare_events import Counts

_UNIT_COLUMNS = (
    *("units", "known_units", "answers", "answers_answers", "answers_truths", "truths"),
    *("truths_truths", "loss", "truths_loss", "loss_loss"),
)
_PAIR_COLUMNS = (
    *("units", "known_units", "answers", "apart", "truths", "truths_truths", "gain", "truths_gain"),
    *("gain_gain", "champion_loss", "challenger_loss", "champion_wins", "challenger_wins"),
)


class Assigned(NamedTuple):
    """Units that came in a stage for the first time, of champion and challenger; `share` is what the traffic says."""

    share: float | None
    champion: float
    challenger: float


class Collected:
    """Of a split: `begin` a stage, then `add` the records of each of its arms."""

    def __init__(self) -> None:
        self._places: list[tuple[int, int, int]] = []
        self._cells: list[list[float]] = []
        self._units: dict[str, int] = {}
        self._slow: set[int] = set()
        self._shares: list[float | None] = []
        #: By stage and arm: units, those of them that are slow for the first time, those that are new.
        self._totals: list[list[list[float]]] = []
        self._labels = 0

    def begin(self, share: float | None) -> None:
        self._shares.append(share)
        self._totals.append([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])

    def add(self, arm: int, record: Mapping[str, Any]) -> None:
        """One subject, or all requests of the stage and arm that came without one."""
        subject, slow = record["subject"], float(record["slow_units"])
        known, unit = len(self._units), -1
        new = units = float(record["units"])
        if subject is not None:
            unit = self._units.setdefault(subject, known)
            new = units if unit == known else 0.0
            # However often a subject meets it, and in however many stages: one event.
            slow = 0.0 if unit in self._slow else slow
            self._slow |= {unit} if slow else set()
        totals = self._totals[-1][arm]
        for place, number in enumerate((units, slow, new)):
            totals[place] += number
        self._places.append((len(self._shares) - 1, arm, unit))
        self._cells.append([float(record[name]) for name in _UNIT_COLUMNS])
        self._labels += int(record["labels"])

    @property
    def is_class(self) -> bool:
        return self._labels > 0

    @property
    def answers(self) -> int:
        return round(sum(cells[_UNIT_COLUMNS.index("answers")] for cells in self._cells))

    def losses(self) -> Sums:
        """Of units with truth: rows with truth, and their losses."""
        return self._sums("known_units", "truths", "loss")

    def arrivals(self) -> Sums:
        """Of all units: rows, and those with truth. Of stages with a known share alone, if there are any: while it
        rises, most of the challenger's rows are the newest, whose truth is still to come."""
        return self._sums(
            "units", "answers", "truths", any(share is not None for share in self._shares)
        )

    def served(self) -> list[Counts]:
        """By stage the units, and those that met a slow answer for the first time."""
        return [
            Counts(champion[0], challenger[0], champion[1], challenger[1])
            for champion, challenger in self._totals
        ]

    def assigned(self) -> list[Assigned]:
        return [
            Assigned(share, totals[CHAMPION][2], totals[CHALLENGER][2])
            for share, totals in zip(self._shares, self._totals, strict=True)
        ]

    def _sums(self, units: str, rows: str, values: str, is_settled: bool = False) -> Sums:
        places = np.array(self._places, np.intp).reshape(-1, 3)
        columns = _columns(self._cells, _UNIT_COLUMNS)
        has_any = columns[units] > 0
        if is_settled:
            has_any &= np.array([share is not None for share in self._shares])[places[:, 0]]
        stage, arm, unit = places[has_any].T
        chosen = {name: column[has_any] for name, column in columns.items()}
        return Sums(
            *(stage, arm, unit, chosen[units], chosen[rows], chosen[values]),
            chosen[f"{rows}_{rows}"],
            chosen[f"{rows}_{values}"],
            chosen[f"{values}_{values}"],
        )


class CollectedPairs:
    """Of a shadow: `add` the records of each stage. There are no stages: a pair has both arms at one time."""

    def __init__(self) -> None:
        self._cells: list[list[float]] = []
        #: By subject, its line.
        self._lines: dict[str, int] = {}
        self._labels = 0

    def add(self, record: Mapping[str, Any]) -> None:
        cells = [float(record[name] or 0.0) for name in _PAIR_COLUMNS]
        self._labels += int(record["labels"])
        subject = record["subject"]
        if subject is None:
            self._cells.append(cells)
            return
        line = self._lines.setdefault(subject, len(self._cells))
        if line == len(self._cells):
            self._cells.append(cells)
        else:
            self._cells[line] = _joined(self._cells[line], cells)

    @property
    def is_class(self) -> bool:
        return self._labels > 0

    def total(self, name: str) -> float:
        return float(_columns(self._cells, _PAIR_COLUMNS)[name].sum())

    def pairs(self) -> Pairs:
        """Of units with truth."""
        columns = _columns(self._cells, _PAIR_COLUMNS)
        has_any = columns["known_units"] > 0
        names = ("known_units", "truths", "gain", "truths_truths", "truths_gain", "gain_gain")
        return Pairs(*(columns[name][has_any] for name in names))


def _joined(first: list[float], second: list[float]) -> list[float]:
    """One subject's line of two stages."""
    whole = dict(zip(_PAIR_COLUMNS, map(sum, zip(first, second, strict=True)), strict=True))
    truths, gain = whole["truths"], whole["gain"]
    whole |= {"units": 1.0, "known_units": float(truths > 0)}
    whole |= {"truths_truths": truths**2, "truths_gain": truths * gain, "gain_gain": gain**2}
    return list(whole.values())


def _columns(cells: list[list[float]], names: tuple[str, ...]) -> dict[str, NDArray[np.float64]]:
    matrix = np.array(cells, np.float64).reshape(-1, len(names))
    return {name: matrix[:, place] for place, name in enumerate(names)}
