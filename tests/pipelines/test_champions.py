"""Who answers: the best on the data of the run that finished last, and no trial unasked."""

from __future__ import annotations

import dataclasses
import math
import os
import shutil

import pytest

from pipelines import champions, model_registry, tracking
from pipelines.model_registry import RegisteredModel
from rnn_tasks.errors import UserError


@pytest.fixture
def store(dummy, monkeypatch):
    """A registry in memory: store(figure, data, digest, …) registers a model and lets it compete."""
    models, borne, tags = [], {}, {}
    monkeypatch.setattr(model_registry, "registered_models", lambda task: models[::-1])
    monkeypatch.setattr(model_registry, "aliases", lambda name: dict(borne))
    monkeypatch.setattr(model_registry, "set_alias", lambda name, alias, version: borne.update({alias: str(version)}))
    monkeypatch.setattr(model_registry, "drop_alias", lambda name, alias: borne.pop(alias))

    def set_tags(run_id, new):
        tags.setdefault(run_id, {}).update(new)
        model = next(model for model in reversed(models) if model.run_id == run_id)
        held_back = tags[run_id].get("promotion") == "never"
        when, version = tags[run_id].get("promotion.pinned", "0 0").split()
        changed = {"held_back": held_back, "pinned": (int(when), int(version))}
        changed["competes"] = not held_back and (model.competes or model.held_back)
        models[models.index(model)] = model.model_copy(update=changed)

    monkeypatch.setattr(tracking, "set_tags", set_tags)

    def register(figure=0.5, data="embedded", digest="d1", task=dummy, *, old=False, policy="better", **fields):
        number = len(models) + 1
        given = {"preset": "quick", "data_path": "", "competes": True} | fields
        models.append(
            RegisteredModel(run_id=str(number), version=number, figure=figure, data=data, test_digest=digest, **given)
        )
        return None if old else champions.compete(task, str(number), str(number), policy)

    register.models, register.aliases, register.tags = models, borne, tags
    return register


def answers(task, **choice):
    return champions.choose(task, **choice).run_id


def refusal(task, **choice):
    with pytest.raises(UserError) as caught:
        champions.choose(task, **choice)
    return str(caught.value)


def test_the_best_on_the_same_test_data_is_champion(store, dummy):
    first = store(0.6)
    assert first.model_uri == "models:/dummy/1"
    assert (first.alias, first.promoted, first.reason) == ("champion", True, "the first on embedded")
    worse = store(0.5)
    assert (worse.alias, worse.promoted) == ("champion", False)
    assert worse.reason == "test_accuracy 0.5 against 0.6 of run 1"
    equal = store(0.6)
    assert not equal.promoted
    better = store(0.7)
    assert (better.promoted, better.reason) == (True, "test_accuracy 0.7 against 0.6 of run 1")
    assert store.aliases == {"champion": "4", "champion-embedded": "4"}
    assert not store(math.nan).promoted
    assert answers(dummy) == "4"


def test_a_model_that_is_promoted_stays_until_a_later_one_is_better(store, dummy):
    store(0.6)
    store(0.7)
    model, before = champions.promote(dummy, "1")
    assert (model.run_id, before.run_id) == ("1", "2")
    assert store.tags["1"]["promotion.reason"] == "by hand, over run 2 (test_accuracy 0.6, 0.7)"
    assert store.aliases == {"champion": "1", "champion-embedded": "1"}
    assert not store(0.55).promoted
    assert store.aliases["champion"] == "1"
    assert store(0.65).promoted  # not so good as the one that was left behind
    champions.promote(dummy, "2")  # as it was
    assert store.aliases["champion"] == "2"
    champions.promote(dummy, "1")
    champions.promote(dummy, "3")
    assert answers(dummy) == "3"


def test_a_run_may_be_promoted_always_or_never(store, dummy):
    store(0.6)
    worse = store(0.1, policy="always")
    assert (worse.promoted, store.aliases["champion"]) == (True, "2")
    assert worse.reason == store.tags["2"]["promotion.reason"] == "always: test_accuracy 0.1 against 0.6 of run 1"
    never = store(0.9, policy="never")
    assert (never.promoted, never.reason) == (False, "it was not to compete")
    assert (store.tags["3"]["promotion.decision"], store.aliases["champion"]) == ("not promoted", "2")
    assert store(0.2).promoted
    champions.promote(dummy, "3")
    assert store.aliases["champion"] == "3"


def test_what_cannot_be_promoted_is_one_line(store, dummy):
    store(0.6)
    store(0.9, preset="tiny", competes=False)
    with pytest.raises(UserError, match=r"^2: a trial run of 'dummy'; accepted is a run whose model competes$"):
        champions.promote(dummy, "2")
    with pytest.raises(UserError, match="no registered model of 'dummy'"):
        champions.promote(dummy, "9")
    assert store.aliases == {"champion": "1", "champion-embedded": "1"}


def test_of_errors_the_smallest_is_best(store, dummy):
    errors = dataclasses.replace(dummy, higher_is_better=False)
    store(0.6, task=errors)
    assert not store(0.7, task=errors).promoted
    assert store(0.5, task=errors).promoted
    assert not store(math.nan, task=errors).promoted
    assert answers(errors) == "3"


