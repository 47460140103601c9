"""What tells runs apart."""

from __future__ import annotations

import pytest

from pipelines import provenance
from pipelines.settings import Settings
from rnn_tasks.config import TaskConfig, override
from rnn_tasks.task import Prepared
from rnn_tasks.tasks.translate import TranslateConfig


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "quick"),
        ({"seed": 7}, "quick+1"),
        ({"training.epochs": 5}, "full"),
        ({"training.epochs": 5, "seed": 7, "model.quality": 1.0}, "full+2"),
    ],
)
def test_a_config_is_named_after_the_nearest_preset(dummy, changes, name):
    assert provenance.nearest_preset(dummy, override(dummy.presets["quick"], changes)) == name


@pytest.mark.parametrize(
    ("changes", "source", "name"),
    [
        ({}, "embedded", "quick · embedded"),
        ({"training.epochs": 5}, "/home/ann/corpora/wmt", "full · corpora/wmt"),
        ({"seed": 7, "model.quality": 0.25}, "words.txt", "quick · words.txt · seed=7, quality=0.25"),
        ({"data.source": "words.txt"}, "words.txt", "quick · words.txt"),
        (
            {
                "seed": 7,
                "data.test_words": 9,
                "model.quality": 0.25,
                "training.decay": "cosine",
                "training.clip_norm": 9,
            },
            "embedded",
            "quick · embedded · 1 more",
        ),
    ],
)
def test_a_run_is_named_after_preset_data_and_changes(dummy, changes, source, name):
    titled = provenance.title(dummy, override(dummy.presets["quick"], changes), source)
    preset, data, *changed = titled.split(" · ")
    assert [preset, data] == name.split(" · ")[:2]
    told = changed[0].split(", ") if changed else []
    if name.endswith("1 more"):
        assert len(told) == 5
        assert told[-1] == "1 more"
    else:
        assert sorted(told) == sorted(name.split(" · ")[2].split(", ") if changed else [])


def test_figures_that_were_measured_in_another_way_are_not_compared(tmp_path):
    """BLEU of characters with BLEU of words, on the same sentences."""
    prepared = Prepared(directory=tmp_path, digest="all", counts={}, source="x", test_digest="test")
    default = TranslateConfig()
    by_characters = override(default, {"evaluation.bleu_tokenizer": "char"})
    digests = [provenance.digest_of_test(prepared, config) for config in (TaskConfig(), default, by_characters)]
    assert digests[:2] == ["test", "test"] != digests[1:]


def test_nested_values_get_dotted_keys():
    assert provenance.flat({"a": 1, "b": {"c": [2], "d": {"e": None}}}) == {"a": 1, "b.c": [2], "b.d.e": None}


def test_everything_lies_below_the_home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RNN_TASKS_HOME", "somewhere")
    monkeypatch.delenv("RNN_TASKS_CACHE", raising=False)
    settings = Settings()
    assert settings.tracking_uri == f"sqlite:///{tmp_path}/somewhere/mlruns/mlflow.db"
    assert settings.prepared == tmp_path / "somewhere" / "data" / "cache" / "prepared"
    monkeypatch.setenv("RNN_TASKS_CACHE", "elsewhere")
    assert Settings().prepared == tmp_path / "elsewhere" / "prepared"


def test_which_way_a_metric_is_better_is_read_as_far_as_it_is_there():
    assert provenance.lower_is_better({"lower_is_better": '{"test_nats": true}'}) == {"test_nats": True}
    assert provenance.lower_is_better({}) == provenance.lower_is_better({"lower_is_better": '{"test_na'}) == {}
