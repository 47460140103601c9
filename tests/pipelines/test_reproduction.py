"""A recipe is repeated over seeds; what a kill has left is not run again; the interval is Student's."""

from __future__ import annotations

import functools
import json

import pytest
from prefect import flow

from pipelines import nested_runs, reproducing, reproduction, tracking
from pipelines.flow import run_chain
from rnn_tasks.errors import UserError
from rnn_tasks.recipe import load_recipe, parse_recipe, recipe_names
from rnn_tasks.registry import get_task

TEXT = """
summary = "Letters are counted."
task = "dummy"
preset = "quick"
seeds = 3
metric = "test_accuracy"
beside = ["val_accuracy"]
minutes = 0.5
source = "Nobody (1900), table 1."
protocol = "Three words."
counts = { train = 3, test = 3 }
settings = { training.epochs = 2 }

[variants.good]
published = 0.5
bar = 0.6
settings = { model.quality = 0.75 }

[variants.bad]
settings = { "model.quality" = 0.25 }
"""


@flow(name="dummy")
def dummy_flow(config):
    return run_chain("dummy", config)


@pytest.fixture
def recipe(home, dummy):
    return parse_recipe("letters", TEXT)


class Runs:
    """Starts runs, and counts; the quality depends on the seed; fails at the run number `fails_at`."""

    def __init__(self, start, fails_at=0):
        self.start, self.seen, self.fails_at = start, [], fails_at

    def __call__(self, config):
        if len(self.seen) + 1 == self.fails_at:
            raise KeyboardInterrupt
        self.seen.append((config.model.quality, config.seed))
        quality = config.model.quality + 0.01 * (config.seed - 2)
        return self.start(config.model_copy(update={"model": config.model.model_copy(update={"quality": quality})}))


@pytest.fixture
def runs(train_alone):
    """Runs(train_alone, ...)."""
    return functools.partial(Runs, train_alone)


def test_each_variant_is_run_with_each_seed_and_measured(recipe, runs):
    start = runs()
    good, bad = reproduction.reproduce(recipe, start)
    assert start.seen == [(quality, seed) for quality in (0.75, 0.25) for seed in (1, 2, 3)]
    assert good.values == pytest.approx((0.74, 0.75, 0.76))
    assert (good.mean, good.median) == pytest.approx((0.75, 0.75))
    half = 4.302653 * 0.01 / 3**0.5  # Student's t with two degrees of freedom
    assert (good.low, good.high) == pytest.approx((0.75 - half, 0.75 + half))
    assert bad.beside == {"val_accuracy": pytest.approx((0.24, 0.25, 0.26))}
    assert (good.published, good.bar, bad.published) == (0.5, 0.6, None)
    assert good.deviations == bad.deviations == ()
    assert good.seconds > 0

    (parent,) = nested_runs.parents_of("dummy", "recipe", {"recipe": "letters"})
    assert parent.info.status == "FINISHED"
    assert parent.data.metrics["good/mean"] == pytest.approx(0.75)
    children = nested_runs.children_of("dummy", parent.info.run_id)
    assert len(children) == 6
    assert {run.data.tags["competes"] for run in children} == {"False"}
    assert parent.info.run_id not in {run.info.run_id for run in tracking.runs_of("dummy")}
    assert reproduction.last_measured(recipe) == [good, bad]


def test_finished_seeds_are_not_run_again_after_a_kill(recipe, runs):
    with pytest.raises(KeyboardInterrupt):
        reproduction.reproduce(recipe, runs(fails_at=3))
    (parent,) = nested_runs.parents_of("dummy", "recipe", {"recipe": "letters"})
    assert parent.info.status == "KILLED"
    rest = runs()
    good, _ = reproduction.reproduce(recipe, rest)
    assert rest.seen == [(0.75, 3), (0.25, 1), (0.25, 2), (0.25, 3)]
    assert good.values == pytest.approx((0.74, 0.75, 0.76))
    assert len(nested_runs.parents_of("dummy", "recipe", {})) == 1


def test_two_processes_do_not_share_a_parent(recipe, runs):
    def other(config):
        with pytest.raises(UserError, match="run by another process"):
            reproduction.reproduce(recipe, runs())
        return runs()(config)

    (good,) = reproduction.reproduce(recipe, other, variants=["good"], seeds=1)
    assert len(good.values) == 1
    assert len(nested_runs.parents_of("dummy", "recipe", {})) == 1


def test_more_seeds_go_on_and_a_finished_recipe_starts_anew(recipe, runs):
    reproduction.reproduce(recipe, runs(), variants=["good"], seeds=1)
    more, again, fresh = runs(), runs(), runs()
    (good,) = reproduction.reproduce(recipe, more, variants=["good"], seeds=2)
    assert more.seen == [(0.75, 2)]
    assert good.deviations == ("2 seeds instead of 3",)
    reproduction.reproduce(recipe, again, variants=["good"], seeds=2)
    assert len(again.seen) == 2
    reproduction.reproduce(recipe, fresh, variants=["good"], seeds=3, fresh=True)
    assert len(fresh.seen) == 3


def test_other_data_than_the_protocol_asks_for_are_said(recipe, tmp_path):
    """In the whole chain, which counts them."""
    (tmp_path / "words.txt").write_text("word")
    (one,) = reproduction.reproduce(
        recipe, Runs(dummy_flow), variants=["bad"], seeds=1, data=str(tmp_path / "words.txt")
    )
    assert one.deviations == ("1 seeds instead of 3", "train has 1 instead of 3")
    assert (one.low, one.high) == (None, None)


def test_the_json_line_has_the_first_variant_and_all(recipe, runs):
    measured = reproduction.reproduce(recipe, runs(), seeds=2)
    line = json.loads(reproducing.as_json(recipe, measured))
    assert {"recipe", "published", "metric", "values", "mean", "low", "high", "seconds"} <= line.keys()
    assert (line["recipe"], line["variant"], line["published"], line["protocol_kept"]) == (
        "letters",
        "good",
        0.5,
        False,
    )
    assert [each["variant"] for each in line["variants"]] == ["good", "bad"]


def test_people_see_both_figures_and_the_verdict(recipe, runs, capsys):
    reproducing.show(recipe, reproduction.reproduce(recipe, runs(), seeds=2))
    shown = capsys.readouterr().out
    assert "0.745 ✓" in shown
    assert "no: 2 seeds instead of 3" in shown
    assert "Nobody (1900), table 1." in shown


def test_an_unknown_recipe_is_one_line(command):
    answer = command("reproduce", "nothing-like-it")
    assert answer.returncode == 2
    assert answer.stderr.startswith("error: unknown recipe 'nothing-like-it'")
    assert answer.stderr.count("\n") == 1


@pytest.mark.parametrize("name", recipe_names())
def test_the_packages_recipes_are_whole(name):
    recipe = load_recipe(name)
    task = get_task(recipe.task)
    configs = [recipe.config(task, variant, seed) for variant in recipe.variants for seed in (1, 2)]
    assert len({config.model_dump_json() for config in configs}) == 2 * len(recipe.variants)
