"""How much of a training came from the journal, on the card."""

from __future__ import annotations

import pandas as pd

from tests.support.plants import SpecOf, dataset_of, plants, result_of
from training.card.contents import about_data
from training.data.sources import JOURNALLED


def test_the_share_of_served_rows_stands_on_the_card(spec_of: SpecOf, tmp_path) -> None:
    spec = spec_of(data={"journal": True})
    rows = plants()
    dataset = dataset_of(spec, rows)
    # A quarter of the rows, the newest: all that is held out, and some of the others.
    served = pd.Series(range(len(dataset.frame))) >= 225
    dataset = dataset._replace(frame=dataset.frame.assign(**{JOURNALLED: served}))
    lines = dict(about_data(result_of(spec, dataset, tmp_path)))
    assert lines["From the journal"] == (
        "6.2% of the training rows (15) and 100.0% of the held-out rows (60) were served, and their truth came in"
    )
    assert lines["Source"] == "plants.csv and the journal"


def test_without_the_journal_nothing_is_said_of_it(spec_of: SpecOf, tmp_path) -> None:
    spec = spec_of()
    assert "From the journal" not in dict(about_data(result_of(spec, dataset_of(spec), tmp_path)))
