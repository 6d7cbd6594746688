"""The spec of a model as typed, frozen values, and what follows from them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct, structs

from service.bundle.column import USUAL_RARE
from service.bundle.contract import Column, ColumnType, Contract, Output, Task, TimePart, Unknown
from service.bundle.monitor_rules import Bound, JudgingRules, MonitorRules, Positive, Share
from tables.csv_format import USUAL_MISSING, CsvFormat
from training.common import own_code
from training.metrics.metric import Metric
from training.metrics.tasks import METRICS
from training.spec.fairness import Apart, Fairness
from training.spec.recipe import Ingredient, Objective
from training.spec.search import Import, OwnFunction, Search
from training.spec.target import Target

#: A model's name: it stands in paths, addresses, labels and queries.
NAME = r"^[a-z][a-z0-9-]{0,62}$"
Severity = Literal["error", "warning", "off"]


class Data(Struct, frozen=True):
    """Where rows come from: `sample:farm`, a file, a glob of files, or an SQLAlchemy URL with a query."""

    source: str
    target: str
    query: str = ""
    #: How many rows a sample has; no other source takes it.
    rows: Positive = 10_000
    time: str = ""
    split: Literal["random", "stratified", "time"] = "random"
    holdout: Annotated[float, Meta(gt=0, lt=1)] = 0.2
    #: The newest rows alone: those so much older than the newest are left out, as in "180d".
    window: str = ""
    #: Whether rows that were served, and whose truth is in, are rows of the training too.
    journal: bool = False
    #: How CSV files are written; see tables/csv_format.py.
    separator: str = ","
    decimal: str = "."
    thousands: str = ""
    encoding: str = "utf-8"
    quote: str = '"'
    missing: tuple[str, ...] = USUAL_MISSING

    @property
    def form(self) -> CsvFormat:
        return CsvFormat(*(getattr(self, name) for name in CsvFormat._fields))


class Features(Struct, frozen=True):
    """Own code that makes the columns of the contract, before any row is checked; the service never runs it."""

    prepare: OwnFunction | None = None


class ColumnSpec(Struct, frozen=True):
    """A column of the contract, or with `names` several that are alike."""

    type: ColumnType
    names: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[str, ...] = ()
    nullable: bool = False
    unit: str = ""
    description: str = ""
    example: str | int | float | bool | None = None
    sensitive: bool = False
    encode: TimePart | Annotated[tuple[TimePart, ...], Meta(min_length=1)] = "days"
    unknown: Unknown = "refuse"
    rare: Positive = USUAL_RARE
    #: Which way a prediction may move as this column grows; the model is held to it.
    monotone: Literal["increasing", "decreasing"] | None = None

    def column(self, name: str) -> Column:
        values = {
            field: getattr(self, field)
            for field in self.__struct_fields__
            if field not in ("names", "monotone")
        }
        return Column(name=name, **values)


class Checks(Struct, frozen=True):
    """How severe each data check is, and where the limits of the counting ones lie."""

    types: Severity = "error"
    ranges: Severity = "error"
    categories: Severity = "error"
    nulls: Severity = "error"
    uniqueness: Severity = "error"
    rows: Severity = "error"
    leakage: Severity = "error"
    duplicates: Severity = "warning"
    constants: Severity = "warning"
    balance: Severity = "warning"
    unique: tuple[str, ...] = ()
    minimum_rows: Positive = 100
    leakage_score: Share = 0.99
    minimum_class_share: Share = 0.01


class Gates(Struct, frozen=True):
    """What a model must reach before it is registered. `champion` says by how much it may be worse."""

    metrics: dict[str, Bound] = msgspec.field(default_factory=dict)
    slices: dict[str, Bound] = msgspec.field(default_factory=dict)
    champion: dict[str, float] = msgspec.field(default_factory=dict)
    #: Whom the model has to be better than, by the deciding metric.
    beat: tuple[Literal["baseline", "linear", "champion"], ...] = ()
    #: How far the groups of `[fairness]` may lie apart, by figure.
    fairness: dict[str, Apart] = msgspec.field(default_factory=dict)
    latency_ms: Annotated[float, Meta(gt=0)] | None = None
    size_mb: Annotated[float, Meta(gt=0)] | None = None


class Slices(Struct, frozen=True):
    """Columns by whose categories, or quarters of numbers, metrics are computed apart."""

    columns: tuple[str, ...] = ()
    minimum_rows: Positive = 50


class Monitor(JudgingRules, frozen=True, kw_only=True):
    """How what is served is watched. It changes nothing of what is trained, so no run key has it."""

    #: Those of the training where nothing is given, without the sensitive ones.
    slices: tuple[str, ...] | None = None


class Spec(Struct, frozen=True):
    name: Annotated[str, Meta(pattern=NAME)]
    task: Task
    columns: dict[str, ColumnSpec]
    #: None competes where a model is imported.
    search: Search = Search(())
    description: str = ""
    owner: str = ""
    limits: str = ""
    data: Data | None = None
    features: Features = Features()
    imported: Import | None = msgspec.field(default=None, name="import")
    target: Target = Target()
    checks: Checks = Checks()
    gates: Gates = Gates()
    slices: Slices = Slices()
    fairness: Fairness | None = None
    monitor: Monitor = Monitor()
    objective: Objective | None = None
    recipe: dict[str, Ingredient] = msgspec.field(default_factory=dict)

    @property
    def inputs(self) -> tuple[Column, ...]:
        """The columns of the contract, groups written out."""
        return tuple(
            spec.column(name)
            for key, spec in self.columns.items()
            for name in (spec.names or (key,))
        )

    @property
    def monotone(self) -> dict[str, int]:
        """1 or -1 by column, where one is held to a direction."""
        signs = {"increasing": 1, "decreasing": -1}
        return {
            name: signs[spec.monotone]
            for key, spec in self.columns.items()
            if spec.monotone
            for name in (spec.names or (key,))
        }

    @property
    def group_beside(self) -> str:
        """The column of `[fairness]`, where it is no input: read for held-out rows, and nowhere else."""
        group = self.fairness.group if self.fairness else ""
        return "" if group in {column.name for column in self.inputs} else group

    @property
    def ordered(self) -> bool:
        """Whether rows are held out by time: then they stand in its order."""
        return self.data is not None and self.data.split == "time"

    @property
    def deciding(self) -> Metric:
        """The metric that the model is foremost judged by."""
        metrics = METRICS[self.task]
        name = self.search.scoring if self.task != "optimization" else ""
        return next((metric for metric in metrics if metric.name == name), metrics[0])

    @property
    def scoring(self) -> str:
        """What a search maximises, by its name here; a recipe's search only learns to copy the optima."""
        return "r2" if self.task == "optimization" else self.deciding.name

    @property
    def scorer(self) -> str:
        """The same, by its name in scikit-learn."""
        return "r2" if self.task == "optimization" else self.deciding.scorer

    def contract(self, classes: tuple[str, ...] = ()) -> Contract:
        return Contract(
            self.name, self.task, self.inputs, self._outputs, self.target.classes or classes
        )

    @property
    def _outputs(self) -> tuple[Output, ...]:
        if self.data is None:
            return tuple(
                Output(name, part.unit, part.description) for name, part in self.recipe.items()
            )
        name, target = self.data.target, self.target
        quantiles = (
            Output(
                f"{name}_q{level * 100:g}", target.unit, of=name, quantile=level,
                description=f"Of {name}, {level:.0%} of the truth lies below.",
            )
            for level in target.intervals
        )  # fmt: skip
        return Output(name, target.unit, target.description), *quantiles

    @property
    def own_functions(self) -> tuple[str, ...]:
        """The own code that decides what is trained."""
        own = filter(own_code.is_own, self.search.candidates)
        return tuple(filter(None, [self.features.prepare, *own]))

    @property
    def monitor_rules(self) -> MonitorRules:
        """What the monitor goes by: `[monitor]`, and of the gates the bounds of metrics."""
        own = structs.asdict(self.monitor)
        sensitive = {column.name for column in self.inputs if column.sensitive}
        usual = tuple(name for name in self.slices.columns if name not in sensitive)
        slices = own.pop("slices")
        return MonitorRules(
            **own,
            slices=usual if slices is None else slices,
            bounds=self.gates.metrics,
            slice_bounds=self.gates.slices,
        )

    @property
    def source(self) -> Data:
        """The data section, which every spec but an optimization's has."""
        assert self.data is not None, self.name  # `load` refuses such a spec
        return self.data

    @property
    def goal(self) -> Objective:
        """The objective section, which every optimization has."""
        assert self.objective is not None, self.name  # as above
        return self.objective
