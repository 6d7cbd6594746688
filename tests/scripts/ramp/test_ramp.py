"""A ramp by a real monitor's verdicts: how it goes on, and everything that ends it."""

from __future__ import annotations

import json
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from scripts.ledger import records
from scripts.ledger.records import Record
from scripts.operate import status
from scripts.ramp.__main__ import main
from scripts.release import rollback
from tests.scripts.ramp.conftest import ARMS
from tests.support.monitoring.experiment import Behaviour
from tests.support.scripts.judged_site import MODEL, JudgedSite
from tests.support.scripts.swarm_in_a_file import locked, release

# A monitor judges, and each step is a command.
pytestmark = pytest.mark.slow
WORSE, BETTER = Behaviour(0.6), Behaviour(0.05)


def shares(site: JudgedSite) -> list[float]:
    """In per cent, change by change, the oldest first."""
    changes = [
        tomllib.loads(record.inputs.configs["TRAFFIC_CONFIG"])[MODEL]
        for record in reversed(site.swarm.history)
        if record.inputs and record.kind != "deploy"
    ]
    return [100 * each["share"] if each["mode"] == "split" else 0.0 for each in changes]


@contextmanager
def meanwhile(site: JudgedSite, share: float, act: Callable[[], None]) -> Iterator[None]:
    """Acts once the ledger has this share, in per cent."""

    def wait() -> None:
        deadline = time.monotonic() + 60
        while 100 * (site.share() or 0) != share and time.monotonic() < deadline:
            time.sleep(0.02)
        act()

    thread = threading.Thread(target=wait)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def until_kept(is_kept: Callable[[], bool], write: Callable[[], None]) -> None:
    """Writes until it is in the file: a docker command that runs at that moment writes what it has read before."""
    deadline = time.monotonic() + 60
    while not is_kept() and time.monotonic() < deadline:
        write()
        time.sleep(0.3)


def come_in(site: JudgedSite, record: Record) -> None:
    until_kept(lambda: record in site.swarm.history, lambda: site.swarm.remember(record))


def test_a_better_challenger_goes_step_by_step_to_all_callers_and_a_rollback_takes_it_back(
    site: JudgedSite, capsys: pytest.CaptureFixture[str]
):
    site.champion, site.challenger = WORSE, BETTER
    assert main([MODEL, "--by", "ann", "--why", "newer data"]) == 0
    said = capsys.readouterr()
    assert said.out == "2\n"
    assert f"`make promote MODEL={MODEL} VERSION=2 WHY='the ramp'`" in said.err
    assert shares(site) == [5, 25, 50, 100]
    newest, step = site.swarm.history[:2]
    assert (step.kind, step.by, step.why) == (
        "traffic",
        "ann",
        "ramp: 50 % for challenger 2; newer data",
    )
    assert newest.why.startswith("ramp: challenger 2 is better (accuracy: 0.")
    assert newest.why.endswith(
        "champion is still 1, until a release makes it the challenger's version"
    )
    # Between the two everybody can see how far it is.
    status.main([])
    assert (
        f"{MODEL}: challenger 2 has all callers, and champion is still 1" in capsys.readouterr().err
    )
    assert main([MODEL]) == 1
    assert (
        "has all callers of late already; what is left is `make promote" in capsys.readouterr().err
    )
    assert rollback.main([]) == 0
    assert shares(site)[-1] == 0.0 and site.swarm.history[0].release == "aaaa"
    assert f"{MODEL}: champion 1 answers all callers again" in capsys.readouterr().err


def test_a_challenger_that_fails_has_no_callers_at_once(
    site: JudgedSite, capsys: pytest.CaptureFixture[str]
):
    site.failing = 0.2
    assert main([MODEL]) == 2
    newest = site.swarm.history[0]
    assert shares(site) == [5, 0]
    assert newest.why.startswith("ramp: no callers for challenger 2: worse: more requests fail: ")
    assert "late, worse: more requests fail" in capsys.readouterr().err
    # It was found worse once and for all.
    assert main([MODEL]) == 1
    assert "was found worse than champion 1 already" in capsys.readouterr().err
    assert shares(site) == [5, 0]


def test_one_that_fails_while_its_share_is_raised_is_not_waited_for(
    site: JudgedSite, monkeypatch: pytest.MonkeyPatch
):
    def fail_in_the_next_step() -> None:
        monkeypatch.setenv("WATCH", "300")
        deadline = time.monotonic() + 60
        while len(site.swarm.deploys) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        site.failing = 0.5

    with meanwhile(site, 5, fail_in_the_next_step):
        assert main([MODEL, "--steps", "5,50", "--requests", "60"]) == 2
    assert shares(site) == [5, 0]
    went_back = site.swarm.history[1]
    assert (went_back.kind, went_back.reason) == ("traffic", "interrupted by SIGTERM")


def test_a_step_that_has_to_go_back_ends_the_ramp(
    site: JudgedSite, capsys: pytest.CaptureFixture[str]
):
    def refuse_the_next() -> None:
        until_kept(
            lambda: bool(site.swarm.read()["faults"]),
            lambda: site.swarm.fault("stack deploy", words="no such network"),
        )

    with meanwhile(site, 5, refuse_the_next):
        assert main([MODEL, "--steps", "5,50", "--requests", "60"]) == 2
    assert shares(site) == [5, 0]
    assert "late, step condemned: the step to 50 % failed: " in capsys.readouterr().err


