"""Experiments over journals as the service writes them, on both databases: each verdict, and what keeps from one."""

from __future__ import annotations

import itertools
from functools import partial

import pytest

from monitoring.experiment.stages import Served
from monitoring.experiment.values import Check, Experiment
from tests.monitoring.experiment.conftest import Trial
from tests.support.monitoring.experiment import Behaviour


def check(experiment: Experiment, name: str) -> Check:
    [found] = [check for check in experiment.checks if check.name == name]
    return found


def test_a_challenger_that_is_better_is_said_to_be_and_stays_so(trial: Trial):
    trial.journal.split(trial.at(0), 1500, 0.5, Behaviour(0.3), Behaviour(0.1))
    experiment = trial.look(2)
    assert (experiment.verdict, experiment.kind, experiment.stop) == ("better", "split", False)
    quality = experiment.quality
    assert quality.metric == "accuracy" and quality.greater_is_better
    assert quality.low is not None and quality.high is not None and quality.difference is not None
    assert 0 < quality.low < quality.difference < quality.high < 0.35
    assert quality.champion.value == pytest.approx(0.7, abs=0.05)
    # It begins with the first prediction of the challenger.
    assert 1490 < quality.champion.rows + quality.challenger.rows <= 1500
    # Of what came later it would be as good.
    trial.journal.split(trial.at(3), 1500, 0.5, Behaviour(0.1), Behaviour(0.4), seed=2)
    later = trial.look(5)
    assert later.verdict == "better" and later.decided_at == trial.at(2)
    assert later.quality.verdict == "undecided"


def test_a_journal_that_takes_its_time_is_not_read_at_each_look(trial: Trial):
    # Each reading takes 2 s of this clock, so the next one comes 18 s later: nine questions of the time.
    trial.read_by(partial(next, itertools.count(step=2.0)))
    trial.journal.split(trial.at(0), 1500, 0.5, Behaviour(0.3), Behaviour(0.1))
    assert trial.look(2).quality.verdict == "better"
    trial.journal.split(trial.at(3), 1500, 0.5, Behaviour(0.1), Behaviour(0.4), seed=2)
    verdicts = [trial.look(5).quality.verdict for _ in range(10)]
    assert verdicts == 8 * ["better"] + 2 * ["undecided"]


def test_a_challenger_that_is_worse_in_quality_only_is_stopped(trial: Trial):
    trial.journal.split(trial.at(0), 1500, 0.25, Behaviour(0.1), Behaviour(0.3))
    experiment = trial.look(2, 0.25)
    assert experiment.stop and experiment.verdict == "worse"
    assert experiment.reason.startswith("accuracy: 0.7")


def test_one_without_a_difference_is_undecided_and_says_how_many_more_rows_it_needs(trial: Trial):
    trial.journal.split(trial.at(0), 1000, 0.5)
    experiment = trial.look(2)
    assert experiment.verdict == "undecided" and not experiment.stop
    assert experiment.reason == "the difference may still be chance"
    assert experiment.quality.more_rows is not None and experiment.quality.more_rows > 10_000


