"""A sweep is a parent with a child for each trial and seed; what a kill has left is not run again; one fails alone."""

from __future__ import annotations

import errno
import functools
import json

import pytest
from prefect import flow

from pipelines import (
    champions,
    comparison,
    model_registry,
    nested_runs,
    sampling,
    search_space,
    sweeping,
    swept_report,
    tracking,
)
from pipelines.flow import run_chain
from pipelines.sweep import Attempt, sweep
from pipelines.trial import Pruned
from rnn_tasks.errors import UserError


@flow(name="dummy")
def dummy_flow(config):
    return run_chain("dummy", config, promote="never")


class Runs:
    """Starts runs; quality falls with the seed; one is interrupted (by its number), some fail (by their epochs)."""

    def __init__(self, start, interrupted_at=0, failing_epochs=0):
        self.seen, self.start = [], start
        self.interrupted_at, self.failing_epochs = interrupted_at, failing_epochs

    def __call__(self, config, anew):
        self.anew = anew
        if len(self.seen) + 1 == self.interrupted_at:
            raise KeyboardInterrupt
        self.seen.append((config.model.quality, config.training.epochs, config.seed))
        if config.training.epochs == self.failing_epochs:
            raise UserError("training.epochs: told to fail")
        quality = config.model.quality - 0.01 * config.seed
        return self.start(config.model_copy(update={"model": config.model.model_copy(update={"quality": quality})}))


@pytest.fixture
def runs(train_alone):
    """Runs(train_alone, ...)."""
    return functools.partial(Runs, train_alone)


@pytest.fixture
def swept(home, dummy):
    def run(*assignments, start, seeds=1, sampled=0, fresh=False):
        space = search_space.parse(assignments, by_grid=not sampled)
        space, base = search_space.check(space, dummy.presets["quick"])
        return space, sweep(dummy, base, space, start, seeds=seeds, sampled=sampled, fresh=fresh)

    return run


def test_every_combination_is_tried_with_every_seed_and_ranked_by_validation(swept, runs, capsys):
    start = runs()
    space, result = swept("model.quality=0.25,0.75", "training.epochs=2,3", start=start, seeds=2)
    assert start.seen == [(q, epochs, seed) for q in (0.25, 0.75) for epochs in (2, 3) for seed in (1, 2)]
    assert (result.metric, result.higher_is_better) == ("val_accuracy", True)
    assert [trial.number for trial in result.trials] == [3, 4, 1, 2]
    best = result.best
    assert (best.mean, best.low, best.high) == pytest.approx((0.735, 0.73, 0.74))
    assert result.best_attempt().seed == 1
    assert best.attempts[0].curve == pytest.approx([0.74 * (1 - 1 / 2), 0.74 * (1 - 1 / 4)])
    (parent,) = nested_runs.parents_of("dummy", "sweep", {})
    assert (parent.info.run_id, parent.info.status) == (result.parent, "FINISHED")
    assert len(nested_runs.children_of("dummy", result.parent)) == 8

    swept_report.log(space, result)
    folder = tracking.artifact_directory(tracking.get_run(result.parent))
    assert (folder / "figures" / "parallel_coordinates.png").read_bytes().startswith(b"\x89PNG")
    header, first, *_ = (folder / "tables" / "trials.tsv").read_text().splitlines()
    assert header.split("\t") == [
        *("trial", "model.quality", "training.epochs", "val_accuracy", "lowest", "highest"),
        *("finished", "pruned", "failed"),
    ]
    assert first.split("\t") == ["3", "0.75", "2", "0.735", "0.73", "0.74", "2", "0", "0"]
    sweeping.show(space, result, ["rnn-tasks", "run", "dummy"])
    shown = capsys.readouterr().out
    assert "rnn-tasks run dummy --set model.quality=0.75 --set training.epochs=2\n" in shown
    assert f"rnn-tasks promote dummy {result.best_attempt().run_id}\n" in shown
    line = json.loads(sweeping.as_json(result))
    assert line["best"]["settings"] == {"model.quality": 0.75, "training.epochs": 2}
    assert len(line["trials"]) == 4


def test_in_the_whole_chain_none_becomes_champion_and_one_fails_alone(swept, dummy, monkeypatch):
    monkeypatch.setenv("DUMMY_FAIL", "user@2")  # the third epoch fails
    _, result = swept("training.epochs=2,3", start=lambda config, anew: dummy_flow(config))
    good, bad = result.trials
    assert (bad.attempts[0].status, bad.settings) == ("failed", {"training.epochs": 3})
    assert tracking.get_run(bad.attempts[0].run_id).info.status == "FAILED"
    assert model_registry.aliases("dummy") == {}
    model, _ = champions.promote(dummy, result.best_attempt().run_id)
    assert (model.run_id, model.figure) == (good.attempts[0].run_id, 0.5)