@pytest.mark.thorough
def test_a_deploy_that_goes_on_is_waited_for(site: JudgedSite, capsys: pytest.CaptureFixture[str]):
    site.challenger, site.champion = BETTER, WORSE
    site.swarm.change("config", **locked(time.time() + 4))
    assert main([MODEL, "--steps", "50", "--promote", "never"]) == 0
    assert shares(site) == [50]
    assert "trying again: stack shop is locked: bob has been at cccc" in capsys.readouterr().err


@pytest.mark.parametrize("part", ["answers", "judges"])
def test_without_the_monitor_the_challenger_has_no_callers(
    site: JudgedSite, part: str, capsys: pytest.CaptureFixture[str]
):
    with meanwhile(site, 5, lambda: setattr(site, part, False)):
        assert main([MODEL, "--away-minutes", "0.15"]) == 3
    assert shares(site) == [5, 0]
    said = capsys.readouterr().err
    assert "late, monitor away: " in said and "champion 1 answers all callers" in said


def test_as_good_stays_where_only_a_better_one_is_promoted(
    site: JudgedSite, capsys: pytest.CaptureFixture[str]
):
    site.margin = 0.3
    assert main([MODEL, "--steps", "50", "--json"]) == 0
    ended = json.loads(capsys.readouterr().out)
    assert (ended["outcome"], ended["verdict"], ended["share"]) == ("stays", "as good", 50)
    newest = site.swarm.history[0]
    assert (newest.kind, newest.outcome, newest.verified) == (records.RAMP, records.STAYS, False)
    # It goes on from the share that it has.
    assert main([MODEL, "--promote", "as-good"]) == 0
    assert capsys.readouterr().out == "2\n"
    assert shares(site) == [50, 100]


def test_without_a_verdict_in_time_the_challenger_has_no_callers(
    site: JudgedSite, capsys: pytest.CaptureFixture[str]
):
    assert main([MODEL, "--steps", "50", "--verdict-hours", "0.002"]) == 3
    assert shares(site) == [50, 0]
    assert "no verdict yet: the difference may still be chance; about" in capsys.readouterr().err


def test_too_few_requests_end_a_step(site: JudgedSite, capsys: pytest.CaptureFixture[str]):
    site.requests = 4
    assert main([MODEL, "--steps", "50", "--step-minutes", "0.15"]) == 3
    assert shares(site) == [50, 0]
    assert "50 %: the challenger has to answer " in capsys.readouterr().err


def test_another_challenger_ends_it_and_is_left_alone(
    site: JudgedSite, capsys: pytest.CaptureFixture[str]
):
    arms = {MODEL: {"champion": {"version": "1"}, "challenger": {"version": "3"}}}
    other = release(9, "bbbb", golden={}, document={"models": arms})
    with meanwhile(site, 5, lambda: come_in(site, other)):
        assert main([MODEL, "--requests", "999999"]) == 3
    assert "release bbbb serves champion and challenger 1 and 3 by now" in capsys.readouterr().err
    newest = site.swarm.history[0]
    assert (newest.kind, newest.outcome) == ("ramp", "overtaken")
    assert records.serving(site.swarm.history) == other


@pytest.mark.thorough
def test_another_champion_ends_it_and_the_share_of_before_is_taken_back(site: JudgedSite):
    arms = {MODEL: {"champion": {"version": "0"}, "challenger": {"version": "2"}}}

    def come_in_beside() -> None:
        serving = records.serving(site.swarm.history)
        assert serving is not None
        other = serving._replace(number=9, kind="deploy", document={"models": arms})
        come_in(site, other)

    with meanwhile(site, 5, come_in_beside):
        assert main([MODEL, "--requests", "999999"]) == 3
    assert site.share() == 0 and "overtaken" in site.swarm.history[0].why


def test_a_share_that_somebody_else_sets_is_theirs(site: JudgedSite):
    def set_share() -> None:
        serving = records.serving(site.swarm.history)
        assert serving is not None and serving.inputs is not None
        text = f'[{MODEL}]\nmode = "split"\nshare = 0.4\n'
        inputs = serving.inputs._replace(configs={**serving.inputs.configs, "TRAFFIC_CONFIG": text})
        come_in(site, serving._replace(number=9, by="bob", inputs=inputs))

    with meanwhile(site, 5, set_share):
        assert main([MODEL, "--requests", "999999"]) == 3
    assert site.share() == 0.4
    assert "bob has set the share to 40 %" in site.swarm.history[0].reason


def test_what_cannot_begin_changes_nothing(
    site: JudgedSite, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    for words, reason in (
        (["other"], "has no model other; it has late"),
        ([MODEL, "--steps", "25,5"], "allowed are rising numbers above 0 and below 100"),
        ([MODEL, "--steps", "x"], "allowed are rising numbers"),
    ):
        assert main(words) == 1 and reason in capsys.readouterr().err
    site.answers = False
    assert main([MODEL]) == 1
    assert "a ramp obeys the monitor: the monitor answers 503" in capsys.readouterr().err
    site.answers = True
    alone = {MODEL: {"champion": ARMS[MODEL]["champion"]}}
    site.swarm.remember(release(2, "bbbb", golden={}, document={"models": alone}))
    assert main([MODEL]) == 1 and "has no challenger in release bbbb" in capsys.readouterr().err
    monkeypatch.setenv("STEPS", "5;reboot")
    with pytest.raises(SystemExit, match="1"):
        main([MODEL])
    assert shares(site) == []
