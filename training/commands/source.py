"""The rows that a training starts from: known by a fingerprint at once, checked or searched only when they are new."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from training.commands.arguments import Options
from training.common.run_key import derived
from training.data import prepare
from training.registry import tags
from training.spec.values import Spec

# pylint: disable=import-outside-toplevel  # what checks and searches is slow to import, and often nothing changed
if TYPE_CHECKING:
    import mlflow
    import pandas as pd

    from training.data.dataset import Dataset
    from training.registry.versions import Version


class Rows(NamedTuple):
    """The rows of a spec's source, read; they are prepared and checked only when they are new."""

    frame: pd.DataFrame
    fingerprint: str

    @classmethod
    def read(cls, spec: Spec) -> Rows:
        return cls(*prepare.read(spec))

    def dataset(self, spec: Spec, options: Options) -> Dataset:
        from training.commands.validate import validate_rows
        from training.data.dataset import require_valid

        frame = prepare.prepare(spec, self.frame)
        report, _, dataset = validate_rows(spec, frame, self.fingerprint)
        if dataset is not None and not options.does("validate"):
            return dataset
        return require_valid(report, dataset)


class Optima(NamedTuple):
    """The optima of another model's version; they are searched only when they are new."""

    objective: Spec
    client: mlflow.MlflowClient
    version: Version

    @property
    def fingerprint(self) -> str:
        return derived(self.version.tags[tags.KEY])

    def dataset(self, spec: Spec, _options: Options) -> Dataset:
        from training.data.dataset import require_valid, validate
        from training.fit import recipes
        from training.registry import versions

        rows_of_source, fingerprint = prepare.read(self.objective)
        frame = prepare.prepare(self.objective, rows_of_source)
        rows = require_valid(*validate(self.objective, frame, fingerprint))
        profit = recipes.Profit(
            spec,
            versions.bundle(self.client, self.version, self.objective),
            recipes.typical_row(rows.contract, rows.matrix),
        )
        contexts = recipes.sample_contexts(spec, rows.frame)
        optima = recipes.search_optima(spec, profit, contexts)
        return recipes.make_dataset(spec, optima, self.fingerprint, profit)