def test_within_the_margin_it_is_as_good(trial: Trial, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("monitoring.experiment.looks.MonitorRules", lambda: _Rules)
    trial.journal.split(trial.at(0), 1500, 0.5)
    assert trial.look(2).verdict == "as good"


class _Rules:
    experiment_margin = 0.15


def test_numbers_are_compared_by_their_mean_absolute_error(trial: Trial):
    off, less_off = Behaviour(1.0), Behaviour(0.6)
    trial.journal.split(trial.at(0), 1500, 0.5, off, less_off, numbers=True)
    experiment = trial.look(2)
    quality = experiment.quality
    assert (experiment.verdict, quality.metric, quality.greater_is_better) == (
        "better",
        "mae",
        False,
    )
    assert quality.challenger.value == pytest.approx(0.6, abs=0.1)
    assert quality.high is not None and quality.high < 0


def test_a_challenger_that_fails_is_stopped_whatever_its_quality(trial: Trial):
    trial.journal.split(trial.at(0), 1500, 0.5, Behaviour(0.3), Behaviour(0.1))
    trial.count("a", (0, 0), (0, 0))
    assert trial.look(2).verdict == "better"
    trial.count("a", (950, 0), (40, 10))
    experiment = trial.look(3)
    assert experiment.verdict == "worse" and experiment.decided_at == trial.at(3)
    assert experiment.reason == (
        "more requests fail: 10 of 50 of the challenger, 0 of 950 of the champion"
    )
    # It stays stopped when it does better.
    trial.count("a", (95_000, 100), (9_900, 10))
    assert trial.look(4).verdict == "worse"


def test_failures_that_both_arms_have_stop_nobody(trial: Trial):
    trial.journal.split(trial.at(0), 300, 0.1)
    trial.count("a", (900, 45), (100, 5))
    assert trial.look(2, 0.1).errors.verdict == "undecided"


def test_replicas_that_come_go_and_start_again_are_counted_once(trial: Trial):
    trial.journal.split(trial.at(0), 300, 0.5)
    trial.count("old", (5000, 50), (0, 0))
    trial.look(1)
    trial.count("old", (5010, 50), (0, 0))
    trial.count("new", (100, 1), (100, 2))
    trial.look(2)
    trial.count("new", (10, 0), (20, 1))
    errors = trial.look(3).errors
    # What served the champion alone is no part of it.
    assert (errors.champion.units, errors.champion.events) == (101 + 10, 1)
    assert (errors.challenger.units, errors.challenger.events) == (102 + 21, 3)


def test_what_the_champion_served_before_it_was_challenged_is_left_out(trial: Trial):
    trial.journal.split(trial.at(0), 100, 0.5)
    trial.count("a", (100, 1), (10, 0))
    trial.look(2)
    trial.count("a", (9000, 900), (10, 0))
    trial.look(3, 0.0)
    # One alone waits for the other.
    trial.count("a", (9100, 901), (10, 0))
    trial.look(4, 0.5)
    trial.count("a", (9110, 901), (30, 0))
    errors = trial.look(5, 0.5).errors
    assert (errors.champion.units, errors.champion.events) == (101 + 111, 2)
    assert errors.challenger.units == 30


def test_predictions_of_who_names_the_arm_are_no_experiment(trial: Trial):
    assert trial.look_at(1, Served("1", "2", 0.0)) is None
    trial.journal.split(trial.at(0), 100, 0.5)
    experiment = trial.look(2, 0.0)
    assert experiment.kind == "none" and "make traffic" in experiment.reason


def test_a_challenger_that_is_slow_is_stopped(trial: Trial):
    trial.journal.split(trial.at(0), 1500, 0.25, Behaviour(), Behaviour(slow=0.1))
    experiment = trial.look(2, 0.25)
    assert experiment.verdict == "worse" and "more answers are slow" in experiment.reason


def test_a_subject_that_is_always_slow_is_one_event(trial: Trial):
    trial.journal.split(trial.at(0), 400, 0.5, subjects=200)
    trial.journal.split(trial.at(1), 300, 1.0, Behaviour(), Behaviour(slow=1.0), subjects=1)
    experiment = trial.look(3)
    assert experiment.slow.challenger.events == 1 and experiment.slow.verdict == "undecided"


def test_subjects_are_the_units_so_that_their_rows_are_no_proof(trial: Trial):
    # One subject of the challenger is always told wrongly: 200 rows, and a single case.
    trial.journal.split(trial.at(0), 600, 0.5, subjects=300)
    trial.journal.split(trial.at(1), 200, 1.0, Behaviour(), Behaviour(1.0), subjects=1)
    quality = trial.look(3).quality
    assert quality.champion.value is not None and quality.challenger.value is not None
    assert quality.champion.value - quality.challenger.value > 0.1
    assert quality.verdict == "undecided"
    assert quality.challenger.units < 200 < quality.challenger.rows


def test_a_share_that_the_arms_do_not_have_keeps_from_a_verdict_of_quality(trial: Trial):
    trial.journal.split(trial.at(0), 2000, 0.5, Behaviour(0.3), Behaviour(0.1))
    experiment = trial.look(2, 0.25)
    assert experiment.verdict == "undecided" and experiment.quality.verdict == "better"
    assert "its share is 25.00%" in experiment.reason
    assert check(experiment, "sample-ratio").ok is False


def test_truth_that_comes_for_one_arm_more_often_keeps_from_a_verdict_of_quality(trial: Trial):
    trial.journal.split(
        trial.at(0), 2000, 0.5, Behaviour(0.3, truth=0.9), Behaviour(0.1, truth=0.5)
    )
    experiment = trial.look(2)
    assert experiment.verdict == "undecided" and "truth is in for 5" in experiment.reason
    assert check(experiment, "truth-arrival").ok is False
    assert check(experiment, "sample-ratio").ok is True


def test_truth_that_is_late_is_no_fault_while_a_share_rises(trial: Trial):
    """Replica by replica; most of the challenger's rows are then of the end, and nobody's truth is in."""
    late = Behaviour(truth=0.0)
    trial.journal.split(trial.at(0), 1500, 0.1, seed=1)
    assert trial.look(1, 0.1).stages[-1].share == 0.1
    trial.journal.split(trial.at(1), 1000, 0.1, seed=2)
    trial.look(2, None)
    trial.journal.split(trial.at(2), 1000, 0.5, late, late, seed=3)
    trial.look(3, None)
    trial.journal.split(trial.at(3), 300, 0.5, late, late, seed=4)
    trial.look(3.5, 0.5)
    experiment = trial.look(4, 0.5)
    assert [stage.share for stage in experiment.stages] == [0.1, None, 0.5]
    arrival = check(experiment, "truth-arrival")
    assert arrival.ok is True, arrival


def test_without_truth_or_with_too_little_it_says_so(trial: Trial):
    trial.journal.split(trial.at(0), 300, 0.5, Behaviour(truth=0.0), Behaviour(truth=0.0))
    assert "no truth is in" in trial.look(2).reason
    trial.journal.split(trial.at(3), 60, 0.5, seed=2)
    assert "of at least 50" in trial.look(5).reason


def test_stages_of_a_ramp_are_not_pooled(trial: Trial):
    # The second half is harder for both: pooled, a challenger that has most of it would look worse.
    for minute in range(0, 5):
        trial.journal.split(
            trial.at(minute), 600, 0.05, Behaviour(0.1), Behaviour(0.1), seed=minute
        )
    trial.look(5, 0.05)
    trial.look(5.5, 0.5)
    trial.look(6, 0.5)
    for minute in range(6, 9):
        trial.journal.split(trial.at(minute), 600, 0.5, Behaviour(0.5), Behaviour(0.5), seed=minute)
    experiment = trial.look(10, 0.5)
    quality = experiment.quality
    assert [stage.share for stage in experiment.stages] == [0.05, None, 0.5]
    assert quality.difference is not None and abs(quality.difference) < 0.05
    assert experiment.verdict == "undecided" and check(experiment, "sample-ratio").ok


def test_a_shadow_is_judged_by_pairs_and_says_where_it_disagrees(trial: Trial):
    trial.journal.shadow(trial.at(0), 800, wins=(0.02, 0.12))
    experiment = trial.look(2, 0.0)
    assert (experiment.kind, experiment.verdict) == ("shadow", "better")
    assert experiment.quality.challenger.rows == 800 and not experiment.checks
    assert experiment.slow.verdict == "undecided" and "shadow" in experiment.slow.reason
    disagreement = experiment.disagreement
    assert disagreement is not None and disagreement.rows == 800
    assert disagreement.value == pytest.approx(0.14, abs=0.04)
    [first, second] = disagreement.places[:2]
    assert (
        first["where"] == "B, the challenger says A"
        and second["where"] == "A, the challenger says B"
    )
    assert (first["champion_right"], first["challenger_right"]) == (0, first["rows"])


def test_a_shadow_whose_subjects_come_often_is_judged_by_subject(trial: Trial):
    trial.journal.shadow(trial.at(0), 1200, wins=(0.15, 0.02), subjects=200)
    experiment = trial.look(2, 0.0)
    assert experiment.verdict == "worse" and experiment.quality.challenger.units == 200


def test_a_shadow_that_becomes_a_split_is_judged_by_the_split(trial: Trial):
    trial.journal.shadow(trial.at(0), 300, wins=(0.05, 0.05))
    assert trial.look(1.5, 0.0).kind == "shadow"
    trial.look(2, 0.5)
    trial.look(2.5, 0.5)
    trial.journal.split(trial.at(3), 600, 0.5)
    experiment = trial.look(5, 0.5)
    assert experiment.kind == "split" and experiment.disagreement is None
    assert experiment.quality.champion.rows + experiment.quality.challenger.rows == 600


def test_a_request_that_is_sent_again_counts_once(trial: Trial):
    trial.journal.split(trial.at(0), 300, 0.5)
    before = trial.look(2)
    trial.journal.send_again()
    again = trial.look(3)
    assert again.quality.champion.rows == before.quality.champion.rows
    assert again.quality.challenger.rows == before.quality.challenger.rows


def test_another_pair_ends_it_and_the_same_pair_goes_on(trial: Trial):
    trial.journal.split(trial.at(0), 300, 0.5)
    started = trial.look(2).started_at
    assert trial.look_at(3, Served("2", "3", 0.0)) is None
    [record] = trial.kept.newest()
    assert record.ended_at == trial.at(3)
    assert trial.look_at(60, None) is None
    trial.journal.split(trial.at(100), 300, 0.5, seed=2)
    experiment = trial.look(110)
    assert experiment.started_at == started and trial.kept.newest()[0].ended_at is None
    assert [stage.share for stage in experiment.stages] == [0.5, None, 0.5]


def test_of_very_many_rows_a_part_of_the_units_is_read(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
):
    trial.journal.split(trial.at(0), 2000, 0.5)
    monkeypatch.setattr("monitoring.experiment.evidence.reading.MOST_READ", 600)
    experiment = trial.look(2)
    assert experiment.part == 0.25
    assert 400 < experiment.quality.champion.rows + experiment.quality.challenger.rows < 600
