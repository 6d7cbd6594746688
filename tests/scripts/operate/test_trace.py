"""What is known of a prediction's release and version is put beside it; what is not known is no guess."""

from __future__ import annotations

import re

from scripts.command.options import IDENTITY
from scripts.operate.trace import explain

ROW = {"model": "late", "version": "3", "release": "r1", "arm": "challenger"}
ARMS = {
    "champion": {"version": "2", "run_id": "old", "data_fingerprint": "f2", "commit": "c2"},
    "challenger": {"version": 3, "run_id": "new", "data_fingerprint": "f3", "commit": "c3"},
}


def test_the_version_leads_to_its_own_run_and_data():
    explained = explain(ROW, {"r1": {"commit": "code", "models": {"late": ARMS}}})
    assert (explained["run_id"], explained["data_fingerprint"], explained["model_commit"]) == (
        "new",
        "f3",
        "c3",
    )
    assert explained["service_commit"] == "code"


def test_a_release_that_no_record_knows_leaves_the_rest_unknown():
    explained = explain(ROW, {})
    assert (explained["version"], explained["run_id"], explained["service_commit"]) == (
        "3",
        None,
        None,
    )


def test_no_id_can_say_more_than_an_id():
    assert not any(
        re.fullmatch(IDENTITY.pattern, word)
        for word in ("a b", "a'b", "$(id)", "a\nb", "", "x" * 129)
    )
    assert re.fullmatch(IDENTITY.pattern, "0660bd30d9adf217319625a4-ef0-0")
