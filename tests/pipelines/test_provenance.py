"""What tells runs apart."""

from __future__ import annotations

import json

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


def test_only_what_test_files_say_tells_test_data_apart(tmp_path):
    def digest(files):
        records = {name: {"bytes": 1, "sha256": sha256} for name, sha256 in files.items()}
        (tmp_path / "manifest.json").write_text(json.dumps({"files": records}))
        prepared = Prepared(directory=tmp_path, digest="all", counts={}, source="x")
        return provenance.digest_of_test(prepared, TaskConfig())

    reference = digest({"test.en": "1", "test.fr": "2", "train.en": "3"})
    assert digest({"train.en": "4", "test.fr": "2", "test.en": "1"}) == reference
    assert digest({"test.en": "1", "test.fr": "5", "train.en": "3"}) != reference
    assert digest({"test_2016.en": "1", "test.fr": "2", "train.en": "3"}) != reference
    assert digest({"train.en": "3"}) == "all"
    sentences = {"test.txt": "1", "test.ids": "2"}
    assert digest(sentences) == digest({**sentences, "test.ids": "3"}) != digest({**sentences, "test.txt": "3"})


def test_figures_that_were_measured_in_another_way_are_not_compared(tmp_path):
    """BLEU of characters with BLEU of words, on the same sentences."""
    (tmp_path / "manifest.json").write_text(json.dumps({"files": {"test.txt": {"bytes": 1, "sha256": "1"}}}))
    prepared = Prepared(directory=tmp_path, digest="all", counts={}, source="x")
    default = TranslateConfig()
    by_characters = override(default, {"evaluation.bleu_tokenizer": "char"})
    digests = [provenance.digest_of_test(prepared, config) for config in (TaskConfig(), default, by_characters)]
    assert digests[0] == digests[1] != digests[2]


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