def test_a_figure_is_not_compared_with_one_measured_on_something_else(store, dummy):
    store(0.6)
    other = store(0.1, "fra-eng.zip", "d2")
    assert (other.alias, other.promoted, other.reason) == ("champion", True, "the first on fra-eng.zip")
    assert store.aliases == {"champion": "2", "champion-embedded": "1", "champion-fra-eng-zip": "2"}
    assert answers(dummy) == "2"
    store(0.5)  # not the best on its data, whose champion answers from now on
    assert store.aliases == {"champion": "1", "champion-embedded": "1", "champion-fra-eng-zip": "2"}
    assert answers(dummy) == "1"
    assert answers(dummy, data="fra-eng.zip") == "2"
    assert answers(dummy, run="champion-fra-eng-zip") == "2"


def test_test_sets_of_one_name_are_told_apart_and_keep_their_aliases(store, dummy):
    store(0.6, digest="aaaaaaaaaa")
    store(0.1, digest="bbbbbbbbbb")
    assert store.aliases == {"champion": "2", "champion-embedded": "1", "champion-embedded-bbbbbbbb": "2"}
    assert answers(dummy, data="embedded") == "2"  # of the run that finished last
    del store.models[0]  # as when somebody deletes the run
    store(0.2, digest="bbbbbbbbbb")
    assert store.aliases["champion-embedded-bbbbbbbb"] == store.aliases["champion"] == "2"


@pytest.mark.parametrize("trials", [1, 2])
def test_trials_change_nothing(store, dummy, trials):
    for _ in range(trials):
        trial = store(0.9, preset="tiny", competes=False)
    assert (trial.promoted, trial.reason) == (False, "trial runs do not compete")
    assert store.aliases == {}
    assert refusal(dummy) == (
        "only trial runs have finished, and their models answer when they are named: "
        f"rnn-tasks predict dummy --run {trials}"
    )
    real = store(0.5)
    assert (real.promoted, real.reason) == (True, "the first on embedded")
    store(0.9, "fra-eng.zip", "d2", preset="quick+1", competes=False)
    store(0.9, preset="tiny", competes=False)
    assert store.aliases == {"champion": str(trials + 1), "champion-embedded": str(trials + 1)}
    assert answers(dummy) == answers(dummy, data="embedded") == str(trials + 1)
    assert answers(dummy, run=str(trials)) == str(trials)
    assert refusal(dummy, data="fra-eng.zip").startswith("--data fra-eng.zip: only trial runs have finished")


def test_a_store_from_before_trials_were_told_apart(store, dummy):
    store(0.9, digest="t1", preset="tiny", competes=False, old=True)
    store(0.6, digest="d1", old=True)
    store(0.9, digest="t2", preset="tiny", competes=False, old=True)
    store.aliases.update({"champion": "1", "champion-embedded": "2", "champion-embedded-t2": "3", "mine": "1"})
    assert answers(dummy) == "2"
    assert not store(0.5, digest="d1").promoted
    assert store.aliases == {"champion": "2", "champion-embedded": "2", "mine": "1"}


def test_data_are_chosen_by_path_or_name(store, dummy, tmp_path, monkeypatch):
    here, there = tmp_path / "here" / "corpus", tmp_path / "there" / "corpus"
    for path in (here, there):
        path.mkdir(parents=True)
    monkeypatch.chdir(here.parent)
    os.symlink(here, "link")
    store(0.5, "multi30k", "d0")
    store(0.5, "corpus", "d1", data_path=str(here))
    store(0.5, "../there/corpus", "d2", data_path=str(there))
    store(0.5, "kept.txt", "d3", data_path=str(tmp_path / "deleted" / "kept.txt"))
    asked = ["multi30k", "corpus", "./corpus/", str(here), "link", "../there/corpus", str(there), "kept.txt"]
    assert [answers(dummy, data=data) for data in asked] == list("12222334")
    monkeypatch.chdir(there.parent)
    assert answers(dummy, data="corpus") == "3"  # it lies here
    monkeypatch.chdir("/")
    assert answers(dummy, data="corpus") == "2"  # nothing of that name lies here
    shutil.rmtree(here)
    assert answers(dummy, data=str(here)) == "2"
    (tmp_path / "new").mkdir()
    known = "no model of 'dummy' learned from it (they learned from: kept.txt, ../there/corpus, corpus, multi30k)"
    assert refusal(dummy, data=str(tmp_path / "new")) == f"--data {tmp_path / 'new'}: {known}"
    assert refusal(dummy, data="") == f"--data : {known}"


def test_models_that_learned_from_other_data_do_not_answer_for_these(store, dummy):
    store(0.5, "small", "same", data_path="/data/small")
    store(0.9, "large", "same", data_path="/data/large")
    assert answers(dummy, data="small") == "1"
    assert answers(dummy) == "2"


@pytest.mark.parametrize(
    ("data", "slug"),
    [
        ("embedded", "embedded"),
        ("../corpora/WMT 14", "corpora-wmt-14"),
        ("語料", "data"),
        ("/tmp/" + "long/" * 60 + "corpus", "ong/" + "long/" * 10 + "corpus"),
    ],
)
def test_any_name_of_data_makes_an_alias(store, data, slug):
    alias = f"champion-{slug.replace('/', '-')}"
    store(0.5, data)
    assert set(store.aliases) == {"champion", alias}
    tracking.client()  # whose rules they have to keep
    from mlflow.utils.validation import _validate_model_alias_name

    _validate_model_alias_name(alias)
