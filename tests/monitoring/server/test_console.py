"""What `make experiment` prints, and its exit codes."""

from __future__ import annotations

import datetime as dt

import msgspec
import pytest

from monitoring.experiment.values import Experiment
from monitoring.findings import Store
from monitoring.server.console import NOTHING, OK, RAISED, show_experiments
from tests.support.monitoring import record
from tests.support.monitoring.verdicts import experiment_of, keep_experiment, shadow_of

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
Capture = pytest.CaptureFixture[str]


def test_an_experiment_is_said_in_plain_words(store: Store, capsys: Capture):
    keep_experiment(store, experiment_of("grade", NOW))
    assert show_experiments(store, (), False) == OK
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        "grade: challenger 6 with 25% of requests against champion 5, since 2026-03-01 11:00 UTC"
    )
    assert lines[1].strip() == "UNDECIDED: the difference may still be chance (go on)"
    assert "accuracy 0.874, champion's 0.861: +0.013 (-0.031 to +0.057)" in lines[2]
    assert "about 41,300 more rows with truth are needed" in lines[2]
    assert "2 of 1,011 (0.20%) of the challenger's" in lines[3]
    assert lines[5].strip() == "check    sample ratio: as it should be"


def test_a_worse_one_is_an_exit_code_as_long_as_it_runs(store: Store, capsys: Capture):
    worse = experiment_of("grade", NOW, verdict="worse", stop=True, decided_at=NOW)
    keep_experiment(store, worse)
    keep_experiment(store, experiment_of("other", NOW))
    assert show_experiments(store, (), False) == RAISED
    assert "WORSE since 2026-03-01 12:00 UTC" in capsys.readouterr().out
    assert show_experiments(store, ["other"], False) == OK
    keep_experiment(store, msgspec.structs.replace(worse, ended_at=NOW))
    assert show_experiments(store, ["grade"], False) == OK
    assert "ended 2026-03-01 12:00 UTC" in capsys.readouterr().out


def test_json_is_all_of_it(store: Store, capsys: Capture):
    shadow = shadow_of("grade", NOW, "basil")
    keep_experiment(store, shadow)
    assert show_experiments(store, ["grade"], True) == OK
    [read] = msgspec.json.decode(capsys.readouterr().out, type=list[Experiment])
    assert read == shadow


def test_names_cannot_write_to_a_terminal(store: Store, capsys: Capture):
    keep_experiment(store, shadow_of("grade", NOW, "basil\x1b[31m"))
    show_experiments(store, (), False)
    out = capsys.readouterr().out
    assert "basil?[31m" in out and "\x1b" not in out and "1,000 rows that both answered" in out


def test_what_is_not_there_is_said(store: Store, capsys: Capture):
    assert show_experiments(store, (), False) == NOTHING
    assert "no experiment was judged yet" in capsys.readouterr().err
    store.save(record(model="grade"), [])
    assert show_experiments(store, ["grade", "gr4de"], False) == NOTHING
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("grade has no experiment: no challenger of it has got requests")
    assert lines[1] == "nothing was judged of a model 'gr4de'; models: grade"
