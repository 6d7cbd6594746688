"""Everything known about one training: what is recorded in MLflow, shown on the card and kept in the bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from training.common.provenance import Lineage
from training.data.dataset import Dataset
from training.fit.compile import Compiled
from training.fit.search import Found, Searched
from training.judge.evaluation import Evaluation
from training.judge.gate import Verdict
from training.spec.values import Spec

if TYPE_CHECKING:
    from training.card.page import Drawn


class Facts(NamedTuple):
    """`version` and `run_id` are empty until MLflow has given them; a skipped step leaves None."""

    spec: Spec
    dataset: Dataset
    searched: Searched
    chosen: Found
    compiled: Compiled | None
    evaluation: Evaluation | None
    verdict: Verdict | None
    lineage: Lineage
    key: str
    created: str
    run_id: str = ""
    version: str = ""
    #: The plots as the card shows them: a card is written three times, and drawing is most of the work.
    drawn: tuple[Drawn, ...] = ()
