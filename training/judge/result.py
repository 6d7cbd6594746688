"""The result of one training: what is recorded in MLflow, shown on the card and kept in the bundle."""

from __future__ import annotations

from typing import NamedTuple

from training.common.provenance import Provenance
from training.data.dataset import Dataset
from training.fit.fit import Fitted
from training.judge.evaluation import Evaluation
from training.judge.gate import Verdict
from training.spec.values import Spec


class TrainingResult(NamedTuple):
    """`version` is empty until MLflow has numbered it; a step that was left out leaves None."""

    spec: Spec
    dataset: Dataset
    fitted: Fitted
    evaluation: Evaluation | None
    verdict: Verdict | None
    provenance: Provenance
    key: str
    created: str
    run_id: str = ""
    version: str = ""