def test_what_has_finished_is_not_run_again_and_more_seeds_go_on(swept, runs):
    varied = "model.quality=0.25,0.75"
    with pytest.raises(KeyboardInterrupt):
        swept(varied, "training.epochs=2,3", start=runs(interrupted_at=3))
    (parent,) = nested_runs.parents_of("dummy", "sweep", {})
    assert parent.info.status == "KILLED"
    rest, more, again = runs(), runs(), runs()
    _, result = swept("training.epochs=2,3", varied, start=rest)  # the order of --set is all the same
    assert rest.seen == [(0.75, 2, 1), (0.75, 3, 1)]
    assert (result.parent, rest.anew) == (parent.info.run_id, False)
    _, result = swept(varied, "training.epochs=2,3", start=more, seeds=2)
    assert more.seen == [(0.25, 2, 2), (0.25, 3, 2), (0.75, 2, 2), (0.75, 3, 2)]
    assert result.parent == parent.info.run_id
    assert {tuple(trial.settings.items()): trial.mean for trial in result.trials} == {
        (("model.quality", quality), ("training.epochs", epochs)): pytest.approx(quality - 0.015)
        for quality in (0.25, 0.75)
        for epochs in (2, 3)
    }
    _, result = swept(varied, "training.epochs=2,3", start=again)
    assert (len(again.seen), again.anew) == (4, True)  # a finished sweep starts anew
    assert result.parent != parent.info.run_id


def test_a_failed_trial_is_a_failed_trial_and_is_tried_again_by_the_same_command(swept, runs, dummy, capsys):
    space, result = swept("training.epochs=2,3", start=runs(failing_epochs=2))
    good, bad = result.trials
    assert (good.number, bad.number, bad.mean) == (2, 1, None)
    (attempt,) = bad.attempts
    assert (attempt.status, attempt.error) == ("failed", "training.epochs: told to fail")
    sweeping.show(space, result, ["rnn-tasks", "run", "dummy"])
    assert "trial 1, seed 1: training.epochs: told to fail" in capsys.readouterr().out
    assert [row.status for row in comparison.runs(dummy)] == ["finished"]  # what has no run is no run
    again = runs()
    _, mended = swept("training.epochs=2,3", start=again)
    assert (again.seen, mended.parent) == ([(0.5, 2, 1)], result.parent)
    assert [trial.count("finished") for trial in mended.trials] == [1, 1]

    only = ("model.quality=0.5,0.75", "training.epochs=4")
    with pytest.raises(UserError, match="no trial of 2 has finished; the first: training.epochs: told to fail"):
        swept(*only, start=runs(failing_epochs=4))
    assert len(swept(*only, start=runs())[1].trials) == 2


def test_what_is_no_number_has_failed(swept, runs):
    def not_a_number(config, anew):
        found = runs()(config, anew)
        if config.training.epochs == 2:
            tracking.log_metrics(found.run_id, {"val_accuracy": float("nan")}, step=9)
        return found

    _, result = swept("training.epochs=2,3", start=not_a_number)
    assert [(trial.number, trial.mean) for trial in result.trials] == [(2, pytest.approx(0.49)), (1, None)]
    assert result.trials[1].attempts[0].error == "val_accuracy is nan"
    json.loads(sweeping.as_json(result), parse_constant=pytest.fail)


def test_a_table_of_many_trials_is_as_long_as_mlflow_takes_it(swept, runs):
    space, result = swept("training.epochs=2,3", start=runs())
    many = result.model_copy(update={"trials": result.trials * 200})
    swept_report.log(space, many)
    parent = tracking.get_run(result.parent)
    assert "Best of 400 trials" in parent.data.tags[tracking.DESCRIPTION]
    table = tracking.artifact_directory(parent) / "tables" / "trials.tsv"
    assert len(table.read_text().splitlines()) == 401


