"""Which share a challenger has after a change, and after another release came in."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from scripts.command.outcome import Refused
from scripts.release.traffic_file import carry_over, change
from scripts.stack_file.render import NO_TRAFFIC, StackInputs
from service.predict.traffic import read_traffic
from tests.support.scripts.views import record

MODELS = {
    "late": {"champion": {"version": "1"}, "challenger": {"version": "2"}},
    "sure": {"champion": {"version": "1"}},
}
SHARED = '["late"]\nmode = "split"\nshare = 0.25\nexperiment = "x"\n'


def serving(traffic: str = NO_TRAFFIC):
    inputs = StackInputs({}, {}, {"TRAFFIC_CONFIG": traffic, "EDGE_CONFIG": ""})
    return record(1, "aaaa", document={"models": MODELS}, inputs=inputs)


def test_what_is_written_is_what_the_service_reads(tmp_path: Path):
    place = tmp_path / "traffic.toml"
    place.write_text(change(serving(), "late", "split", 5.0, "spring"), encoding="utf-8")
    traffic = read_traffic(place, {"late": True, "sure": False})["late"]
    assert (traffic.mode, traffic.share, traffic.experiment) == ("split", 0.05, "spring")


def test_what_is_not_said_stays_as_it_was():
    traffic = tomllib.loads(change(serving(SHARED), "late", "shadow", None, None))
    assert traffic == {"late": {"mode": "shadow", "share": 0.25, "experiment": "x"}}


@pytest.mark.parametrize(
    ("model", "mode", "share", "reason"),
    [
        ("sure", "split", 5.0, "has no challenger.*those with one: late"),
        ("none", "off", None, "no model none; it has late, sure"),
        ("late", "split", 101.0, "from 0 to 100"),
        ("late", "split", None, "needs a --share above 0"),
    ],
)
def test_what_cannot_be_is_refused(model: str, mode: str, share: float | None, reason: str):
    with pytest.raises(Refused, match=reason):
        change(serving(), model, mode, share, None)


def test_a_challenger_that_stays_keeps_its_share():
    assert tomllib.loads(carry_over(serving(SHARED), {"models": MODELS})) == tomllib.loads(SHARED)


def test_another_challenger_starts_without_a_share():
    other = {"late": {"champion": {"version": "1"}, "challenger": {"version": "3"}}}
    assert tomllib.loads(carry_over(serving(SHARED), {"models": other})) == {}


def test_the_first_release_starts_with_its_champions():
    assert carry_over(None, {"models": MODELS}) == NO_TRAFFIC