def test_a_report_that_fails_leaves_a_parent_that_goes_on(home, dummy, runs):
    space, base = search_space.check(search_space.parse(["training.epochs=2,3"], True), dummy.presets["quick"])
    options = {"seeds": 1, "sampled": 0, "fresh": False}

    def killed(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(dummy, base, space, runs(), report=killed, **options)
    told, rest = [], runs()
    result = sweep(dummy, base, space, rest, report=told.append, **options)
    assert (told, rest.seen) == ([result], [])
    assert len(nested_runs.parents_of("dummy", "sweep", {})) == 1


def test_what_ends_everything_ends_the_sweep(swept):
    def full(config, anew):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        swept("training.epochs=2,3", start=full)


def test_other_data_are_said(swept, runs, capsys):
    space, result = swept("data.test_words=3,4", start=runs())
    assert not result.alike
    sweeping.show(space, result, ["rnn-tasks", "run", "dummy"])
    assert "trials differ in their data" in capsys.readouterr().out


def test_optuna_s_trials_are_a_function_of_what_was_tried(swept, runs):
    start, rest = runs(), runs()
    with pytest.raises(KeyboardInterrupt):
        swept("model.quality=0..1", start=runs(interrupted_at=4), sampled=7)
    _, result = swept("model.quality=0..1", start=rest, sampled=7)
    assert len(rest.seen) == 4
    _, undisturbed = swept("model.quality=0..1", start=start, sampled=7, fresh=True)
    assert sorted(t.settings["model.quality"] for t in result.trials) == sorted(quality for quality, _, _ in start.seen)
    assert [trial.mean for trial in result.trials] == [trial.mean for trial in undisturbed.trials]


def attempted(number, figure, status="finished", curve=()):
    return Attempt(
        number=number,
        seed=1,
        settings={"x": number / 10},
        status=status,
        run_id="",
        figure=figure if status == "finished" else None,
        curve=curve or (figure, figure),
        error="",
    )


def test_what_falls_behind_the_median_is_pruned(dummy):
    space = search_space.SearchSpace({}, {}, {"x": search_space.Range(0.0, 1.0)})
    tried = [attempted(number, 0.5 + number / 100) for number in range(1, 6)]
    ahead, behind = (sampling.Pruner(sampling.draw(space, tried, higher_is_better=True, number=6)) for _ in range(2))
    for pruner in (ahead, behind):
        pruner.set_params({"monitor": "val"})
    ahead.on_epoch_end(0, {"val": 0.54})
    with pytest.raises(Pruned):
        behind.on_epoch_end(0, {"val": 0.52})  # the median is 0.53
    resumed = sampling.Pruner(sampling.draw(space, tried, higher_is_better=True, number=6, curve=[0.54]))
    resumed.set_params({"monitor": "val"})
    resumed.on_epoch_end(1, {"val": 0.1})  # the best so far counts, that of before the kill, too


def test_a_refused_combination_is_a_failed_trial_that_optuna_learns_of(swept, runs):
    varied = ("training.optimizer=sgd,adam", "training.momentum=0..0.9")
    _, result = swept(*varied, start=runs(), sampled=5)
    failed = [attempt for trial in result.trials for attempt in trial.attempts if attempt.status == "failed"]
    assert failed
    assert all("momentum is for optimizer=sgd" in attempt.error for attempt in failed)
    assert {trial.settings["training.optimizer"] for trial in result.trials if trial.mean} == {"sgd"}


def test_a_pruned_trial_is_no_failure_and_its_other_seeds_are_not_run(swept, runs, dummy, monkeypatch):
    monkeypatch.setattr(sampling, "STARTUP_TRIALS", 1)
    start = runs()
    _, result = swept("model.quality=0..1", start=start, sampled=4, seeds=2)
    pruned = [attempt for trial in result.trials for attempt in trial.attempts if attempt.status == "pruned"]
    assert pruned
    assert all(attempt.seed == 1 and attempt.figure is None and len(attempt.curve) < 3 for attempt in pruned)
    assert {tracking.get_run(attempt.run_id).info.status for attempt in pruned} == {"KILLED"}
    assert {row.status for row in comparison.runs(dummy)} == {"finished", "pruned"}
    assert len(start.seen) == 8 - len(pruned)


def test_mistakes_are_one_line(command):
    for arguments, line in {
        ("--set", "training.epochs=3"): "error: --set: nothing varies",
        ("--set", "training.epochs=2,3", "--seeds", "0"): "error: --seeds: found 0; accepted is 1 or more",
        ("--set", "training.epochs=2,3", "--data", "nowhere"): "error: data.source: nowhere is no file",
    }.items():
        answer = command("sweep", "dummy", *arguments)
        assert (answer.returncode, answer.stdout) == (2, "")
        assert answer.stderr.startswith(line)
        assert answer.stderr.count("\n") == 1
